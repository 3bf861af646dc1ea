import { encodeString, isEscapedByte } from "./text.ts";
import { isPrint } from "./unicode.ts";

const htmlEntities: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

/** Go's `template.HTMLEscapeString`. */
export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => htmlEntities[character] ?? character);
}

/** Go's `template.JSEscapeString`. */
export function escapeJs(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\\'"<>&=\0-\x1f]|[^\0-\x7f]/gu, (character) => {
    if ("\\'\"".includes(character)) return "\\" + character;
    const rune = character.codePointAt(0) ?? 0;
    const shown = isEscapedByte(rune) ? 0xfffd : rune;
    // Go decodes a stray byte as U+FFFD, which is printable, so it copies the byte unchanged.
    if (rune >= 0x80 && isPrint(shown)) return character;
    return "\\u" + rune.toString(16).toUpperCase().padStart(4, "0");
  });
}

/** Go's `url.QueryEscape`. */
export function escapeQuery(text: string): string {
  if (/^[A-Za-z0-9_.~-]*$/.test(text)) return text;
  let out = "";
  for (const byte of encodeString(text)) {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9_.~-]/.test(character)) out += character;
    else if (character === " ") out += "+";
    else out += "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  }
  return out;
}
