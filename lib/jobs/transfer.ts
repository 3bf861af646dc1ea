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

/** Counts objects and compressed contents. */
export function counting(transfer: Transfer) {
  const saved = transfer.savedBytes ??= { sent: 0, received: 0 };
  return {
    sentInline: ({ raw, encoded }: Sizes) => void (saved.sent += raw - encoded),
    receivedInline: ({ raw, encoded }: Sizes) => void (saved.received += raw - encoded),
    sentObject: ({ raw, encoded }: Sizes) => {
      transfer.sentBytes += encoded;
      saved.sent += raw - encoded;
    },
    receivedObject: ({ raw, encoded }: Sizes) => {
      transfer.receivedBytes += encoded;
      saved.received += raw - encoded;
    },
  };
}
