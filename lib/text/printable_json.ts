/**
 * JSON, made safe to print.
 *
 * @module
 */

/**
 * Returns JSON in which the characters that `printable` escapes, and that JSON leaves as
 * they are, are written as `\u202e`. Its meaning is the same.
 *
 * @param json JSON on one line.
 * @returns The same JSON, safe to print.
 */
export function printableJson(json: string): string {
  return json.replace(
    unsafeInJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** JSON itself escapes C0 and halves of surrogate pairs. */
const unsafeInJson = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
