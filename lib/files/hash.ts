/**
 * SHA-256, which names objects and signs payloads.
 *
 * Uses `node:crypto` rather than WebCrypto, since it can hash a stream and is three times as fast
 * (1.8 GB/s and 0.6 GB/s, measured on the same machine).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BufferPool, readSize } from "./buffers.ts";

const buffers = new BufferPool(readSize);

/**
 * Returns the SHA-256 of bytes, in 64 lower-case hexadecimal digits.
 */
export function sha256(bytes: Uint8Array | string): string {
  return empty.copy().update(bytes).digest("hex");
}

/** A copy takes a third of the time of a new hash, which looks its algorithm up by name. */
const empty = createHash("sha256");

/**
 * Reads and hashes a file from its current position to its end.
 *
 * @param file The open file.
 * @param options A `write` that receives each chunk of up to 1 MiB, before the next is read into the
 * same buffer; and a signal that aborts reading.
 * @returns The hash in 64 lower-case hexadecimal digits, and the number of bytes.
 */
export async function hashFile(
  file: Deno.FsFile,
  options: {
    write?: (piece: Uint8Array) => Promise<unknown>;
    signal?: AbortSignal | undefined;
  } = {},
): Promise<{ id: string; size: number }> {
  const hash = createHash("sha256");
  const buffer = buffers.take();
  let size = 0;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const count = await file.read(buffer);
      if (count === null) break;
      const piece = buffer.subarray(0, count);
      hash.update(piece);
      size += count;
      await options.write?.(piece);
    }
  } finally {
    buffers.give(buffer);
  }
  return { id: hash.digest("hex"), size };
}
