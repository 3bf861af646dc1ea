/**
 * Downloads, resumed where they were cut off; big objects in parts.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BufferPool, readSize } from "../files/buffers.ts";
import { LlamaError } from "../errors.ts";
import { open, unfinishedMode, writeToFile } from "../files/quick.ts";
import { tooLarge } from "./object_checks.ts";
import type { Bucket, Reading } from "./s3_bucket.ts";
import { eachPart, partBytes, partSizeOf } from "./s3_parts.ts";

/** The size of a read; over TLS, 16 KiB arrive at a time. */
const readBytes = 64 * 1024;

/** The largest object that S3 accepts. */
const maxObjectBytes = 50 * 1024 ** 4;

/** The largest object that is read into memory. */
const maxMemoryBytes = 1024 ** 3;

/** The initial allocation for an object, whose claimed size is not trusted. */
const firstMemoryBytes = 1024 * 1024;

/** The size of the pieces that are hashed and written. */
const pieceBytes = 256 * 1024;

const buffers = new BufferPool(readBytes);
const pieces = new BufferPool(pieceBytes);

/** A range of bytes, without the end. */
interface Range {
  from: number;
  to: number;
}

/**
 * Reads a whole object into memory.
 *
 * @param bucket Where it is.
 * @param id The object's id.
 * @param signal Ends the work early.
 * @param maxBytes The most bytes that it may have. @default {1 GiB}
 * @returns Its bytes, and their SHA-256.
 * @throws {LlamaError} `too-large` if it has more, or as {@linkcode Bucket.call}.
 */
export async function downloadBytes(
  bucket: Bucket,
  id: string,
  signal: AbortSignal | undefined,
  maxBytes: number = maxMemoryBytes,
): Promise<{ bytes: Uint8Array; hash: string }> {
  const hash = createHash("sha256");
  let bytes = new Uint8Array();
  const all = { from: 0, to: Infinity };
  const { size } = await fetchRange(bucket, id, all, signal, (piece, position, size) => {
    if (size > maxBytes) throw tooLarge(id, size, maxBytes);
    const end = position + piece.length;
    if (end > bytes.length) {
      // Memory grows with the bytes received, not with the size that the server claims.
      const larger = new Uint8Array(Math.min(size, Math.max(2 * end, firstMemoryBytes)));
      larger.set(bytes.subarray(0, position));
      bytes = larger;
    }
    bytes.set(piece, position);
    hash.update(piece);
  });
  return { bytes: bytes.subarray(0, size), hash: hash.digest("hex") };
}

/** Options for {@linkcode downloadFile}. */
export interface DownloadOptions {
  /** Headers of all requests. @default {none} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether to hash the contents. @default {true} */
  readonly isHashed?: boolean | undefined;
}

/**
 * Reads an object into a new file.
 *
 * @param bucket Where it is.
 * @param id The object's id.
 * @param path The file to make.
 * @param signal Ends the work early.
 * @param options Headers, and whether to hash.
 * @returns The SHA-256 of the file's contents; undefined if they are not hashed.
 * @throws {LlamaError} As {@linkcode Bucket.call}.
 * @throws What the file system throws.
 */
export async function downloadFile(
  bucket: Bucket,
  id: string,
  path: string,
  signal: AbortSignal | undefined,
  { headers = {}, isHashed = true }: DownloadOptions = {},
): Promise<string | undefined> {
  const hash = isHashed ? createHash("sha256") : undefined;
  using file = await open(path, {
    read: true,
    write: true,
    createNew: true,
    mode: unfinishedMode,
  });
  // The first part's response tells the object's size. Most objects have only this part.
  const { size, end } = await fetchRange(
    bucket,
    id,
    { from: 0, to: partBytes },
    signal,
    async (piece) => {
      hash?.update(piece);
      await writeToFile(file, piece);
    },
    headers,
  );
  if (end === size) return hash?.digest("hex");
  const parts: Range[] = [];
  const partLength = Math.max(partBytes, partSizeOf(size));
  for (let from = end; from < size; from += partLength) {
    parts.push({ from, to: Math.min(from + partLength, size) });
  }
  await eachPart(parts, async (part, _, signal) => {
    using own = await open(path, { write: true });
    own.seekSync(part.from, Deno.SeekMode.Start);
    await fetchRange(bucket, id, part, signal, (piece) => writeToFile(own, piece), headers);
  }, signal);
  if (hash === undefined) return undefined;
  const buffer = new Uint8Array(readSize);
  for (let count; (count = await file.read(buffer)) !== null;) {
    signal?.throwIfAborted();
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest("hex");
}

/**
 * Reads a whole object piece by piece.
 *
 * @param bucket Where it is.
 * @param key The object's key below the store's prefix.
 * @param signal Ends the work early.
 * @returns The pieces.
 * @throws {LlamaError} As {@linkcode Bucket.call}.
 */
export async function* downloadPieces(
  bucket: Bucket,
  key: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, {
    highWaterMark: 0,
  });
  const writer = writable.getWriter();
  // A copy, since each piece is read into the same memory.
  const write = (piece: Uint8Array) => writer.write(piece.slice());
  const all = { from: 0, to: Infinity };
  const downloaded = fetchRange(bucket, key, all, signal, write).then(
    () => writer.close(),
    (error) => writer.abort(error),
  );
  try {
    yield* readable;
  } finally {
    // After an early end, writing fails, and with it the download.
    await downloaded.catch(() => {});
  }
}

/**
 * Reads a range of an object. After an interruption it continues from where it stopped, for as long
 * as each response brings some bytes; a call without any is retried as usual.
 *
 * @returns The object's size, and where the part ends.
 */
async function fetchRange(
  bucket: Bucket,
  id: string,
  { from, to }: Range,
  signal: AbortSignal | undefined,
  write: (piece: Uint8Array, position: number, size: number) => Promise<void> | void,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ size: number; end: number }> {
  let position = from;
  let size = Infinity;
  let unwritten: { cause: unknown } | undefined;
  const read = async (response: Response, { alive }: Reading) => {
    // An empty object has no first byte.
    if (response.status === 416) {
      size = 0;
      return;
    }
    const claimed = sizeOf(response, position);
    if (size !== Infinity && claimed !== size) throw wrongBytes(position);
    size = claimed;
    const end = Math.min(to, size);
    for await (const piece of piecesOf(response, alive)) {
      if (position + piece.length > end) throw wrongBytes(position);
      try {
        await write(piece, position, size);
      } catch (cause) {
        // A local failure: no reason to retry.
        unwritten = { cause };
        return;
      }
      position += piece.length;
    }
  };
  while (position < Math.min(to, size)) {
    const isWhole = position === 0 && to === Infinity;
    await bucket.call({
      method: "GET",
      action: "GetObject",
      id,
      headers: isWhole
        ? { ...headers }
        : { ...headers, range: `bytes=${position}-${to === Infinity ? "" : to - 1}` },
      bytes: to - position,
      also: position === 0 ? [416] : [],
      read,
      signal,
    });
    signal?.throwIfAborted();
    if (unwritten) throw unwritten.cause;
  }
  return { size, end: position };
}

/** Returns the object's size from a response that begins at the requested position. */
function sizeOf({ status, headers }: Response, position: number): number {
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
  const length = headers.get("content-length");
  const claimed = status === 206 && Number(start) === position
    ? Number(size)
    : status === 200 && position === 0 && length !== null
    ? Number(length)
    : NaN;
  if (claimed <= maxObjectBytes) return claimed;
  throw wrongBytes(position);
}

function wrongBytes(position: number): LlamaError {
  return new LlamaError(
    "store",
    `S3 did not send the requested bytes from byte ${position} on`,
  );
}

/**
 * Yields a response's body in pieces of a size worth writing, each in the same memory. A body that is
 * cut off simply ends, unless nothing arrived.
 */
async function* piecesOf(
  { body, headers }: Response,
  alive: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null || headers.get("content-length") === "0") return;
  const reader = body.getReader({ mode: "byob" });
  const piece = pieces.take();
  let buffer = buffers.take();
  let filled = 0;
  let isEmpty = true;
  /** @returns Whether there is no more. */
  const read = async () => {
    try {
      const { done, value } = await reader.read(buffer);
      if (value) buffer = new Uint8Array(value.buffer);
      if (done) {
        buffers.give(buffer);
        return true;
      }
      alive();
      isEmpty = false;
      piece.set(value, filled);
      filled += value.length;
      return false;
    } catch (error) {
      if (isEmpty) throw error;
      return true;
    }
  };
  try {
    for (let isDone = false; !isDone;) {
      isDone = await read();
      if (filled > 0 && (isDone || filled > pieceBytes - readBytes)) {
        yield piece.subarray(0, filled);
        filled = 0;
      }
    }
  } finally {
    pieces.give(piece);
    await reader.cancel().catch(() => {});
  }
  if (isEmpty) throw new Error("the response was empty");
}
