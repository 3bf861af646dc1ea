/**
 * Quotes commands for a shell.
 *
 * @module
 */

/**
 * Quotes the words that need it for a POSIX shell.
 *
 * @param words A command and its arguments.
 * @returns One line that a shell reads as the same words. Control characters, line separators and
 * bidirectional controls are written as `$'\n'` or `$'\u2028'`.
 */
export function shellQuote(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  if (!controls.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word.replace(/[\\']/g, "\\$&").replace(
    allControls,
    (char) => names.get(char) ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `$'${escaped}'`;
}

const controls = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
const allControls = new RegExp(controls, "gu");
const names = new Map([["\n", "\\n"], ["\t", "\\t"], ["\r", "\\r"]]);
