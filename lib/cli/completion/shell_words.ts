/**
 * Splits a command line that is being typed into words.
 *
 * @module
 */

/** Quoting by ', " and \; a quote may still be open at the end. */
const quotation = String.raw`'([^']*)'?|"((?:\\[^]|[^"\\])*)"?|\\([^]?)`;
const quoted = new RegExp(quotation, "g");
const wholeWord = new RegExp(`(?:${quotation}|[^\\s'"\\\\])+`, "g");

/**
 * Splits a command line into words as a shell does, and removes the quotes. Expansions, such as
 * variables, are left as they are.
 *
 * @param line The line up to the cursor.
 * @returns The words; the last is the one at the cursor, which is empty after a space.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(shellWords("llama -function 'a=tr a b' in"), [
 *   "llama",
 *   "-function",
 *   "a=tr a b",
 *   "in",
 * ]);
 * assert.deepEqual(shellWords("llama help "), ["llama", "help", ""]);
 * ```
 */
export function shellWords(line: string): string[] {
  const found = [...line.matchAll(wholeWord)];
  const last = found.at(-1);
  const isAfterSpace = last === undefined || last.index + last[0].length < line.length;
  const words = found.map(([word]) =>
    word.replaceAll(
      quoted,
      (_, single, double, escaped) => single ?? double?.replaceAll(/\\([$`"\\])/g, "$1") ?? escaped,
    )
  );
  return isAfterSpace ? [...words, ""] : words;
}
