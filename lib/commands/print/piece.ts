/**
 * The pieces that are printed for a job, each for standard output, standard error or as a message.
 *
 * @module
 */

import type { Data, Output } from "../../terminal/output.ts";

/** A piece of a job's output. */
export type Piece = BytesPiece | StreamPiece;

/** A piece in memory. */
export interface BytesPiece {
  /** Standard output, standard error, or one of llama's messages. */
  readonly to: "data" | "talk" | "message";
  /** The bytes; those of a message are UTF-8. */
  readonly bytes: Uint8Array;
}

/** A piece that is too large for memory. */
export interface StreamPiece {
  /** Standard output or standard error. */
  readonly to: "data" | "talk";
  /** Reads the bytes. */
  readonly stream: () => AsyncIterable<Uint8Array>;
}

/**
 * Creates a message.
 *
 * @param text One line, without a line feed.
 */
export function message(text: string): Piece {
  return { to: "message", bytes: encoder.encode(text) };
}

/**
 * Prints pieces, with no other output between them.
 *
 * @throws {OutputClosed} If the reader of standard output has closed it.
 */
export async function printPieces(output: Output, pieces: readonly Piece[]): Promise<void> {
  // Not awaited one by one, so that all are queued before anything else.
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
