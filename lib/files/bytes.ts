/**
 * Pieces of bytes, put together.
 *
 * @module
 */

/**
 * Joins pieces into a plain `Uint8Array`: searching the `Buffer` that `Buffer.concat` returns is
 * slow.
 *
 * @param pieces The pieces, in order.
 * @returns A copy of them.
 */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
