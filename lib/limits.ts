/**
 * How much goes into a message, and how long a timer takes.
 *
 * @module
 */

/** Lambda's limit for the JSON of a request, and for that of a response, in bytes. */
export const maxPayloadBytes = 6_291_456;

/** A blob of more bytes than this goes through the store, where there is one. */
export const maxInlineBytes = 256 * 1024;

/** A message of more bytes than this has its largest blobs stored, where there is a store. */
export const maxMessageBytes = 1024 * 1024;

/** The longest time that a timer takes, in milliseconds: 24.8 days. */
export const longestTimerMs = 2 ** 31 - 1;
