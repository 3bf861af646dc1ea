/**
 * What is printed of a job: pieces, each for one of the places where a program writes.
 *
 * @module
 */

import type { Data, Output } from "../../terminal/output.ts";

/** A piece of what is printed of a job. */
export type Piece = BytesPiece | StreamPiece;

/** A piece that is in memory. */
export interface BytesPiece {
  /** Standard output, standard error, or a message of llama's own. */
  readonly to: "data" | "talk" | "message";
  /** What is printed: bytes, and of a message its text in UTF-8. */
  readonly bytes: Uint8Array;
}

/** A piece that is too much for memory. */
export interface StreamPiece {
  /** Standard output or standard error. */
  readonly to: "data" | "talk";
  /** Reads what is printed, bit by bit. */
  readonly stream: () => AsyncIterable<Uint8Array>;
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
  await Promise.all(pieces.map((piece) => {
    switch (piece.to) {
      case "data":
        return output.data(contentOf(piece));
      case "talk":
        return output.talk(contentOf(piece));
      case "message":
        return output.message(decoder.decode(piece.bytes));
    }
  }));
}

function contentOf(piece: Piece): Data {
  return "bytes" in piece ? piece.bytes : piece.stream();
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
