/**
 * Commands as a person can read and repeat them.
 *
 * @module
 */

/**
 * Quotes words for a POSIX shell, where they need it.
 *
 * @param words A command and its arguments.
 * @returns One line that a shell reads as the same words; control characters are shown as `$'\n'`.
 */
export function shellQuote(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  // deno-lint-ignore no-control-regex -- these are what has to be found
  if (!/[\x00-\x1f\x7f]/.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word.replace(/[\\']/g, "\\$&")
    .replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll("\r", "\\r")
    // deno-lint-ignore no-control-regex -- these are what has to be found
    .replace(
      /[\x00-\x1f\x7f]/g,
      (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  return `$'${escaped}'`;
}
