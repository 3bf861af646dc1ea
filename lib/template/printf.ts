import { Flags } from "./format.ts";
import { printOperand } from "./print.ts";
import { isEscapedByte, normalize } from "./text.ts";
import { Byte, concrete, typeName, type Value } from "./value.ts";

/** Go's limit for a width or precision. */
const maxWidth = 1_000_000;

/** A format string and the read position in it. */
class Reader {
  at = 0;
  /** The index of the next argument. */
  argument = 0;
  /** Whether an index such as `[2]` was used, in which case unused arguments are not an error. */
  reordered = false;
  /** Whether the indexes of the current verb are valid. */
  isGood = true;

  constructor(readonly format: string, readonly args: readonly Value[]) {}

  get isAtEnd(): boolean {
    return this.at >= this.format.length;
  }

  /** Consumes a character if it is next. */
  take(character: string): boolean {
    if (this.format[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /** Reads digits up to `end`; as in Go, a number that is too large ends the format. */
  number(end: number = this.format.length): number | undefined {
    let value: number | undefined;
    for (; this.at < end; this.at++) {
      const digit = this.format.charCodeAt(this.at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      if ((value ?? 0) > maxWidth) {
        this.at = end;
        return undefined;
      }
      value = (value ?? 0) * 10 + digit;
    }
    return value;
  }

  /** Reads `[n]`; reports whether there was a valid one. */
  index(): boolean {
    if (this.format[this.at] !== "[") return false;
    this.reordered = true;
    const close = this.format.indexOf("]", this.at);
    if (close < 0 || this.format.length - this.at < 3) {
      this.at++;
      this.isGood = false;
      return false;
    }
    this.at++;
    const number = this.number(close);
    const isNumber = number !== undefined && this.at === close;
    this.at = close + 1;
    if (isNumber && number >= 1 && number <= this.args.length) {
      this.argument = number - 1;
      return true;
    }
    this.isGood = false;
    return isNumber;
  }

  /** Returns the next argument as a width or precision; undefined if it is not a valid one. */
  integer(): number | undefined {
    if (this.argument >= this.args.length) return undefined;
    const arg = concrete(this.args[this.argument++]);
    const value = arg instanceof Byte ? arg.value : typeof arg === "bigint" ? Number(arg) : NaN;
    return Math.abs(value) <= maxWidth ? value : undefined;
  }

  /** Reads the verb, one rune. */
  verb(): string {
    const rune = this.format.codePointAt(this.at) ?? 0;
    this.at += rune > 0xffff ? 2 : 1;
    return String.fromCodePoint(isEscapedByte(rune) ? 0xfffd : rune);
  }
}

function readFlags(reader: Reader, flags: Flags): void {
  for (;; reader.at++) {
    switch (reader.format[reader.at]) {
      case "#":
        flags.sharp = true;
        break;
      case "0":
        flags.zero = true;
        break;
      case "+":
        flags.plus = true;
        break;
      case "-":
        flags.minus = true;
        break;
      case " ":
        flags.space = true;
        break;
      default:
        return;
    }
  }
}

/** Reads index, width and precision; returns the text to print about invalid ones. */
function readSizes(reader: Reader, flags: Flags): string {
  let complaint = "";
  let afterIndex = reader.index();
  if (reader.take("*")) {
    flags.width = reader.integer();
    if (flags.width === undefined) complaint += "%!(BADWIDTH)";
    else if (flags.width < 0) {
      flags.width = -flags.width;
      flags.minus = true;
      flags.zero = false;
    }
    afterIndex = false;
  } else {
    flags.width = reader.number();
    if (afterIndex && flags.width !== undefined) reader.isGood = false;
  }
  if (reader.at + 1 < reader.format.length && reader.take(".")) {
    if (afterIndex) reader.isGood = false;
    afterIndex = reader.index();
    if (reader.take("*")) {
      const precision = reader.integer();
      flags.precision = precision !== undefined && precision >= 0 ? precision : undefined;
      if (flags.precision === undefined) complaint += "%!(BADPREC)";
      afterIndex = false;
    } else {
      flags.precision = reader.number() ?? 0;
    }
  }
  if (!afterIndex) reader.index();
  return complaint;
}

function printVerb(reader: Reader): string {
  const flags = new Flags();
  readFlags(reader, flags);
  const complaint = readSizes(reader, flags);
  if (reader.isAtEnd) return complaint + "%!(NOVERB)";
  const verb = reader.verb();
  if (verb === "%") return complaint + "%";
  if (!reader.isGood) return `${complaint}%!${verb}(BADINDEX)`;
  if (reader.argument >= reader.args.length) return `${complaint}%!${verb}(MISSING)`;
  if (verb === "v" || verb === "w") {
    flags.sharpV = flags.sharp;
    flags.sharp = false;
    flags.plusV = flags.plus;
    flags.plus = false;
  }
  return complaint + printOperand(flags, reader.args[reader.argument++], verb);
}

/** Go's `fmt.Sprintf`. It never fails; errors become part of the text. */
export function printf(format: string, args: readonly Value[]): string {
  const reader = new Reader(format, args);
  let text = "";
  while (!reader.isAtEnd) {
    const percent = format.indexOf("%", reader.at);
    if (percent < 0) {
      text += format.slice(reader.at);
      break;
    }
    text += format.slice(reader.at, percent);
    reader.at = percent + 1;
    reader.isGood = true;
    text += printVerb(reader);
  }
  if (!reader.reordered && reader.argument < args.length) {
    const extra = args.slice(reader.argument).map((arg) => {
      const value = concrete(arg);
      if (value === undefined) return "<nil>";
      return `${typeName(value)}=${printOperand(new Flags(), value, "v")}`;
    });
    text += `%!(EXTRA ${extra.join(", ")})`;
  }
  return normalize(text);
}
