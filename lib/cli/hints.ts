/**
 * Hints for errors on a command line. Loaded only when there is one.
 *
 * @module
 */

import { closest } from "../text/closest.ts";
import type { Command, CommandEntry, Listed } from "./command.ts";
import { type Flag, type FlagError, type FlagTable, FlagValueError, namesOf } from "./flags.ts";
import { written } from "./synopsis.ts";

/**
 * Returns a hint for an unknown command: the most similar one, or all of them.
 *
 * @param name The name as written.
 * @param known All commands.
 */
export function nearestCommand(name: string, known: readonly CommandEntry[]): string {
  const names = known.map((command) => command.name);
  const nearest = closest(name, names);
  return nearest === undefined ? list("commands are", names) : `did you mean ${nearest}?`;
}

/**
 * Returns a hint for an error in the flags before the command.
 *
 * @param error The error.
 * @param argv The whole command line.
 * @param known All commands.
 * @param globalFlags The global flags.
 */
export async function globalHint(
  error: FlagError,
  argv: readonly string[],
  known: readonly Listed[],
  globalFlags: FlagTable,
): Promise<string | undefined> {
  if (error.code === "not-defined" && known.some((command) => command.name === error.flag)) {
    return `did you mean llama ${error.flag}?`;
  }
  if (error.code === "not-defined" && /^v$/i.test(error.flag)) return "did you mean -version?";
  const commands = await Promise.all(known.map((command) => command.load()));
  const owners = commands.filter((command) => namesOf(command.flags).has(error.flag));
  const owner = owners.find((command) => argv.includes(command.name)) ?? owners[0];
  if (error.code === "not-defined" && owner !== undefined) {
    return `-${error.flag} goes after the command: llama ${owner.name} -${error.flag} ...`;
  }
  return mistakeHint(error, globalFlags);
}

/**
 * Returns a hint for an error in a command's own flags.
 *
 * @param error The error.
 * @param command The command.
 * @param globalFlags The global flags.
 */
export function flagHint(
  error: FlagError,
  command: Command,
  globalFlags: FlagTable,
): string | undefined {
  const global = error.code === "not-defined" && flagNamed(globalFlags, error.flag);
  if (global) {
    return `-${error.flag} goes before the command: llama ${
      written(error.flag, global)
    } ${command.name} ...`;
  }
  return mistakeHint(error, command.flags);
}

function mistakeHint(error: FlagError, table: FlagTable): string | undefined {
  const flag = flagNamed(table, error.flag);
  switch (error.code) {
    case "bad-syntax":
      return nearestFlag(error.flag.replace(/^[-=]+|=.*$/g, ""), table);
    case "needs-argument":
      return flag && `write ${written(error.flag, flag)}`;
    case "invalid-value":
      if (flag?.isBoolean) return `write -${error.flag} or -${error.flag}=false`;
      return error.cause instanceof FlagValueError ? error.cause.hint : undefined;
    case "not-defined":
      return nearestFlag(error.flag, table);
    case "help":
      return undefined;
  }
}

/**
 * Returns a hint for an unknown flag: a similar flag, or one that was joined with its value.
 */
function nearestFlag(name: string, table: FlagTable): string {
  const names = [...namesOf(table).keys()];
  const letter = name.slice(0, 1);
  const value = name.slice(1);
  const short = flagNamed(table, letter);
  const joined = short !== undefined && /^[\x21-\x7e]+$/.test(value) && reads(short, value)
    ? `write -${letter} ${value}`
    : undefined;
  if (/^[0-9]/.test(value)) {
    if (joined !== undefined) return joined;
    // As in other programs' -n5 or -P5, if only one single-letter flag takes a number.
    const numeric = names.filter((other) =>
      other.length === 1 && typeof flagNamed(table, other)?.initial === "number"
    );
    if (numeric.length === 1 && /^[0-9]+$/.test(value)) {
      return `did you mean -${numeric[0]} ${value}?`;
    }
  }
  const nearest = closest(name, names);
  if (nearest !== undefined) return `did you mean -${nearest}?`;
  return joined ?? list("flags are", names.map((other) => `-${other}`));
}

function reads(flag: Flag<unknown>, text: string): boolean {
  if (flag.isBoolean) return false;
  try {
    flag.read(text, flag.initial);
    return true;
  } catch (error) {
    if (error instanceof FlagValueError) return false;
    throw error;
  }
}

function flagNamed(table: FlagTable, name: string): Flag<unknown> | undefined {
  const key = namesOf(table).get(name);
  return key === undefined ? undefined : table[key];
}

function list(what: string, names: readonly string[]): string {
  return `${what} ${names.join(", ")}`;
}
