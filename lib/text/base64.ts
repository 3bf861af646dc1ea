/**
 * Strict base64.
 *
 * @module
 */

/**
 * Decodes base64 of the standard alphabet, with padding.
 *
 * @param text The base64.
 * @returns The bytes; undefined if the text is not base64.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  // `fromBase64` also accepts missing padding and white space, which the length does not fit.
  const bytes = decoded(text);
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const length = (text.length / 4) * 3 - padding;
  return text.length % 4 === 0 && bytes?.length === length ? bytes : undefined;
}

/** Takes half of the time of `Buffer.from`. */
function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
