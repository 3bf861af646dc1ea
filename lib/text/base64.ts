/**
 * Strict base64.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/**
 * Decodes base64 of the standard alphabet, with padding.
 *
 * @param text The base64.
 * @returns The bytes; undefined if the text is not base64.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  // Buffer skips invalid characters; then there are fewer bytes than the length implies.
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const length = (text.length / 4) * 3 - padding;
  return text.length % 4 === 0 && bytes.length === length ? bytes : undefined;
}
