import { invalidSyntax, quote, unquoteCharacter } from "./quote.ts";
import { Complex } from "./value.ts";

/** All interpretations of a number in a template; its use decides between them, as in Go. */
export interface NumberValue {
  /** Its value as a signed 64-bit integer, if it has one. */
  int: bigint | undefined;
  /** Whether it is an unsigned 64-bit integer. */
  isUint: boolean;
  /** Its value as a float, if it has no imaginary part. */
  float: number | undefined;
  /** Its value as a complex number, if it is written as one. */
  complex: Complex | undefined;
}

/** An invalid constant, with Go's message. */
export class NumberSyntaxError extends Error {}

const maxInt = 2n ** 63n - 1n;
const minInt = -(2n ** 63n);
const maxUint = 2n ** 64n - 1n;

/** Underscores must stand between digits, or between a base prefix and a digit. */
function underscoresOk(text: string): boolean {
  const body = text.replace(/^[+-]/, "");
  const prefixed = /^0[bBoOxX]/.test(body);
  const digits = prefixed ? "0" + body.slice(2) : body;
  const digit = /^0[xX]/.test(body) ? "[0-9a-fA-F]" : "[0-9]";
  return !new RegExp(`(?<!${digit})_|_(?!${digit})`).test(digits);
}

/** Go's `strconv.ParseUint(text, 0, 64)`, without its limit of 64 bits. */
function parseUnsigned(text: string): bigint | undefined {
  let digits: string;
  let prefix = "";
  if (/^0[bBoOxX]./.test(text)) {
    prefix = text.slice(0, 2).toLowerCase();
    digits = text.slice(2);
  } else if (text.startsWith("0") && text.length > 1) {
    prefix = "0o";
    digits = text.slice(1);
  } else {
    digits = text;
  }
  if (digits.includes("_")) {
    if (!underscoresOk(text)) return undefined;
    digits = digits.replaceAll("_", "");
  }
  const valid = prefix === "0x"
    ? /^[0-9a-fA-F]+$/
    : prefix === "0o"
    ? /^[0-7]+$/
    : prefix === "0b"
    ? /^[01]+$/
    : /^[0-9]+$/;
  return valid.test(digits) ? BigInt(prefix + digits) : undefined;
}

/** `mantissa * 2**exponent`, rounded once, half to even, subnormal numbers too. */
export function scaleExactly(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  if (bits + exponent > 1025) return Infinity;
  if (bits + exponent < -1080) return 0;
  // A double has 53 bits of precision, fewer below 2**-1022, none below 2**-1074.
  const drop = Math.max(bits - 53, -1074 - exponent);
  if (drop <= 0) return scaleByPower(Number(mantissa), exponent);
  const shift = BigInt(drop);
  let kept = mantissa >> shift;
  const rest = mantissa - (kept << shift);
  const half = 1n << (shift - 1n);
  if (rest > half || rest === half && (kept & 1n) === 1n) kept += 1n;
  return scaleByPower(Number(kept), exponent + drop);
}

/** Multiplies by a power of two in exact steps. */
function scaleByPower(value: number, exponent: number): number {
  while (exponent > 1000) {
    value *= 2 ** 1000;
    exponent -= 1000;
  }
  while (exponent < -1000) {
    // Exact, since the caller leaves only bits that the result can hold.
    value *= 2 ** -1000;
    exponent += 1000;
  }
  return value * 2 ** exponent;
}

type Failure = "syntax" | "range";

/** Go's `strconv.ParseFloat(text, 64)`, limited to the syntax that the lexer accepts. */
export function parseFloat64(text: string): number | Failure {
  if (text.includes("_") && !underscoresOk(text)) return "syntax";
  const plain = text.replaceAll("_", "");
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?[0-9]+)$/.exec(plain);
  let value: number;
  if (hex !== null) {
    const [, sign, whole = "", fraction = "", exponent = ""] = hex;
    if (whole + fraction === "") return "syntax";
    const power = Math.max(-1e5, Math.min(1e5, Number(exponent))) - 4 * fraction.length;
    value = scaleExactly(BigInt("0x" + whole + fraction), power);
    if (sign === "-") value = -value;
  } else if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(plain)) {
    value = Number(plain);
  } else {
    return "syntax";
  }
  return Number.isFinite(value) ? value : "range";
}

function parseFloatOrThrow(text: string): number {
  const value = parseFloat64(text);
  if (typeof value === "number") return value;
  const why = value === "syntax" ? invalidSyntax : "value out of range";
  throw new NumberSyntaxError(`strconv.ParseFloat: parsing ${quote(text)}: ${why}`);
}

/** One part of `1+2i`, as Go's scanner reads it. */
const floatToken =
  /^[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eEpP][+-]?[0-9_]*)?)/;

function parseComplex(text: string): Complex {
  const real = floatToken.exec(text)?.[0] ?? "";
  const rest = text.slice(real.length);
  const sign = rest.slice(0, 1);
  const imaginary = floatToken.exec(rest.slice(1))?.[0] ?? "";
  // Without digits, Go's scanner takes the "i" for the start of "inf".
  if (!/[+-]/.test(sign) || imaginary === "" || rest[1 + imaginary.length] !== "i") {
    throw new NumberSyntaxError("syntax error scanning complex number");
  }
  return new Complex(parseFloatOrThrow(real), parseFloatOrThrow(sign + imaginary));
}

function fromComplex(complex: Complex): NumberValue {
  const float = complex.imaginary === 0 ? complex.real : undefined;
  return { ...fromFloat(float), complex };
}

function fromFloat(float: number | undefined): NumberValue {
  const whole = float !== undefined && Number.isInteger(float);
  return {
    int: whole && float >= -(2 ** 63) && float < 2 ** 63 ? BigInt(float) : undefined,
    isUint: whole && float >= 0 && float < 2 ** 64,
    float,
    complex: undefined,
  };
}

/** Parses a character constant such as `'a'`. */
export function parseCharacter(text: string): NumberValue {
  const read = unquoteCharacter(text, 1, "'");
  if (read === undefined) throw new NumberSyntaxError(invalidSyntax);
  if (text.slice(read.next) !== "'") {
    throw new NumberSyntaxError(`malformed character constant: ${text}`);
  }
  const int = BigInt(read.value);
  return { int, isUint: true, float: read.value, complex: undefined };
}

/** Parses a number in a template. */
export function parseNumber(text: string, isComplex: boolean): NumberValue {
  if (isComplex) return fromComplex(parseComplex(text));
  if (text.endsWith("i")) {
    const imaginary = parseFloat64(text.slice(0, -1));
    if (typeof imaginary === "number") return fromComplex(new Complex(0, imaginary));
  }
  const signed = /^[+-]/.test(text);
  const magnitude = parseUnsigned(signed ? text.slice(1) : text);
  if (magnitude !== undefined) {
    const value = text.startsWith("-") ? -magnitude : magnitude;
    const isInt = value >= minInt && value <= maxInt;
    const isUint = value === 0n || !signed && value <= maxUint;
    if (isInt || isUint) {
      const int = isInt ? value : undefined;
      return { int, isUint, float: Number(value), complex: undefined };
    }
  }
  const float = parseFloat64(text);
  if (typeof float !== "number") {
    throw new NumberSyntaxError(`illegal number syntax: ${quote(text)}`);
  }
  // As in Go, a number that looks like an integer but only fits a float is an error.
  if (!/[.eEpP]/.test(text)) throw new NumberSyntaxError(`integer overflow: ${quote(text)}`);
  return fromFloat(float);
}
