/**
 * Reads request bodies with a size limit.
 *
 * @module
 */

import { joinBytes } from "../files/bytes.ts";
/**
 * Reads a request's body.
 *
 * @param request The request.
 * @param limit The maximum number of bytes.
 * @returns The bytes; undefined if there are more. The rest is read in any case, since a caller that
 * cannot finish sending does not see the answer.
 */
export async function readBody(
  request: Request,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const length = request.headers.get("content-length");
  // The server itself enforces the length.
  if (length !== null && Number(length) <= limit) return await request.bytes();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > limit) pieces.length = 0;
    else pieces.push(piece);
  }
  if (size > limit) return undefined;
  return joinBytes(pieces);
}
