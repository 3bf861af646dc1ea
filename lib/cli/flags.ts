/**
 * Go's flag syntax: https://pkg.go.dev/flag#hdr-Command_line_flag_syntax
 *
 * `-name`, `--name`, `-name=value`, `-name value` (not for booleans); flags end at the first
 * argument that is none, at `-`, or after `--`. Errors are worded as Go words them.
 *
 * @module
 */

import { closest } from "../text/closest.ts";
import { quote } from "../template/quote.ts";

/** One flag of a command: what it is called beside its name in the table, and how it is read. */
export interface Flag<Value> {
  /** What it does, in a few words without a full stop. */
  readonly help: string;
  /** What stands for its value in help texts, such as `N`; absent for a boolean. */
  readonly placeholder?: string | undefined;
  /** Its other names. All names of a flag share one value. */
  readonly aliases: readonly string[];
  /** Its value where it is not given. */
  readonly initial: Value;
  /** Whether it may stand without a value, and takes one only after `=`. */
  readonly isBoolean: boolean;
  /**
   * Reads one occurrence of the flag.
   *
   * @param text The value as written.
   * @param before What the flag's value was so far.
   * @returns The flag's value from here on.
   * @throws {FlagValueError} If the text is no value of this flag.
   */
  read(text: string, before: Value): Value;
}

/** The flags of a command by name. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The values that a table's flags have. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never;
};

/** A command line after its flags are read. */
export interface ParsedFlags<Table extends FlagTable> {
  /** The value of each flag, given or not. */
  readonly values: FlagValues<Table>;
  /** The arguments after the flags. */
  readonly rest: string[];
}

/** What is wrong with a flag's value. The message is the part after Go's `for flag -x: `. */
export class FlagValueError extends Error {
  /** The error's class name. */
  override readonly name = "FlagValueError";
  /** What to write instead, where that is known. */
  readonly hint: string | undefined;

  /**
   * Says why a value was refused.
   *
   * @param message What is wrong with the value.
   * @param hint What to write instead.
   */
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** What kind of mistake a {@linkcode FlagError} is; `help` is none, but `-h` or `-help`. */
export type FlagErrorCode =
  | "bad-syntax"
  | "not-defined"
  | "needs-argument"
  | "invalid-value"
  | "help";

/** A command line whose flags cannot be read. The message is the text that Go prints. */
export class FlagError extends Error {
  /** The error's class name. */
  override readonly name = "FlagError";
  /** The kind of mistake. */
  readonly code: FlagErrorCode;
  /** The flag's name as written, without dashes; all of the argument where it has no name. */
  readonly flag: string;

  /**
   * Names a mistake.
   *
   * @param code The kind of mistake.
   * @param flag The flag's name as written.
   * @param message What Go says.
   * @param options The {@linkcode FlagValueError} where there is one.
   */
  constructor(code: FlagErrorCode, flag: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.flag = flag;
  }
}

/** What every flag has. */
export interface FlagOptions {
  /** What it does, in a few words without a full stop. */
  help: string;
  /** A second name. */
  alias?: string;
}

/** What a flag with a value has. */
export interface ValueFlagOptions extends FlagOptions {
  /** What stands for the value in help texts, such as `N`. */
  placeholder: string;
}

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * A flag that is on or off: `-logs`, `-logs=false`.
 *
 * @param options What it does.
 * @returns The flag, off where it is not given.
 */
export function boolFlag(options: FlagOptions): Flag<boolean> {
  return flag({ ...options, initial: false, isBoolean: true }, (text) => {
    if (TRUE.has(text)) return true;
    if (FALSE.has(text)) return false;
    throw new FlagValueError("parse error");
  });
}

/**
 * A flag whose value is text.
 *
 * @param options What it does.
 * @returns The flag, empty where it is not given; of several the last counts.
 */
export function stringFlag(options: ValueFlagOptions): Flag<string> {
  return flag({ ...options, initial: "" }, (text) => text);
}

/**
 * A flag whose value is an integer, as {@linkcode parseGoInt} reads it.
 *
 * @param options What it does, and what it is where it is not given.
 * @returns The flag; of several the last counts.
 */
export function intFlag(options: ValueFlagOptions & { default: number }): Flag<number>;
/**
 * A flag whose value is an integer, and undefined where it is not given.
 *
 * @param options What it does.
 * @returns The flag; of several the last counts.
 */
export function intFlag(options: ValueFlagOptions): Flag<number | undefined>;
export function intFlag(
  options: ValueFlagOptions & { default?: number },
): Flag<number | undefined> {
  return flag({ ...options, initial: options.default }, parseGoInt);
}

/**
 * A flag whose value is read by a function.
 *
 * @param options What it does, and what it is where it is not given.
 * @param read Reads the value; it throws a {@linkcode FlagValueError} for what is none.
 * @returns The flag; of several the last counts.
 */
export function valueFlag<Value>(
  options: ValueFlagOptions & { default: Value },
  read: (text: string) => Value,
): Flag<Value> {
  return flag({ ...options, initial: options.default }, read);
}

/**
 * A flag whose value is one of a few words.
 *
 * @param options What it does, and what it is where it is not given.
 * @param words The words.
 * @returns The flag; of several the last counts.
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
 * A flag that may be given many times.
 *
 * @param options What it does.
 * @param read Reads one value; it throws a {@linkcode FlagValueError} for what is none.
 * @returns The flag, whose value is the list of all, in order.
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
 * Reads the flags at the start of a command line.
 *
 * @param table The flags there are.
 * @param argv The command line without the program's name.
 * @returns The flags' values and the arguments after them.
 * @throws {FlagError} If the flags cannot be read, or ask for help; the first mistake counts.
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
  // The one thing the compiler cannot see: each value came from the flag of the same name.
  return { values: Object.fromEntries(values) as FlagValues<Table>, rest: argv.slice(next) };
}

/**
 * Every name that a table's flags go by.
 *
 * @param table The flags.
 * @returns Each name or alias, with the flag's name in the table.
 */
export function namesOf(table: FlagTable): Map<string, string> {
  return new Map(
    Object.entries(table).flatMap(([name, flag]) => [name, ...flag.aliases].map((n) => [n, name])),
  );
}

const LARGEST_INT64 = 2n ** 63n - 1n;
const LARGEST_UINT64 = 2n ** 64n - 1n;
const PREFIXED_BASES = new Map([["0b", 2n], ["0o", 8n], ["0x", 16n]]);

/**
 * Reads an integer as Go's `strconv.ParseInt(text, 0, 64)` does: a sign, `0x`, `0o`, `0b` or a
 * leading 0 for octal, and `_` between digits.
 *
 * @param text The integer.
 * @returns Its value; from 2^53 on, where numbers have gaps, the nearest there is.
 * @throws {FlagValueError} If it is no integer (`parse error`), or none of 64 bits (`value out of
 * range`).
 */
export function parseGoInt(text: string): number {
  const unsigned = text.replace(/^[+-]/, "").toLowerCase();
  let base = PREFIXED_BASES.get(unsigned.slice(0, 2));
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
    // Go says so at once, whatever follows.
    if (value > LARGEST_UINT64) throw outOfRange();
  }
  // An underscore stands between two digits, or between a base's prefix and a digit.
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
    `write a whole number of at most ${LARGEST_INT64}`,
  );
}
