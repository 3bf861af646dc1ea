import { formatFloat } from "./float.ts";
import { canBackquote, isValidRune, quote, quoteRune } from "./quote.ts";
import { encodeString, firstRunes, runeCount } from "./text.ts";
import { isPrint } from "./unicode.ts";

/**
 * The flags, width and precision of one verb, and how they format text and numbers (Go's
 * fmt/format.go).
 */
export class Flags {
  minus = false;
  plus = false;
  sharp = false;
  space = false;
  zero = false;
  /** `%+v` and `%#v` are formats of their own, without the flags. */
  plusV = false;
  sharpV = false;
  width: number | undefined;
  precision: number | undefined;

  /** Pads text to the width. */
  pad(text: string, zero: boolean = this.zero): string {
    if (this.width === undefined) return text;
    const missing = this.width - runeCount(text);
    if (missing <= 0) return text;
    if (this.minus) return text + " ".repeat(missing);
    return (zero ? "0" : " ").repeat(missing) + text;
  }

  #truncate(text: string): string {
    return this.precision === undefined ? text : firstRunes(text, this.precision);
  }

  string(text: string): string {
    return this.pad(this.#truncate(text));
  }

  quoted(text: string): string {
    const cut = this.#truncate(text);
    if (this.sharp && canBackquote(cut)) return this.pad("`" + cut + "`");
    return this.pad(quote(cut, this.plus));
  }

  /** Formats bytes as hexadecimal digits. */
  hexBytes(bytes: Uint8Array, upper: boolean): string {
    const prefix = this.sharp ? (upper ? "0X" : "0x") : "";
    const shown = this.precision === undefined ? bytes : bytes.subarray(0, this.precision);
    const digits = Array.from(shown, (byte) => byte.toString(16).padStart(2, "0"));
    if (upper) digits.forEach((digit, i) => digits[i] = digit.toUpperCase());
    if (digits.length === 0) return this.pad("");
    const text = this.space
      ? digits.map((digit) => prefix + digit).join(" ")
      : prefix + digits.join("");
    return this.pad(text);
  }

  hexString(text: string, upper: boolean): string {
    return this.hexBytes(encodeString(text), upper);
  }

  /** Formats an integer in a base. `letter` is the verb; `O` adds a prefix, `X` gives capitals. */
  integer(value: bigint, base: number, letter: string): string {
    const negative = value < 0n;
    let digits = (negative ? -value : value).toString(base);
    let least = 0;
    if (this.precision !== undefined) {
      // Precision 0 prints the number 0 as nothing.
      if (this.precision === 0 && value === 0n) return " ".repeat(this.width ?? 0);
      least = this.precision;
    } else if (this.zero && !this.minus && this.width !== undefined) {
      least = negative || this.plus || this.space ? this.width - 1 : this.width;
    }
    if (letter === "X") digits = digits.toUpperCase();
    digits = digits.padStart(least, "0");
    if (this.sharp) {
      if (base === 2) digits = "0b" + digits;
      else if (base === 8 && !digits.startsWith("0")) digits = "0" + digits;
      else if (base === 16) digits = (letter === "X" ? "0X" : "0x") + digits;
    }
    if (letter === "O") digits = "0o" + digits;
    const sign = negative ? "-" : this.plus ? "+" : this.space ? " " : "";
    return this.pad(sign + digits, false);
  }

  character(value: bigint): string {
    return this.pad(String.fromCodePoint(asRune(value)));
  }

  quotedCharacter(value: bigint): string {
    return this.pad(quoteRune(asRune(value), this.plus));
  }

  /** Formats `U+0078`, followed by the character if `sharp`. */
  unicode(value: bigint): string {
    const code = BigInt.asUintN(64, value);
    const digits = code.toString(16).toUpperCase().padStart(Math.max(this.precision ?? 4, 4), "0");
    const rune = Number(code);
    const shown = this.sharp && rune <= 0x10ffff && isPrint(rune)
      ? ` '${String.fromCodePoint(rune)}'`
      : "";
    return this.pad(`U+${digits}${shown}`, false);
  }

  /** Formats a float; `verb` is that of strconv, `precision` the default of the verb. */
  float(value: number, verb: string, precision: number): string {
    const digits = this.precision ?? precision;
    let text = formatFloat(value, verb, digits);
    if (!/^[+-]/.test(text)) text = "+" + text;
    if (this.space && text.startsWith("+") && !this.plus) text = " " + text.slice(1);
    if (/^.[IN]/.test(text)) {
      if (text[1] === "N" && !this.space && !this.plus) text = text.slice(1);
      return this.pad(text, false);
    }
    if (this.sharp && verb !== "b") text = withPoint(text, verb, digits);
    if (this.plus || !text.startsWith("+")) {
      // Zeros are inserted between the sign and the digits.
      if (this.zero && !this.minus && this.width !== undefined && this.width > text.length) {
        return text.slice(0, 1) + "0".repeat(this.width - text.length) + text.slice(1);
      }
      return this.pad(text);
    }
    return this.pad(text.slice(1));
  }
}

/** Implements `#`, which keeps the decimal point and, for `%g`, trailing zeros. */
function withPoint(text: string, verb: string, precision: number): string {
  const isHex = verb === "x" || verb === "X";
  let missing = 0;
  if (verb === "g" || verb === "G" || verb === "x") missing = precision === -1 ? 6 : precision;
  const cut = text.search(isHex ? /[pP]/ : /[eEpP]/);
  const tail = cut < 0 ? "" : text.slice(cut);
  let number = cut < 0 ? text : text.slice(0, cut);
  let sawDigit = false;
  for (const character of number.slice(1)) {
    if (character === ".") continue;
    if (character !== "0") sawDigit = true;
    if (sawDigit) missing--;
  }
  if (!number.includes(".")) {
    if (number.length === 2 && number[1] === "0") missing--;
    number += ".";
  }
  return number + "0".repeat(Math.max(missing, 0)) + tail;
}

/** Returns a number as a valid rune, or U+FFFD. */
function asRune(value: bigint): number {
  const rune = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd;
  return isValidRune(rune) ? rune : 0xfffd;
}
