import { decodeBytes, encodeString, isEscapedByte, normalize } from "./text.ts";
import { isPrint } from "./unicode.ts";

/** Go's single-letter escapes. */
const escapeLetters: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
};

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function escapeRune(rune: number, quote: string, ascii: boolean): string {
  if (rune === quote.charCodeAt(0) || rune === 0x5c) return "\\" + String.fromCharCode(rune);
  if (ascii ? rune < 0x80 && isPrint(rune) : isPrint(rune)) return String.fromCodePoint(rune);
  const letter = escapeLetters[rune];
  if (letter !== undefined) return letter;
  if (rune < 0x20 || rune === 0x7f) return "\\x" + hex(rune, 2);
  return rune < 0x10000 ? "\\u" + hex(rune, 4) : "\\U" + hex(rune, 8);
}

/** Returns a double-quoted Go string literal; with `ascii`, all other characters are escaped. */
export function quote(text: string, ascii = false): string {
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const rune = text.codePointAt(i) ?? 0;
    if (rune > 0xffff) i++;
    if (isEscapedByte(rune)) out += "\\x" + hex(rune & 0xff, 2);
    else out += escapeRune(rune >= 0xd800 && rune <= 0xdfff ? 0xfffd : rune, '"', ascii);
  }
  return out + '"';
}

/** Returns a single-quoted Go character literal. */
export function quoteRune(rune: number, ascii = false): string {
  return `'${escapeRune(isValidRune(rune) ? rune : 0xfffd, "'", ascii)}'`;
}

/** Reports whether a number is a Unicode scalar value. */
export function isValidRune(rune: number): boolean {
  return rune >= 0 && rune < 0xd800 || rune > 0xdfff && rune <= 0x10ffff;
}

/** Reports whether text can be quoted with backquotes unchanged. */
export function canBackquote(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return text.isWellFormed() && !/[\0-\x08\x0a-\x1f`\x7f\ufeff]/.test(text);
}

/** The message of Go's `strconv.ErrSyntax`. */
export const invalidSyntax = "invalid syntax";

interface Unquoted {
  /** The character or byte. */
  value: number;
  /** Whether `value` is a byte, from an escape such as `\xff` or `\377`, and not a character. */
  isByte: boolean;
  /** The position after it. */
  next: number;
}

/** Reads one character or escape at `at`; undefined if it is invalid. */
export function unquoteCharacter(text: string, at: number, quote: string): Unquoted | undefined {
  if (at >= text.length) return undefined;
  const rune = text.codePointAt(at) ?? 0;
  if (rune === quote.charCodeAt(0)) return undefined;
  if (rune !== 0x5c) {
    const next = at + (rune > 0xffff ? 2 : 1);
    // As in Go, a stray byte is decoded as U+FFFD.
    return { value: isEscapedByte(rune) ? 0xfffd : rune, isByte: false, next };
  }
  const letter = text[at + 1];
  if (letter === undefined) return undefined;
  const named = "abtnvfr".indexOf(letter);
  if (named >= 0) return { value: 7 + named, isByte: false, next: at + 2 };
  if (letter === "\\" || letter === quote) {
    return { value: letter.charCodeAt(0), isByte: false, next: at + 2 };
  }
  const octal = /^[0-7]{3}/.exec(text.slice(at + 1, at + 4));
  if (octal !== null) {
    const value = parseInt(octal[0], 8);
    return value > 255 ? undefined : { value, isByte: true, next: at + 4 };
  }
  const digits = letter === "x" ? 2 : letter === "u" ? 4 : letter === "U" ? 8 : 0;
  const body = text.slice(at + 2, at + 2 + digits);
  if (digits === 0 || body.length < digits || !/^[0-9a-fA-F]+$/.test(body)) return undefined;
  const value = parseInt(body, 16);
  if (letter !== "x" && !isValidRune(value)) return undefined;
  return { value, isByte: letter === "x", next: at + 2 + digits };
}

/** Returns the text of a double-quoted or backquoted Go literal; undefined if it is malformed. */
export function unquote(literal: string): string | undefined {
  const body = literal.slice(1, -1);
  if (literal.startsWith("`")) return body.replaceAll("\r", "");
  if (!body.includes("\\") && body.isWellFormed()) return body;
  let out = "";
  let hasBytes = false;
  for (let i = 0; i < body.length;) {
    const read = unquoteCharacter(body, i, '"');
    if (read === undefined) return undefined;
    if (read.isByte && read.value >= 0x80) {
      hasBytes = true;
      out += String.fromCharCode(0xdc00 + read.value);
    } else {
      out += String.fromCodePoint(read.value);
    }
    i = read.next;
  }
  return hasBytes ? normalize(decodeBytes(encodeString(out))) : out;
}
