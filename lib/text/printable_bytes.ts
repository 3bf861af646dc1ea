/**
 * Makes bytes that should be UTF-8 safe to print.
 *
 * @module
 */

import { printableLine } from "./printable.ts";

/**
 * Decodes bytes that should be UTF-8, such as a file name. Invalid bytes are escaped as `\xe9`, and
 * control characters as by `printableLine`.
 *
 * @param bytes The bytes.
 * @returns Text that is safe to print, of one line.
 */
export function printableBytes(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length;) {
    const length = sequenceLength(bytes, start);
    text += length === 0
      ? `\\x${(bytes[start] ?? 0).toString(16).padStart(2, "0")}`
      : printableLine(decoder.decode(bytes.subarray(start, start + length)));
    start += length || 1;
  }
  return text;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the length of the UTF-8 sequence at an index, 0 if there is no valid one. */
function sequenceLength(bytes: Uint8Array, start: number): number {
  for (let length = 1; length <= 4 && start + length <= bytes.length; length++) {
    try {
      decoder.decode(bytes.subarray(start, start + length));
      return length;
    } catch {
      // Longer sequences are tried next.
    }
  }
  return 0;
}
