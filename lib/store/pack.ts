/**
 * Compresses objects before they are stored.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { StoredForm } from "../features.ts";
import { piecesOfFile } from "../files/pieces.ts";
import { writeToFile } from "../files/quick.ts";
import { maxRawBytes } from "../limits.ts";
import { type BlobSource, type Pieces, piecesOfBytes } from "./source.ts";
import type { StoredObject } from "./store.ts";

/** Smaller objects are stored as they are. */
const minBytes = 16 * 1024;

/** More compressed bytes than this are kept in a file. */
const maxMemoryBytes = 1024 * 1024;

/** The size of a read. */
const pieceBytes = 128 * 1024;

/** The key of an object's form below the store's prefix. */
export function keyOf(id: string, form: StoredForm | undefined): string {
  return form === undefined ? id : `${id}.${form}`;
}

/** An object that is ready to be stored. Dispose of it once it is. */
export interface Packed extends StoredObject, Disposable {
  readonly form: StoredForm;
  /** The lower-case hexadecimal SHA-256 of the compressed bytes. */
  readonly hash: string;

  /** Returns a range of the compressed bytes; one at a time. */
  pieces(offset: number, length: number): Pieces;
}

/**
 * Reads, hashes and compresses an object, in one pass and little memory.
 *
 * @param source The object.
 * @param signal Ends the work early.
 * @returns The object; undefined if it is to be stored as it is: it is small or big, or compression
 * would save less than a quarter.
 * @throws What the file system throws, if the object cannot be read.
 */
export async function pack(
  source: BlobSource,
  signal: AbortSignal | undefined,
): Promise<Packed | undefined> {
  const size = source instanceof Uint8Array ? source.length : source.size;
  if (size < minBytes || size >= maxRawBytes) return undefined;
  // Loaded only for objects that may be worth it.
  const { compressPieces, isWorthwhile, probe } = await import("../compression/zstd.ts");
  const hash = createHash("sha256");
  let raw = 0;
  let isHopeless = false;
  const hashed = async function* () {
    const all = source instanceof Uint8Array
      ? piecesOfBytes(source)
      : piecesOfFile(source.path, signal);
    for await (const piece of all) {
      // The file may have grown since its size was taken.
      isHopeless = raw + piece.length >= maxRawBytes || (raw === 0 && probe(piece) === undefined);
      if (isHopeless) return;
      hash.update(piece);
      raw += piece.length;
      yield piece;
    }
  };
  const spool = new CompressedSpool();
  try {
    for await (const piece of compressPieces(hashed())) {
      if (isHopeless || !(await spool.add(piece))) break;
      signal?.throwIfAborted();
    }
    if (!isHopeless && !spool.hasFailed && isWorthwhile(spool.size, raw)) {
      return {
        id: hash.digest("hex"),
        form: "zst",
        hash: spool.hash(),
        raw,
        encoded: spool.size,
        pieces: (offset, length) => spool.pieces(offset, length),
        [Symbol.dispose]: () => spool[Symbol.dispose](),
      };
    }
  } catch (error) {
    spool[Symbol.dispose]();
    throw error;
  }
  spool[Symbol.dispose]();
  return undefined;
}

/** Compressed bytes, in memory and then in a file without a name. */
class CompressedSpool implements Disposable {
  readonly #hash = createHash("sha256");
  readonly #memory: Uint8Array[] = [];
  #file: Deno.FsFile | undefined;
  #isClosed = false;
  /** The number of bytes. */
  size = 0;
  /** Whether the temporary directory cannot take the bytes. */
  hasFailed = false;

  /** @returns False if there is no room. */
  async add(piece: Uint8Array): Promise<boolean> {
    this.#hash.update(piece);
    this.size += piece.length;
    if (this.#file === undefined) {
      this.#memory.push(piece);
      if (this.size <= maxMemoryBytes) return true;
    }
    try {
      this.#file ??= await openUnnamed();
      const pending = this.#memory.length === 0 ? [piece] : this.#memory.splice(0);
      for (const bytes of pending) await writeToFile(this.#file, bytes);
    } catch {
      // Without room for temporary files the object is stored as it is.
      this.hasFailed = true;
    }
    return !this.hasFailed;
  }

  hash(): string {
    return this.#hash.copy().digest("hex");
  }

  async *pieces(offset: number, length: number): Pieces {
    // Another caller may have joined an upload whose own caller has left.
    if (this.#isClosed) throw new Error("the compressed bytes are gone");
    const file = this.#file;
    if (file === undefined) {
      const bytes = Buffer.concat(this.#memory);
      yield* piecesOfBytes(bytes.subarray(offset, offset + length));
      return;
    }
    await file.seek(offset, Deno.SeekMode.Start);
    for (let left = length; left > 0;) {
      const piece = new Uint8Array(Math.min(left, pieceBytes));
      const count = await file.read(piece);
      if (count === null) throw new Error("the temporary file is truncated");
      left -= count;
      yield piece.subarray(0, count);
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#file?.close();
    this.#file = undefined;
  }
}

/** Opens a file that is gone when it is closed, however the process ends. */
async function openUnnamed(): Promise<Deno.FsFile> {
  const path = await Deno.makeTempFile({ prefix: "llama-zst-" });
  try {
    return await Deno.open(path, { read: true, write: true });
  } finally {
    await Deno.remove(path);
  }
}
