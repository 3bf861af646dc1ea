/**
 * SHA-256, which names objects and signs payloads.
 *
 * `node:crypto` and not WebCrypto: it takes a stream piece by piece, and runs at three times the
 * speed (1.8 GB/s against 0.6 on the machine where both were measured).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BufferPool } from "./buffers.ts";

/** How much of a file is read at a time, in bytes. */
export const readSize = 1024 * 1024;

const buffers = new BufferPool(readSize);

/**
 * Hashes bytes.
 *
 * @param bytes What to hash.
 * @returns 64 lower-case hexadecimal digits.
 */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Reads a file from where it stands to its end, hashing on the way.
 *
 * @param file The open file.
 * @param options A `write` that gets each piece, of up to 1 MiB, before the next is read into the
 * same buffer; and a signal that ends the reading.
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
