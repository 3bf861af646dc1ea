/** Go's `strconv.FormatFloat` for float64: exact on the binary value, half to even. */

/** A decimal number, `0.d1d2d3... * 10**point`, without trailing zeros. */
interface Decimal {
  digits: string;
  point: number;
}

/**
 * Returns the mantissa and exponent of a finite double, ignoring its sign: `mantissa *
 * 2**exponent`.
 */
function parts(value: number): { mantissa: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xfffffffffffffn;
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 };
}

function trimmed(digits: string, point: number): Decimal {
  const end = digits.replace(/0+$/, "");
  return { digits: end, point: end === "" ? 0 : point };
}

/** Returns the fewest digits that parse back to the same number, as JavaScript prints them too. */
function shortest(value: number): Decimal {
  if (value === 0) return { digits: "", point: 0 };
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return trimmed(mantissa.replace(".", ""), Number(exponent) + 1);
}

/** Returns all digits of a double. */
function exact(value: number): Decimal {
  const { mantissa, exponent } = parts(value);
  if (mantissa === 0n) return { digits: "", point: 0 };
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return trimmed(digits, digits.length);
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return trimmed(digits, digits.length + exponent);
}

/** Rounds to `count` digits, half to even. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: "", point: 0 };
  const kept = digits.slice(0, count);
  const next = digits.charCodeAt(count) - 48;
  const isTie = next === 5 && count + 1 === digits.length;
  const up = isTie ? count > 0 && kept.charCodeAt(count - 1) % 2 === 1 : next >= 5;
  if (!up) return trimmed(kept, point);
  const raised = (BigInt(kept || "0") + 1n).toString();
  // 99 becomes 100, with one more digit before the point.
  return trimmed(raised, point + raised.length - count);
}

/** `d.ddde±dd` */
function exponential({ digits, point }: Decimal, precision: number, letter: string): string {
  let out = digits.slice(0, 1) || "0";
  if (precision > 0) out += "." + digits.slice(1, precision + 1).padEnd(precision, "0");
  const exponent = digits === "" ? 0 : point - 1;
  const magnitude = String(Math.abs(exponent)).padStart(2, "0");
  return `${out}${letter}${exponent < 0 ? "-" : "+"}${magnitude}`;
}

/** `ddd.ddd` */
function positional({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (precision <= 0) return whole;
  const fraction = point > 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  return `${whole}.${fraction.slice(0, precision).padEnd(precision, "0")}`;
}

function general(decimal: Decimal, precision: number, isShortest: boolean, letter: string): string {
  const { digits, point } = decimal;
  let limit = precision;
  if (limit > digits.length && digits.length >= point) limit = digits.length;
  // The shortest form switches to an exponent at 10**6, or after the last digit if that is later.
  if (isShortest) limit = 6;
  const exponent = point - 1;
  if (exponent < -4 || exponent >= limit) {
    return exponential(decimal, Math.min(precision, digits.length) - 1, letter);
  }
  const shown = precision > point ? digits.length : precision;
  return positional(decimal, Math.max(shown - point, 0));
}

function binary(value: number): string {
  const { mantissa, exponent } = parts(value);
  return `${mantissa}p${exponent >= 0 ? "+" : ""}${exponent}`;
}

/** `0x1.yyyp±dd` */
function hexadecimal(value: number, precision: number, upper: boolean): string {
  let { mantissa, exponent } = parts(value);
  exponent += 52;
  if (mantissa === 0n) exponent = 0;
  while (mantissa !== 0n && mantissa < 1n << 52n) {
    mantissa <<= 1n;
    exponent--;
  }
  if (precision >= 0 && precision < 13) {
    const drop = BigInt(52 - 4 * precision);
    const rest = mantissa & ((1n << drop) - 1n);
    const half = 1n << (drop - 1n);
    mantissa >>= drop;
    if (rest > half || rest === half && (mantissa & 1n) === 1n) mantissa += 1n;
    mantissa <<= drop;
    if (mantissa >= 1n << 53n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const fraction = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
  const digits = precision < 0
    ? fraction.replace(/0+$/, "")
    : fraction.slice(0, precision).padEnd(precision, "0");
  const point = digits === "" ? "" : "." + digits;
  const sign = exponent < 0 ? "-" : "+";
  const power = String(Math.abs(exponent)).padStart(2, "0");
  const text = `0x${mantissa >> 52n}${point}p${sign}${power}`;
  return upper ? text.toUpperCase() : text;
}

/**
 * Formats a float as Go's strconv does.
 *
 * @param value The number.
 * @param verb One of `b e E f g G x X`.
 * @param precision Digits, counted as the verb counts them; -1 for the fewest that are exact.
 * @returns The text; infinities as `+Inf` and `-Inf`.
 */
export function formatFloat(value: number, verb: string, precision: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return sign + formatMagnitude(Math.abs(value), verb, precision);
}

function formatMagnitude(value: number, verb: string, precision: number): string {
  if (verb === "b") return binary(value);
  if (verb === "x" || verb === "X") return hexadecimal(value, precision, verb === "X");
  const isShortest = precision < 0;
  let decimal = isShortest ? shortest(value) : exact(value);
  switch (verb) {
    case "e":
    case "E":
      if (isShortest) precision = Math.max(decimal.digits.length - 1, 0);
      else decimal = round(decimal, precision + 1);
      return exponential(decimal, precision, verb);
    case "f":
      if (isShortest) precision = Math.max(decimal.digits.length - decimal.point, 0);
      else decimal = round(decimal, decimal.point + precision);
      return positional(decimal, precision);
    default:
      if (isShortest) precision = decimal.digits.length;
      else decimal = round(decimal, precision = Math.max(precision, 1));
      return general(decimal, precision, isShortest, verb === "G" ? "E" : "e");
  }
}
