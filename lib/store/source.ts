/**
 * Sources of an object's bytes.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LlamaError } from "../errors.ts";
import { hashFile, sha256 } from "../files/hash.ts";
import { open } from "../files/quick.ts";

/** A file to send, with its size when it was found. */
export interface FileSource {
  /** Its path on this machine. */
  path: string;
  /** Its size in bytes. */
  size: number;
  /** Whether it is a regular file. @default {looked up} */
  isFile?: boolean | undefined;
}

/** The contents of a blob. */
export type BlobSource = Uint8Array | FileSource;

/** Bytes that can be sent more than once, and in parts. */
export interface Source {
  /** The size in bytes. */
  readonly size: number;
  /** The object's key below the store's prefix: its id, or that of another form. */
  readonly key: string;
  /** The lower-case hexadecimal SHA-256 of all bytes. */
  readonly hash: string;
  /** The hashes of its parts, if it is sent in parts. */
  readonly parts: readonly string[];

  /**
   * Returns a range of the bytes as a body for `fetch`.
   *
   * @param watcher Told about progress and failure.
   */
  body(offset: number, length: number, watcher: Watcher): Blob;
}

/** Observes the sending of a body. */
export interface Watcher {
  /** Called for each piece sent, with its size in bytes. */
  readonly onPiece: (bytes: number) => void;
  /**
   * Called if the body cannot be read.
   *
   * @param error `LlamaError` `input` if a file has shrunk, or what the file system throws.
   */
  readonly onFailure: (error: unknown) => void;
}

/** The size of the pieces that are read. */
const pieceBytes = 128 * 1024;

/** Returns the part size for an object's size, in bytes; 0 if it is sent in one piece. */
export type PartSize = (size: number) => number;

/**
 * Hashes bytes.
 *
 * @param bytes The bytes; must not change while in use.
 * @param partSize The size of the parts.
 */
export function sourceOfBytes(bytes: Uint8Array, partSize: PartSize): Source {
  const parts = new PartHashes(partSize(bytes.length));
  parts.update(bytes);
  const id = sha256(bytes);
  return {
    size: bytes.length,
    key: id,
    hash: id,
    parts: parts.end(),
    body: (offset, length, watcher) =>
      new StreamedBlob(length, piecesOfBytes(bytes.subarray(offset, offset + length)), watcher),
  };
}

/**
 * Returns a source of bytes that are hashed, sent in one piece.
 *
 * @param key The object's key.
 * @param hash The SHA-256 of the bytes.
 * @param size The number of bytes.
 * @param pieces Returns a range of them.
 */
export function sourceOfPieces(
  key: string,
  hash: string,
  size: number,
  pieces: (offset: number, length: number) => Pieces,
): Source {
  return {
    ...{ key, hash, size, parts: [] },
    body: (offset, length, watcher) => new StreamedBlob(length, pieces(offset, length), watcher),
  };
}

/**
 * Hashes a file. It is opened again for each read; if it has changed meanwhile, S3 refuses the bytes,
 * which do not match the hash.
 *
 * @param partSize The size of the parts.
 */
export async function sourceOfFile(
  path: string,
  partSize: PartSize,
  signal?: AbortSignal,
): Promise<Source> {
  using file = await open(path);
  const parts = new PartHashes(partSize(file.statSync().size));
  const { id, size } = await hashFile(file, {
    write: (piece) => Promise.resolve(parts.update(piece)),
    signal,
  });
  return {
    size,
    key: id,
    hash: id,
    parts: parts.end(),
    body: (offset, length, watcher) =>
      new StreamedBlob(length, readPieces(path, offset, length), watcher),
  };
}

async function* readPieces(path: string, offset: number, length: number): Pieces {
  using file = await open(path);
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let left = length; left > 0;) {
    const piece = new Uint8Array(Math.min(left, pieceBytes));
    const count = await file.read(piece);
    if (count === null) {
      throw new LlamaError("input", `${JSON.stringify(path)} shrank while it was being sent`, {
        hint: "send it again once nothing writes to it",
      });
    }
    left -= count;
    yield piece.subarray(0, count);
  }
}

/** Returns copies of bytes, piece by piece. */
export async function* piecesOfBytes(bytes: Uint8Array): Pieces {
  for (let done = 0; done < bytes.length; done += pieceBytes) {
    // A copy: the body must not be shared memory.
    yield bytes.slice(done, done + pieceBytes);
  }
}

/** Pieces of a body, in memory of their own. */
export type Pieces = AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;

/**
 * A blob whose bytes are produced while they are sent. `fetch` uses a blob's stream as the body and
 * its size as the Content-Length. It would copy plain bytes several times, and send a stream without
 * a size chunked, which S3 refuses.
 */
class StreamedBlob extends Blob {
  override readonly size: number;
  readonly #pieces: Pieces;
  readonly #watcher: Watcher;

  constructor(size: number, pieces: Pieces, watcher: Watcher) {
    super();
    this.size = size;
    this.#pieces = pieces;
    this.#watcher = watcher;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let taken: ArrayBuffer | undefined;
    let isWanted = true;
    return new ReadableStream({
      pull: async (controller) => {
        // The previous piece has been sent. Its memory is released now: left to garbage collection,
        // 100 MB would pile up.
        taken?.transfer(0);
        const next = await this.#next();
        // The stream may have been cancelled during the read.
        if (!isWanted) return;
        if (next.done) return controller.close();
        this.#watcher.onPiece(next.value.length);
        taken = next.value.buffer;
        controller.enqueue(next.value);
      },
      cancel: async () => {
        isWanted = false;
        await this.#pieces.return();
      },
    }, { highWaterMark: 0 });
  }

  async #next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>, void>> {
    try {
      return await this.#pieces.next();
    } catch (error) {
      this.#watcher.onFailure(error);
      throw error;
    }
  }
}

/** Hashes bytes in parts of equal size. */
class PartHashes {
  readonly #hashes: string[] = [];
  readonly #length: number;
  #hash = createHash("sha256");
  #filled = 0;

  /** @param length The size of the parts; 0 for none. */
  constructor(length: number) {
    this.#length = length;
  }

  update(bytes: Uint8Array): void {
    for (let rest = bytes; this.#length > 0 && rest.length > 0;) {
      const piece = rest.subarray(0, this.#length - this.#filled);
      this.#hash.update(piece);
      this.#filled += piece.length;
      if (this.#filled === this.#length) this.#next();
      rest = rest.subarray(piece.length);
    }
  }

  end(): readonly string[] {
    if (this.#filled > 0) this.#next();
    return this.#hashes;
  }

  #next(): void {
    this.#hashes.push(this.#hash.digest("hex"));
    this.#hash = createHash("sha256");
    this.#filled = 0;
  }
}
