/**
 * Parses flags in Go's syntax: https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
 *
 * `-name`, `--name`, `-name=value`, `-name value` (not for booleans). Flags end at the first
 * non-flag argument, at `-`, or after `--`. Error messages are those of Go.
 *
 * @module
 */

import { closest } from "../text/closest.ts";
import { quote } from "../template/quote.ts";

/** A flag of a command. Its name is its key in the {@linkcode FlagTable}. */
export interface Flag<Value> {
  /** A short description without a full stop. */
  readonly help: string;
  /** The placeholder for its value in help texts, such as `N`; absent for a boolean. */
  readonly placeholder?: string | undefined;
  /** Alternative names; all names of a flag share one value. */
  readonly aliases: readonly string[];
  /** The default value. */
  readonly initial: Value;
  /** Whether the value may be omitted, and must otherwise follow `=`. */
  readonly isBoolean: boolean;
  /**
   * Parses one occurrence of the flag.
   *
   * @param text The value as written.
   * @param before The value of the flag so far.
   * @returns The new value of the flag.
   * @throws {FlagValueError} If the text is not a valid value.
   */
  read(text: string, before: Value): Value;
}

/** The flags of a command, by name. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The values of the flags in a table. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never;
};

/** A parsed command line. */
export interface ParsedFlags<Table extends FlagTable> {
  /** The values of all flags, including defaults. */
  readonly values: FlagValues<Table>;
  /** The arguments after the flags. */
  readonly rest: string[];
}

/** An invalid flag value. The message is the part after Go's `for flag -x: `. */
export class FlagValueError extends Error {
  /** The error's class name. */
  override readonly name = "FlagValueError";
  /** A suggestion for the user, if there is one. */
  readonly hint: string | undefined;

  /**
   * Creates an error.
   *
   * @param message Why the value is invalid.
   * @param hint A suggestion for the user.
   */
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The kind of a {@linkcode FlagError}; `help` is a request for help by `-h` or `-help`. */
export type FlagErrorCode =
  | "bad-syntax"
  | "not-defined"
  | "needs-argument"
  | "invalid-value"
  | "help";

/** An error in the flags of a command line. The message is the one that Go prints. */
export class FlagError extends Error {
  /** The error's class name. */
  override readonly name = "FlagError";
  /** The kind of error. */
  readonly code: FlagErrorCode;
  /** The flag's name as written, without dashes; the whole argument if it has no name. */
  readonly flag: string;

  /**
   * Creates an error.
   *
   * @param code The kind of error.
   * @param flag The flag's name as written.
   * @param message Go's message.
   * @param options The {@linkcode FlagValueError} that caused it, if any.
   */
  constructor(code: FlagErrorCode, flag: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.flag = flag;
  }
}

/** Options for all flags. */
export interface FlagOptions {
  /** A short description without a full stop. */
  help: string;
  /** An alternative name. */
  alias?: string;
}

/** Options for flags with a value. */
export interface ValueFlagOptions extends FlagOptions {
  /** The placeholder for the value in help texts, such as `N`. */
  placeholder: string;
}

const trueTexts = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const falseTexts = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * Creates a boolean flag: `-logs`, `-logs=false`.
 *
 * @param options Options for the flag.
 * @returns The flag; its default is false.
 */
export function boolFlag(options: FlagOptions): Flag<boolean> {
  return flag({ ...options, initial: false, isBoolean: true }, (text) => {
    if (trueTexts.has(text)) return true;
    if (falseTexts.has(text)) return false;
    throw new FlagValueError("parse error");
  });
}

/**
 * Creates a string flag.
 *
 * @param options Options for the flag.
 * @returns The flag; its default is the empty string, and the last occurrence counts.
 */
export function stringFlag(options: ValueFlagOptions): Flag<string> {
  return flag({ ...options, initial: "" }, (text) => text);
}

/**
 * Creates an integer flag, parsed by {@linkcode parseGoInt}.
 *
 * @param options Options for the flag, with its default.
 * @returns The flag; the last occurrence counts.
 */
export function intFlag(options: ValueFlagOptions & { default: number }): Flag<number>;
/**
 * Creates an integer flag whose default is undefined.
 *
 * @param options Options for the flag.
 * @returns The flag; the last occurrence counts.
 */
export function intFlag(options: ValueFlagOptions): Flag<number | undefined>;
export function intFlag(
  options: ValueFlagOptions & { default?: number },
): Flag<number | undefined> {
  return flag({ ...options, initial: options.default }, parseGoInt);
}

/**
 * Creates a flag whose value is parsed by a function.
 *
 * @param options Options for the flag, with its default.
 * @param read Parses the value; throws a {@linkcode FlagValueError} if it is invalid.
 * @returns The flag; the last occurrence counts.
 */
export function valueFlag<Value>(
  options: ValueFlagOptions & { default: Value },
  read: (text: string) => Value,
): Flag<Value> {
  return flag({ ...options, initial: options.default }, read);
}

/**
 * Creates a flag whose value is one of a few words.
 *
 * @param options Options for the flag, with its default.
 * @param words The allowed values.
 * @returns The flag; the last occurrence counts.
 */
export function choiceFlag<const Word extends string>(
  options: FlagOptions & { default: NoInfer<Word> },
  words: readonly Word[],
): Flag<Word> {
  const { help, default: initial } = options;
  const read = (text: string) => {
    const word = words.find((word) => word === text);
    if (word !== undefined) return word;
    const nearest = closest(text, words);
    throw new FlagValueError(
      `not one of ${words.join(", ")}`,
      nearest === undefined ? undefined : `did you mean ${nearest}?`,
    );
  };
  return flag({
    ...options,
    help: `${help} (default ${initial})`,
    placeholder: words.join("|"),
    initial,
  }, read);
}

/**
 * Creates a flag that may be repeated.
 *
 * @param options Options for the flag.
 * @param read Parses one value; throws a {@linkcode FlagValueError} if it is invalid.
 * @returns The flag; its value is the list of all values, in order.
 */
export function listFlag<Item>(
  options: ValueFlagOptions,
  read: (text: string) => Item,
): Flag<readonly Item[]> {
  const initial: readonly Item[] = [];
  return flag({ ...options, initial }, (text, before) => [...before, read(text)]);
}

function flag<Value>(
  options: FlagOptions & { placeholder?: string; initial: Value; isBoolean?: boolean },
  read: (text: string, before: Value) => Value,
): Flag<Value> {
  const { help, alias, placeholder, initial, isBoolean = false } = options;
  return {
    help,
    aliases: alias === undefined ? [] : [alias],
    placeholder,
    initial,
    isBoolean,
    read,
  };
}

/**
 * Parses the flags at the start of a command line.
 *
 * @param table The defined flags.
 * @param argv The command line without the program's name.
 * @returns The values of the flags, and the arguments after them.
 * @throws {FlagError} For the first error, or if help is requested.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const table = { j: intFlag({ help: "jobs at once", placeholder: "N", default: 100 }) };
 * const { values, rest } = parseFlags(table, ["-j", "151", "optipng", "-v"]);
 * assert.equal(values.j, 151);
 * assert.deepEqual(rest, ["optipng", "-v"]);
 * ```
 */
export function parseFlags<Table extends FlagTable>(
  table: Table,
  argv: readonly string[],
): ParsedFlags<Table> {
  const byName = namesOf(table);
  const values = new Map(Object.entries(table).map(([name, flag]) => [name, flag.initial]));
  let next = 0;
  for (let arg = argv[next]; arg !== undefined; arg = argv[next]) {
    if (arg.length < 2 || !arg.startsWith("-")) break;
    next++;
    if (arg === "--") break;
    const body = arg.slice(arg.startsWith("--") ? 2 : 1);
    if (body.startsWith("-") || body.startsWith("=")) {
      throw new FlagError("bad-syntax", arg, `bad flag syntax: ${arg}`);
    }
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    let text = equals < 0 ? undefined : body.slice(equals + 1);

    const key = byName.get(name);
    const flag = key === undefined ? undefined : table[key];
    if (key === undefined || flag === undefined) {
      if (name === "h" || name === "help") {
        throw new FlagError("help", name, "flag: help requested");
      }
      throw new FlagError("not-defined", name, `flag provided but not defined: -${name}`);
    }
    if (text === undefined) {
      text = flag.isBoolean ? "true" : argv[next++];
      if (text === undefined) {
        throw new FlagError("needs-argument", name, `flag needs an argument: -${name}`);
      }
    }
    try {
      values.set(key, flag.read(text, values.get(key)));
    } catch (error) {
      if (!(error instanceof FlagValueError)) throw error;
      const what = flag.isBoolean
        ? `invalid boolean value ${quote(text)} for`
        : `invalid value ${quote(text)} for flag`;
      const message = `${what} -${name}: ${error.message}`;
      throw new FlagError("invalid-value", name, message, { cause: error });
    }
  }
  // The cast is safe: each value came from the flag of the same name.
  return { values: Object.fromEntries(values) as FlagValues<Table>, rest: argv.slice(next) };
}

/**
 * Returns all names and aliases of the flags in a table.
 *
 * @param table The flags.
 * @returns Each name or alias with the flag's name in the table.
 */
export function namesOf(table: FlagTable): Map<string, string> {
  return new Map(
    Object.entries(table).flatMap(([name, flag]) => [name, ...flag.aliases].map((n) => [n, name])),
  );
}

const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;
const prefixedBases = new Map([["0b", 2n], ["0o", 8n], ["0x", 16n]]);

/**
 * Parses an integer like Go's `strconv.ParseInt(text, 0, 64)`: with an optional sign, a prefix
 * `0x`, `0o`, `0b` or, for octal, `0`, and `_` between digits.
 *
 * @param text The integer.
 * @returns Its value, rounded to the nearest double if it exceeds 2^53.
 * @throws {FlagValueError} If it is not an integer (`parse error`) or does not fit in 64 bits
 * (`value out of range`).
 */
export function parseGoInt(text: string): number {
  const unsigned = text.replace(/^[+-]/, "").toLowerCase();
  let base = prefixedBases.get(unsigned.slice(0, 2));
  let digits = unsigned.slice(2);
  if (base === undefined || digits === "") {
    base = unsigned.startsWith("0") ? 8n : 10n;
    digits = unsigned;
  }
  if (digits === "") throw notAnInteger();
  let value = 0n;
  for (const char of digits) {
    if (char === "_") continue;
    const digit = /^[0-9a-z]$/.test(char) ? BigInt(parseInt(char, 36)) : base;
    if (digit >= base) throw notAnInteger();
    value = value * base + digit;
    // Like Go, fail at this digit, whatever follows.
    if (value > maxUint64) throw outOfRange();
  }
  // Underscores are allowed between two digits, or between the prefix and a digit.
  if (/^_|__|_$/.test(digits === unsigned ? digits : `0${digits}`)) {
    throw notAnInteger();
  }
  const signed = text.startsWith("-") ? -value : value;
  if (signed !== BigInt.asIntN(64, signed)) throw outOfRange();
  return Number(signed);
}

function notAnInteger(): FlagValueError {
  return new FlagValueError("parse error", "write a whole number");
}

function outOfRange(): FlagValueError {
  return new FlagValueError(
    "value out of range",
    `write a whole number of at most ${maxInt64}`,
  );
}
