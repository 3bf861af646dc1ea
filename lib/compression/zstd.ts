/**
 * Compression with zstd at level 1, which compresses text to a fifth at 100 to 400 MB/s.
 *
 * This module is loaded on demand: loading `node:zlib` takes 10 to 20 ms in some versions of Deno.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";
import { messageOf } from "../errors.ts";
import { checkFrame, damaged, partsOf } from "./frame.ts";
import { looksRandom } from "./random.ts";

/** Of larger contents, the beginning decides. */
const probedBytes = 32 * 1024;

/** The size of that beginning. */
const probeBytes = 16 * 1024;

/** Contents are compressed if the result has at most this share of their bytes. */
const maxShare = 0.75;

/** Larger contents are compressed and decompressed on other threads. */
const onThisThreadBytes = 256 * 1024;

/** The output buffer of a stream. More than a block, so that each is decompressed in one step. */
const chunkSize = 256 * 1024;

/** The smallest output buffer that Node allows. */
const minChunkSize = 64;

// The checksum finds damage that changes neither the length nor the structure.
const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };

/**
 * Compresses bytes if that saves at least a quarter of them.
 *
 * @returns One zstd frame; undefined if it would save less.
 */
export async function compress(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (bytes.length === 0) return undefined;
  if (bytes.length > probedBytes && probe(bytes) === undefined) return undefined;
  const compressed = bytes.length <= onThisThreadBytes
    ? compressAtOnce(bytes)
    : await joined(compressPieces([bytes]), bytes.length);
  return isWorthwhile(compressed.length, bytes.length) ? compressed : undefined;
}

/**
 * Reports whether compression saves enough.
 *
 * @param compressed The size of the result, in bytes.
 * @param raw The size of the contents, in bytes.
 */
export function isWorthwhile(compressed: number, raw: number): boolean {
  return compressed <= raw * maxShare;
}

/**
 * Estimates how well contents compress.
 *
 * @param beginning Their beginning; 16 KiB of it are used.
 * @returns The share of the bytes that would remain; undefined if that is not worth the time.
 */
export function probe(beginning: Uint8Array): number | undefined {
  if (looksRandom(beginning)) return undefined;
  const sample = beginning.subarray(0, probeBytes);
  const { length } = compressAtOnce(sample);
  return isWorthwhile(length, sample.length) ? length / sample.length : undefined;
}

/** Compresses bytes with one output buffer of the right size, since its allocation takes time. */
function compressAtOnce(bytes: Uint8Array): Uint8Array {
  // https://github.com/facebook/zstd/blob/v1.5.7/lib/zstd.h, ZSTD_COMPRESSBOUND, and the checksum
  const bound = bytes.length + (bytes.length >> 8) + 1024;
  return zstdCompressSync(bytes, { chunkSize: bound, params });
}

/**
 * Compresses pieces.
 *
 * @param pieces The contents; each piece may be overwritten once the next is asked for.
 * @returns The pieces of one zstd frame.
 */
export function compressPieces(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Deno adds an empty frame if the end of the first one does not fit into its output buffer.
  return partsOf(through(createZstdCompress({ chunkSize, params }), pieces), { isFirst: true });
}

/**
 * Compresses pieces into memory.
 *
 * @param pieces As for {@linkcode compressPieces}.
 * @param size The expected size of the contents.
 * @param maxBytes The maximum size of the frame.
 * @returns The frame and the actual length of the contents; undefined if the frame would be larger,
 * or compression would save less than a quarter.
 */
export async function compressWithin(
  pieces: AsyncIterable<Uint8Array>,
  size: number,
  maxBytes: number,
): Promise<{ frame: Buffer; length: number } | undefined> {
  let length = 0;
  let isHopeless = false;
  const counted = async function* () {
    for await (const piece of pieces) {
      if (length === 0) {
        const share = probe(piece);
        // The beginning is an estimate: what follows it may well compress twice as well.
        isHopeless = share === undefined || share * size > 2 * maxBytes;
        if (isHopeless) return;
      }
      length += piece.length;
      yield piece;
    }
  };
  const frame: Uint8Array[] = [];
  let filled = 0;
  for await (const piece of compressPieces(counted())) {
    filled += piece.length;
    if (isHopeless || filled > maxBytes) return undefined;
    frame.push(piece);
  }
  return isWorthwhile(filled, length) ? { frame: Buffer.concat(frame), length } : undefined;
}

/**
 * Decompresses a frame.
 *
 * @param bytes The frame.
 * @param length The length of its contents.
 * @returns The contents.
 * @throws {LlamaError} `protocol` if the frame is damaged, or its contents have another length.
 */
export async function decompress(bytes: Uint8Array, length: number): Promise<Uint8Array> {
  if (length > onThisThreadBytes) {
    return await joined(decompressPieces([bytes], length), length);
  }
  checkFrame(bytes);
  let contents;
  try {
    contents = zstdDecompressSync(bytes, {
      maxOutputLength: Math.max(length, 1),
      chunkSize: Math.max(length, minChunkSize),
    });
  } catch (cause) {
    const isTooLong = cause instanceof Error && "code" in cause &&
      cause.code === "ERR_BUFFER_TOO_LARGE";
    throw isTooLong ? longer(length) : damaged(messageOf(cause), cause);
  }
  if (contents.length > length) throw longer(length);
  if (contents.length < length) throw shorter(contents.length, length);
  return contents;
}

/**
 * Decompresses a frame that arrives in pieces.
 *
 * @param pieces The frame; each piece may be overwritten once the next is asked for.
 * @param length The length of its contents, or with `isMaximum` the maximum.
 * @returns The contents in pieces of at most 256 KiB.
 * @throws {LlamaError} `protocol` if the frame is damaged, or its contents have another length.
 */
export async function* decompressPieces(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  length: number,
  { isMaximum = false }: { isMaximum?: boolean } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let decompressed = 0;
  for await (const piece of through(createZstdDecompress({ chunkSize }), partsOf(each(pieces)))) {
    decompressed += piece.length;
    if (decompressed > length) throw longer(length);
    yield piece;
  }
  if (!isMaximum && decompressed < length) throw shorter(decompressed, length);
}

function longer(length: number) {
  return damaged(`its contents have more than ${length} bytes`);
}

function shorter(actual: number, length: number) {
  return damaged(`its contents have ${actual} bytes instead of ${length}`);
}

async function* each<T>(values: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

async function joined(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  let bytes = new Uint8Array(Math.min(maxBytes, chunkSize));
  let filled = 0;
  for await (const piece of pieces) {
    const end = filled + piece.length;
    if (end > bytes.length) {
      // Memory grows with the contents, not with the length that was claimed.
      const larger = new Uint8Array(Math.max(end, Math.min(2 * bytes.length, maxBytes)));
      larger.set(bytes.subarray(0, filled));
      bytes = larger;
    }
    bytes.set(piece, filled);
    filled = end;
  }
  return bytes.subarray(0, filled);
}

/** Sends pieces through a stream of `node:zlib`. */
async function* through(
  stream: ReturnType<typeof createZstdCompress>,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const output: Uint8Array[] = [];
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  // Awaited below; until then it must not count as unhandled.
  ended.catch(() => {});
  stream.on("data", (piece: Uint8Array) => void output.push(piece));
  stream.on("end", resolve);
  stream.on("error", (cause: Error) => reject(damaged(messageOf(cause), cause)));
  try {
    for await (const piece of pieces) {
      const written = new Promise<void>((taken) => stream.write(piece, () => taken()));
      await Promise.race([written, ended]);
      yield* output.splice(0);
    }
    stream.end();
    await ended;
    yield* output;
  } finally {
    stream.destroy();
  }
}
