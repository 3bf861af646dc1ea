/**
 * Go's strings are bytes, JavaScript's are UTF-16. Here, a Go string is a JavaScript string in
 * which each byte that is not part of valid UTF-8 is one lone low surrogate, U+DC80 to U+DCFF (the
 * scheme of Python's `surrogateescape`). Well-formed strings, the usual case, need no special
 * treatment.
 *
 * The form is unique as long as all code that joins strings calls {@linkcode normalize}, which
 * turns adjacent escaped halves of a character back into the character.
 */

const escapeBase = 0xdc00;

/** Reports whether a code unit is an escaped byte. */
export function isEscapedByte(code: number): boolean {
  return code >= 0xdc80 && code <= 0xdcff;
}

/** Reports whether a string is ASCII only, so that its bytes and code units are the same. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return false;
  }
  return true;
}

/**
 * Returns the length in bytes of the valid UTF-8 sequence at `at`, or 0. Overlong forms, surrogates
 * and anything above U+10FFFF are invalid (the Unicode Standard, table 3-7, like Go's
 * unicode/utf8).
 */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + need > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < need; i++) {
    const next = bytes[at + i] ?? 0;
    if (next < 0x80 || next > 0xbf) return 0;
  }
  return need;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/**
 * Decodes bytes to the string form that templates and methods of their data use.
 *
 * @param bytes Any bytes, usually UTF-8.
 * @returns The text; each byte that is not part of valid UTF-8 is a lone surrogate, U+DC00 plus the
 * byte.
 *
 * @example
 * ```ts
 * import { decodeBytes, encodeString } from "./mod.ts";
 *
 * decodeBytes(new Uint8Array([0x61, 0xff])); // "a\udcff"
 * encodeString("a\udcff"); // Uint8Array [0x61, 0xff]
 * ```
 */
export function decodeBytes(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    let text = "";
    let start = 0;
    for (let i = 0; i < bytes.length;) {
      const length = sequenceLength(bytes, i);
      if (length > 0) {
        i += length;
        continue;
      }
      text += decoder.decode(bytes.subarray(start, i)) +
        String.fromCharCode(escapeBase + (bytes[i] ?? 0));
      i++;
      start = i;
    }
    return text + decoder.decode(bytes.subarray(start));
  }
}

/**
 * Encodes a string in the form of {@linkcode decodeBytes} as bytes.
 *
 * @param text Text in which lone surrogates U+DC80 to U+DCFF are bytes; any other lone surrogate
 * becomes U+FFFD.
 * @returns The bytes.
 */
export function encodeString(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const bytes = new Uint8Array(byteLength(text));
  let at = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    if (code > 0xffff) {
      i++;
    } else if (isEscapedByte(code)) {
      at += encoder.encodeInto(text.slice(start, i), bytes.subarray(at)).written;
      bytes[at++] = code - escapeBase;
      start = i + 1;
    }
  }
  encoder.encodeInto(text.slice(start), bytes.subarray(at));
  return bytes;
}

/** Restores the unique form of a string that was joined from others or comes from outside. */
export function normalize(text: string): string {
  return text.isWellFormed() ? text : decodeBytes(encodeString(text));
}

/** Returns the number of bytes of the Go string before code unit `end`. */
export function byteLength(text: string, start = 0, end: number = text.length): number {
  let length = end - start;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) length++;
    else if (code < 0xd800 || code > 0xdfff) length += 2;
    else if (code < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      length += 2; // A pair: two units, four bytes.
      i++;
    } else if (!isEscapedByte(code)) length += 2;
  }
  return length;
}

/** Go's `text[start:end]`, which counts bytes and can split a character. */
export function byteSlice(text: string, start: number, end: number): string {
  if (isAscii(text)) return text.slice(start, end);
  return decodeBytes(encodeString(text).subarray(start, end));
}

/** Go's `text[at]`. */
export function byteAt(text: string, at: number): number {
  return isAscii(text) ? text.charCodeAt(at) : encodeString(text)[at] ?? 0;
}

/** Compares strings by their bytes, as Go does: -1, 0 or 1. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  // Without surrogates, the order of UTF-16 code units is that of the bytes.
  if (!/[\ud800-\udfff]/.test(a) && !/[\ud800-\udfff]/.test(b)) return a < b ? -1 : 1;
  const left = encodeString(a);
  const right = encodeString(b);
  const common = Math.min(left.length, right.length);
  for (let i = 0; i < common; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return left.length < right.length ? -1 : 1;
}

/** Returns the number of runes as in Go: code points, and one per stray byte. */
export function runeCount(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}

/** Returns the first `count` runes of a string. */
export function firstRunes(text: string, count: number): string {
  if (text.length <= count) return text;
  let i = 0;
  for (; count > 0 && i < text.length; count--) {
    i += (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, i);
}
