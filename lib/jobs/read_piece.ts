/**
 * Standard input, piece by piece.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";

/**
 * Reads the next piece of an input.
 *
 * @param reader Where it comes from.
 * @param name What the input is called in messages.
 * @returns The piece, or the end.
 * @throws {LlamaError} `input` if it cannot be read, as a directory in its place cannot.
 */
export async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  name = "standard input",
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${name}: ${reasonOf(cause)}`, { cause });
  }
}
