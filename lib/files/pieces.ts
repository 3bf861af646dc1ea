/**
 * Files that are read piece by piece.
 *
 * @module
 */

import { open } from "./quick.ts";

/** The size of a read. */
const pieceBytes = 256 * 1024;

/**
 * Reads a file piece by piece. Each piece is overwritten by the next.
 *
 * @param path The file; not a pipe.
 * @param signal Aborts reading.
 * @throws What the file system throws.
 */
export async function* piecesOfFile(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  using file = await open(path);
  const buffer = new Uint8Array(pieceBytes);
  for (let count; (count = await file.read(buffer)) !== null;) {
    signal?.throwIfAborted();
    yield buffer.subarray(0, count);
  }
}
