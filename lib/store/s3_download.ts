/**
 * Downloads that go on from where they stopped, and big ones in parts.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BufferPool } from "../buffers.ts";
import { LlamaError } from "../errors.ts";
import { readSize } from "../hash.ts";
import { open, unfinishedMode, writeToFile } from "../quick_files.ts";
import type { Bucket, Reading } from "./s3_bucket.ts";
import { eachPart, partBytes } from "./s3_parts.ts";

/** How much is read at a time at most, in bytes; over TLS 16 KiB come at a time. */
const readBytes = 64 * 1024;

/** How much is hashed and written at a time, in bytes. */
const pieceBytes = 256 * 1024;

const buffers = new BufferPool(readBytes);
const pieces = new BufferPool(pieceBytes);

/** From where to where bytes are wanted, the end not included. */
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
 * @returns Its bytes, and their SHA-256.
 * @throws {LlamaError} As {@linkcode Bucket.call}.
 */
export async function downloadBytes(
  bucket: Bucket,
  id: string,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array; hash: string }> {
  const hash = createHash("sha256");
  let bytes = new Uint8Array();
  const all = { from: 0, to: Infinity };
  await fetchRange(bucket, id, all, signal, (piece, position, size) => {
    if (position === 0) bytes = new Uint8Array(size);
    bytes.set(piece, position);
    hash.update(piece);
  });
  return { bytes, hash: hash.digest("hex") };
}

/**
 * Reads an object into a new file.
 *
 * @param bucket Where it is.
 * @param id The object's id.
 * @param path The file to make.
 * @param signal Ends the work early.
 * @returns The SHA-256 of what is in the file now.
 * @throws {LlamaError} As {@linkcode Bucket.call}.
 * @throws What the file system throws.
 */
export async function downloadFile(
  bucket: Bucket,
  id: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash("sha256");
  using file = await open(path, {
    read: true,
    write: true,
    createNew: true,
    mode: unfinishedMode,
  });
  // The first part says how many there are. Most objects have no other.
  const { size, end } = await fetchRange(
    bucket,
    id,
    { from: 0, to: partBytes },
    signal,
    async (piece) => {
      hash.update(piece);
      await writeToFile(file, piece);
    },
  );
  if (end === size) return hash.digest("hex");
  const parts: Range[] = [];
  for (let from = end; from < size; from += partBytes) {
    parts.push({ from, to: Math.min(from + partBytes, size) });
  }
  await eachPart(parts, async (part, _, signal) => {
    using own = await open(path, { write: true });
    own.seekSync(part.from, Deno.SeekMode.Start);
    await fetchRange(bucket, id, part, signal, (piece) => writeToFile(own, piece));
  }, signal);
  const buffer = new Uint8Array(readSize);
  for (let count; (count = await file.read(buffer)) !== null;) {
    signal?.throwIfAborted();
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest("hex");
}

/**
 * Reads a part of an object. What is lost is asked for again from where it stopped, for as long as
 * something comes; where nothing comes, the call is repeated as calls are.
 *
 * @returns The object's size, and where the part ends.
 */
async function fetchRange(
  bucket: Bucket,
  id: string,
  { from, to }: Range,
  signal: AbortSignal | undefined,
  write: (piece: Uint8Array, position: number, size: number) => Promise<void> | void,
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
    size = sizeOf(response, position);
    for await (const piece of piecesOf(response, alive)) {
      try {
        await write(piece, position, size);
      } catch (cause) {
        // No fault of S3's, and no reason to ask again.
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
      headers: isWhole ? {} : { range: `bytes=${position}-${to === Infinity ? "" : to - 1}` },
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

/** The object's size: of an answer that begins where it was asked to. */
function sizeOf({ status, headers }: Response, position: number): number {
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
  if (status === 206 && Number(start) === position) return Number(size);
  const length = headers.get("content-length");
  if (status === 200 && position === 0 && length !== null) return Number(length);
  throw new LlamaError("store", `S3 sent something else than bytes ${position} on of an object`);
}

/**
 * What comes of an answer, in pieces that are worth being written, each in the same memory. Where it
 * breaks off after a beginning, that is its end.
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
  if (isEmpty) throw new Error("the answer was empty");
}
