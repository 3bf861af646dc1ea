/**
 * Makes JSON safe to print.
 *
 * @module
 */

/**
 * Escapes the characters that `printable` escapes and that `JSON.stringify` does not, such as
 * `\u202e`.
 *
 * @param json JSON on one line.
 * @returns JSON with the same value, safe to print.
 */
export function printableJson(json: string): string {
  return json.replace(
    unsafeInJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** `JSON.stringify` escapes C0 and lone surrogates. */
const unsafeInJson = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
