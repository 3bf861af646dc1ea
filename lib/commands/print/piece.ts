/**
 * What is printed of a job: pieces, each for one of the places where a program writes.
 *
 * @module
 */

import type { Output } from "../../terminal/output.ts";

/** A piece of what is printed of a job. */
export interface Piece {
  /** Standard output, standard error, or a message of llama's own. */
  readonly to: "data" | "talk" | "message";
  /** What is printed: bytes, and of a message its text in UTF-8. */
  readonly bytes: Uint8Array;
}

/**
 * A message of llama's own.
 *
 * @param text One line, without its end.
 * @returns The piece.
 */
export function message(text: string): Piece {
  return { to: "message", bytes: encoder.encode(text) };
}

/**
 * Prints pieces, with nothing of another job between them.
 *
 * @param output Where to.
 * @param pieces What.
 * @throws {OutputClosed} If nobody reads standard output any more.
 */
export async function printPieces(output: Output, pieces: readonly Piece[]): Promise<void> {
  // Not awaited one by one: all of them are in the queue before anything else can be.
  await Promise.all(pieces.map(({ to, bytes }) => {
    switch (to) {
      case "data":
        return output.data(bytes);
      case "talk":
        return output.talk(bytes);
      case "message":
        return output.message(decoder.decode(bytes));
    }
  }));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
