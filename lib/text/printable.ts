/**
 * Makes text from outside safe to print.
 *
 * Unescaped, a function, a server or a file name could move the cursor, recolor or retitle the
 * terminal, reorder the visible text, or forge a line of llama's output.
 *
 * @module
 */

/**
 * C0 except for tab and line feed, DEL, C1, the Unicode line and paragraph separators, bidirectional
 * controls, and lone surrogates.
 */
const unsafe =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/**
 * Escapes control characters, such as `\x1b` or `\u202e`, except for tabs and line feeds.
 *
 * @param text Text of any origin.
 * @returns Text that is safe to print, of one or more lines.
 */
export function printable(text: string): string {
  return text.replace(unsafe, escaped);
}

/**
 * Escapes all control characters in a name or other text on one line: those of
 * {@linkcode printable}, line feeds (`\n`) and tabs (`\t`).
 *
 * @param text Text of any origin.
 * @returns Text that is safe to print, of one line.
 */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  if (character === "\r") return "\\r";
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}
