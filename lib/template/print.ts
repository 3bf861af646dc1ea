import { Flags } from "./format.ts";
import { layoutOf } from "./struct.ts";
import { compareBytes, decodeBytes, normalize } from "./text.ts";
import {
  Byte,
  Complex,
  concrete,
  elementAt,
  fromData,
  fromElement,
  fromItem,
  Interface,
  isMap,
  isNilSlice,
  kindOf,
  sizeOf,
  SliceView,
  stringMethod,
  typeName,
  type Value,
} from "./value.ts";

/** The address printed for every pointer: real addresses would be meaningless to a template. */
const address = 0xc000010000n;

/** Prints values by their types, like Go's fmt/print.go. */
class Printer {
  readonly #flags: Flags;
  /** Whether an error about a bad verb is being printed, for which no methods are called. */
  #isErroring = false;

  constructor(flags: Flags) {
    this.#flags = flags;
  }

  /** Prints an operand of printf or print. */
  operand(value: Value, verb: string): string {
    const arg = concrete(value);
    if (arg === undefined) {
      return verb === "T" || verb === "v" ? this.#flags.pad("<nil>") : this.#badVerb(arg, verb);
    }
    if (verb === "T") return this.#flags.string(typeName(arg));
    if (verb === "p") return this.#pointer(arg, verb);
    return this.#methods(arg, verb) ?? this.value(arg, verb, 0);
  }

  #badVerb(value: Value, verb: string): string {
    if (value === undefined) return `%!${verb}(<nil>)`;
    const outer = this.#isErroring;
    this.#isErroring = true;
    const text = `%!${verb}(${typeName(value)}=${this.operand(value, "v")})`;
    this.#isErroring = outer;
    return text;
  }

  /**
   * Prints the result of the value's `String` or `Error` method, if any and if the verb takes text.
   */
  #methods(value: Value, verb: string): string | undefined {
    if (this.#isErroring || typeof value !== "object") return undefined;
    const isSimple = value instanceof Byte || value instanceof Complex ||
      value instanceof Uint8Array;
    if (verb === "w" && !isSimple) return this.#badVerb(value, verb);
    if (this.#flags.sharpV || !"vsxXq".includes(verb)) return undefined;
    const method = stringMethod(value);
    if (method === undefined) return undefined;
    let text: unknown;
    try {
      text = method.call();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return `%!${verb}(PANIC=${method.name} method: ${why})`;
    }
    return this.#string(String(text), verb);
  }

  #string(text: string, verb: string): string {
    switch (verb) {
      case "v":
        return this.#flags.sharpV ? this.#flags.quoted(text) : this.#flags.string(text);
      case "s":
        return this.#flags.string(text);
      case "x":
      case "X":
        return this.#flags.hexString(text, verb === "X");
      case "q":
        return this.#flags.quoted(text);
      default:
        return this.#badVerb(text, verb);
    }
  }

  #integer(value: bigint, verb: string, original: Value): string {
    const flags = this.#flags;
    switch (verb) {
      case "v":
        // Go's syntax for unsigned numbers is hexadecimal.
        return flags.sharpV && original instanceof Byte
          ? this.#hexNumber(value, true)
          : flags.integer(value, 10, verb);
      case "d":
        return flags.integer(value, 10, verb);
      case "b":
        return flags.integer(value, 2, verb);
      case "o":
      case "O":
        return flags.integer(value, 8, verb);
      case "x":
      case "X":
        return flags.integer(value, 16, verb);
      case "c":
        return flags.character(value);
      case "q":
        return flags.quotedCharacter(value);
      case "U":
        return flags.unicode(value);
      default:
        return this.#badVerb(original, verb);
    }
  }

  #hexNumber(value: bigint, prefix: boolean): string {
    const { sharp } = this.#flags;
    this.#flags.sharp = prefix;
    const text = this.#flags.integer(value, 16, "v");
    this.#flags.sharp = sharp;
    return text;
  }

  #float(value: number, verb: string, original: Value): string {
    switch (verb) {
      case "v":
        return this.#flags.float(value, "g", -1);
      case "b":
      case "g":
      case "G":
      case "x":
      case "X":
        return this.#flags.float(value, verb, -1);
      case "f":
      case "F":
        return this.#flags.float(value, "f", 6);
      case "e":
      case "E":
        return this.#flags.float(value, verb, 6);
      default:
        return this.#badVerb(original, verb);
    }
  }

  #complex(value: Complex, verb: string): string {
    if (!"vbgGxXfFeE".includes(verb)) return this.#badVerb(value, verb);
    const { plus } = this.#flags;
    const real = this.#float(value.real, verb, value);
    this.#flags.plus = true;
    const imaginary = this.#float(value.imaginary, verb, value);
    this.#flags.plus = plus;
    return `(${real}${imaginary}i)`;
  }

  #pointer(value: Value, verb: string): string {
    const kind = kindOf(value);
    if (kind !== "slice" && kind !== "map" && kind !== "pointer" && kind !== "func") {
      return this.#badVerb(value, verb);
    }
    switch (verb) {
      case "v":
        return this.#flags.sharpV
          ? `(${typeName(value)})(${this.#hexNumber(address, true)})`
          : this.#hexNumber(address, !this.#flags.sharp);
      case "p":
        return this.#hexNumber(address, !this.#flags.sharp);
      case "b":
      case "o":
      case "d":
      case "x":
      case "X":
        return this.#integer(address, verb, value);
      default:
        return this.#badVerb(value, verb);
    }
  }

  /** Prints a value inside another one, or one without methods. */
  value(value: Value, verb: string, depth: number): string {
    if (value instanceof Interface) {
      if (value.value === undefined) return this.#flags.sharpV ? "interface {}(nil)" : "<nil>";
      return this.value(value.value, verb, depth + 1);
    }
    if (depth > 0) {
      const text = this.#methods(value, verb);
      if (text !== undefined) return text;
    }
    switch (typeof value) {
      case "undefined":
        return depth === 0 ? "<invalid reflect.Value>" : "<nil>";
      case "string":
        return this.#string(value, verb);
      case "bigint":
        return this.#integer(value, verb, value);
      case "number":
        return this.#float(value, verb, value);
      case "boolean":
        return verb === "t" || verb === "v"
          ? this.#flags.pad(String(value))
          : this.#badVerb(value, verb);
      case "function":
        return this.#pointer(value, verb);
    }
    if (value instanceof Byte) return this.#integer(BigInt(value.value), verb, value);
    if (value instanceof Complex) return this.#complex(value, verb);
    const kind = kindOf(value);
    if (kind === "slice") return this.#slice(value, verb, depth);
    if (kind === "map") return this.#map(value, verb, depth);
    if (kind === "struct") return this.struct(value, verb, depth);
    return depth === 0 ? "&" + this.struct(value, verb, depth + 1) : this.#pointer(value, verb);
  }

  #join(parts: string[]): string {
    return parts.join(this.#flags.sharpV ? ", " : " ");
  }

  #slice(value: object, verb: string, depth: number): string {
    const bytes = bytesOf(value);
    if (bytes !== undefined) {
      switch (verb) {
        case "s":
          return this.#flags.string(decodeBytes(bytes));
        case "x":
        case "X":
          return this.#flags.hexBytes(bytes, verb === "X");
        case "q":
          return this.#flags.quoted(decodeBytes(bytes));
      }
    }
    const isByteType = bytes !== undefined && depth === 0;
    const parts = Array.from(
      { length: sizeOf(value) },
      (_, i) => this.value(elementAt(value, i), isByteType && verb === "d" ? "v" : verb, depth + 1),
    );
    if (!this.#flags.sharpV) return `[${this.#join(parts)}]`;
    if (isNilSlice(value)) return `${typeName(value)}(nil)`;
    return `${isByteType ? "[]byte" : typeName(value)}{${this.#join(parts)}}`;
  }

  #map(value: object, verb: string, depth: number): string {
    const parts = sortedEntries(value).map(([key, item]) =>
      `${this.value(key, verb, depth + 1)}:${this.value(item, verb, depth + 1)}`
    );
    return this.#flags.sharpV
      ? `${typeName(value)}{${this.#join(parts)}}`
      : `map[${this.#join(parts)}]`;
  }

  /** Prints the fields of an instance in braces. */
  struct(value: object, verb: string, depth: number): string {
    const { plusV, sharpV } = this.#flags;
    const parts = layoutOf(value).map(([name, field]) => {
      const shown = field === null || field === undefined ? fromElement(field) : fromData(field);
      return (plusV || sharpV ? `${name}:` : "") + this.value(shown, verb, depth + 1);
    });
    return `${sharpV ? typeName(value).replace(/^\*/, "") : ""}{${this.#join(parts)}}`;
  }
}

function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (!(value instanceof SliceView) || !(value.base instanceof Uint8Array)) return undefined;
  return value.base.subarray(value.start, value.start + value.length);
}

const kindOrder = ["invalid", "bool", "int", "float64", "string"];

/**
 * Compares map keys as Go sorts them: by type first, then numbers by value and strings by bytes.
 */
function compareKeys(a: Value, b: Value): number {
  if (typeof a === "string" && typeof b === "string") return compareBytes(a, b);
  const left = kindOrder.indexOf(kindOf(a));
  const right = kindOrder.indexOf(kindOf(b));
  if (left !== right) return left - right;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (
    typeof a === "bigint" && typeof b === "bigint" || typeof a === "number" && typeof b === "number"
  ) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return 0;
}

/** Returns a map's keys and values in the order in which Go prints and iterates over them. */
export function sortedEntries(map: object): [Value, Value][] {
  if (!isMap(map)) return [];
  const entries = map instanceof Map ? [...map] : Object.entries(map);
  return entries
    .map(([key, item]): [Value, Value] => [fromData(key), fromItem(item)])
    .sort(([a], [b]) => compareKeys(a, b));
}

/** Prints a value inside a `reflect.Value` with `%v` or another verb. */
export function describeValue(value: Value, verb = "v"): string {
  const printer = new Printer(new Flags());
  return stringMethod(value) === undefined
    ? printer.value(value, verb, 0)
    : printer.operand(value, verb);
}

/** Does the same after following a pointer, so that a struct has no `&`. */
export function describeTarget(value: Value): string {
  const isPlainPointer = typeof value === "object" && kindOf(value) === "pointer" &&
    stringMethod(value) === undefined;
  return isPlainPointer ? new Printer(new Flags()).struct(value, "v", 0) : describeValue(value);
}

/**
 * Go's `fmt.Sprint`, which adds spaces between operands when neither is a string. With `asAction`,
 * operands are printed as by an action, as html, js and urlquery do.
 */
export function print(args: readonly Value[], asAction = false): string {
  const printer = new Printer(new Flags());
  let text = "";
  let wasString = true;
  for (const arg of args) {
    const value = concrete(arg);
    const isString = typeof value === "string" || asAction && value === undefined;
    if (!isString && !wasString) text += " ";
    text += asAction ? printAction(value) : printer.operand(value, "v");
    wasString = isString;
  }
  return normalize(text);
}

/** Go's `fmt.Sprintln`. */
export function println(args: readonly Value[]): string {
  const printer = new Printer(new Flags());
  return normalize(args.map((arg) => printer.operand(arg, "v")).join(" ") + "\n");
}

/** Prints the value of an action: `<no value>` if it is absent, and structs without the `&`. */
export function printAction(value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  return value === undefined ? "<no value>" : describeTarget(value);
}

/** Prints one value with a verb and its flags. */
export function printOperand(flags: Flags, value: Value, verb: string): string {
  return new Printer(flags).operand(value, verb);
}
