/**
 * Compressed contents of a message: `{"z": BASE64, "n": LENGTH}`.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { maxRawBytes } from "../limits.ts";
import { decodeBase64 } from "../text/base64.ts";
import { looksRandom } from "./random.ts";

/** Loads what loads `node:zlib`, which takes 10 to 20 ms in some versions of Deno. */
const loadZstd = () => import("./zstd.ts");

/** The keys of compressed contents, unchecked. */
type Keys = Readonly<Record<string, unknown>>;

/**
 * Compresses bytes.
 *
 * @returns The keys; undefined if that would save less than a quarter of the bytes.
 */
export async function encode(bytes: Uint8Array): Promise<Keys | undefined> {
  if (looksRandom(bytes)) return undefined;
  const frame = await (await loadZstd()).compress(bytes);
  return frame && { z: frame.toBase64(), n: bytes.length };
}

/**
 * Compresses a file that is not held in memory.
 *
 * @param pieces The contents; each piece may be overwritten once the next is asked for.
 * @param size Their expected size in bytes.
 * @param maxBytes The maximum length of the base64.
 * @returns As {@linkcode encode}; undefined too if it would be longer.
 */
export async function encodePieces(
  pieces: AsyncIterable<Uint8Array>,
  size: number,
  maxBytes: number,
): Promise<Keys | undefined> {
  const { compressWithin } = await loadZstd();
  const compressed = await compressWithin(pieces, size, Math.floor(maxBytes / 4) * 3);
  return compressed && { z: compressed.frame.toBase64(), n: compressed.length };
}

/**
 * Decompresses contents.
 *
 * @throws {LlamaError} `protocol` if they are damaged.
 */
export async function decode(keys: Keys): Promise<Uint8Array> {
  const { frame, length } = frameOf(keys);
  return await (await loadZstd()).decompress(frame, length);
}

/**
 * Decompresses contents that are not held in memory.
 *
 * @throws {LlamaError} `protocol` if they are damaged.
 */
export async function* decodePieces(
  keys: Keys,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { frame, length } = frameOf(keys);
  yield* (await loadZstd()).decompressPieces([frame], length);
}

function frameOf({ z, n }: Keys): { frame: Uint8Array; length: number } {
  const frame = typeof z === "string" ? decodeBase64(z) : undefined;
  const isLength = typeof n === "number" && Number.isInteger(n) && n >= 0 && n <= maxRawBytes;
  if (frame && isLength) return { frame, length: n };
  throw new LlamaError(
    "protocol",
    frame ? 'a blob\'s "n" is not a possible length' : 'a blob\'s "z" is not base64',
  );
}
