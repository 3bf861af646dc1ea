/**
 * Bodies of a limited size.
 *
 * @module
 */

/**
 * Reads a request's body.
 *
 * @param request The request.
 * @param limit The most bytes.
 * @returns The bytes; undefined if they are more. They are read in any case, since a caller that
 * cannot send the rest would not see the answer.
 */
export async function readBody(
  request: Request,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const length = request.headers.get("content-length");
  // With a length, the server itself sees to it that no more bytes come.
  if (length !== null && Number(length) <= limit) return await request.bytes();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > limit) pieces.length = 0;
    else pieces.push(piece);
  }
  if (size > limit) return undefined;
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
