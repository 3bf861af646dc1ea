/**
 * Counts the bytes that jobs send and receive.
 *
 * @module
 */

import type { Sizes } from "../features.ts";

/**
 * Bytes transferred, as sent and received: compressed contents count with their compressed size.
 * Objects that the store already had count like new ones.
 */
export interface Transfer {
  /** Requests and the objects that they refer to; 0 if nothing was sent. */
  sentBytes: number;
  /** Responses and the objects that they refer to. */
  receivedBytes: number;
  /** The bytes that compression saved. @default {none} */
  savedBytes?: {
    /** Of requests and the objects that they refer to. */
    sent: number;
    /** Of responses and the objects that they refer to. */
    received: number;
  };
}

/** The direction of a transfer, seen from this machine. */
type Direction = "sent" | "received";

/** Counts contents in a message, whose bytes are counted with it. */
export function countInline(
  transfer: Transfer,
  direction: Direction,
  { raw, encoded }: Sizes,
): void {
  const saved = transfer.savedBytes ??= { sent: 0, received: 0 };
  saved[direction] += raw - encoded;
}

/** Counts an object. */
export function countObject(transfer: Transfer, direction: Direction, sizes: Sizes): void {
  transfer[`${direction}Bytes`] += sizes.encoded;
  countInline(transfer, direction, sizes);
}
