/**
 * Where the bytes of an object come from.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LlamaError } from "../errors.ts";
import { hashFile, sha256 } from "../files/hash.ts";
import { open } from "../files/quick.ts";

/** Bytes that can be sent more than once, and in parts. */
export interface Source {
  /** How many there are. */
  readonly size: number;
  /** The lower-case hexadecimal SHA-256 of all. */
  readonly id: string;
  /** Those of its parts, where it is sent in parts. */
  readonly parts: readonly string[];

  /**
   * Some of them as a body for `fetch`.
   *
   * @param offset Where they begin.
   * @param length How many.
   * @param watcher Told how it goes on.
   * @returns The body.
   */
  body(offset: number, length: number, watcher: Watcher): Blob;
}

/** Is told what becomes of a body. */
export interface Watcher {
  /** Another piece was taken. */
  readonly onPiece: () => void;
  /**
   * It cannot be read.
   *
   * @param error `LlamaError` `input` if a file has become shorter, or what the file system throws.
   */
  readonly onFailure: (error: unknown) => void;
}

/** How much of a body is read at a time, in bytes. */
const pieceBytes = 128 * 1024;

/** The size of the parts of an object of some size, in bytes; 0 if it is sent in one piece. */
export type PartSize = (size: number) => number;

/**
 * Hashes bytes.
 *
 * @param bytes The bytes; not changed while they are used.
 * @param partSize How long the parts are.
 * @returns The source.
 */
export function sourceOfBytes(bytes: Uint8Array, partSize: PartSize): Source {
  const parts = new PartHashes(partSize(bytes.length));
  parts.update(bytes);
  return {
    size: bytes.length,
    id: sha256(bytes),
    parts: parts.end(),
    body: (offset, length, watcher) =>
      new StreamedBlob(length, slice(bytes.subarray(offset, offset + length)), watcher),
  };
}

/**
 * Hashes a file. It is opened anew whenever it is read; if it has changed meanwhile, what is read
 * is not what was hashed, and S3 refuses it.
 *
 * @param path The file.
 * @param partSize How long the parts are.
 * @param signal Ends the work early.
 * @returns The source.
 * @throws What the file system throws.
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
    id,
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

async function* slice(bytes: Uint8Array): Pieces {
  for (let done = 0; done < bytes.length; done += pieceBytes) {
    // A copy: what is sent must not be shared memory.
    yield bytes.slice(done, done + pieceBytes);
  }
}

type Pieces = AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;

/**
 * A blob whose bytes are made while they are sent. `fetch` takes a blob's stream for the body and
 * its size for the Content-Length. Bytes it would copy several times, and a stream without a size
 * it would send chunked, which S3 refuses.
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
        // Whoever asks for the next piece has taken this one over. Its memory goes back when it is
        // sent, and not when it is collected as garbage, which would let 100 MB of it pile up.
        taken?.transfer(0);
        const next = await this.#next();
        // While the piece was read the attempt may have been given up, and its stream be closed.
        if (!isWanted) return;
        if (next.done) return controller.close();
        this.#watcher.onPiece();
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

/** Hashes what it is given in parts of one length. */
class PartHashes {
  readonly #hashes: string[] = [];
  readonly #length: number;
  #hash = createHash("sha256");
  #filled = 0;

  /** @param length The length of the parts; with 0 there are none. */
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
