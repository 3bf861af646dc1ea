/**
 * What a command line of `llama` asks for, and the texts that help with writing one.
 *
 * @module
 */

import { closest } from "../text/closest.ts";
import {
  type Flag,
  FlagError,
  type FlagTable,
  FlagValueError,
  type FlagValues,
  namesOf,
  parseFlags,
} from "./flags.ts";
import { quote } from "../template/quote.ts";
import type { Command } from "./command.ts";
import { globalFlags, type GlobalValues, validateGlobal } from "../commands/flag_tables.ts";

/** A subcommand is to run. */
export interface ParsedCommand<Found extends Command> {
  /** Tells this from the other outcomes. */
  readonly kind: "command";
  /** The subcommand, as it was in the list of commands. */
  readonly command: Found;
  /** The flags before the subcommand. */
  readonly global: GlobalValues;
  /** The subcommand's flags: the values that its `validate` and `run` take. */
  readonly values: FlagValues<FlagTable>;
  /** The arguments after the flags. */
  readonly args: readonly string[];
}

/** A text is to be shown. */
export interface HelpRequest {
  /** Tells this from the other outcomes. */
  readonly kind: "help";
  /** The text, with its final newline. */
  readonly text: string;
  /** Where it goes: help that was asked for with `help` or a global `-h` is data. */
  readonly stream: "stdout" | "stderr";
  /** As Go has it: 2 for `llama CMD -h` and for no command at all. */
  readonly exitCode: 0 | 2;
}

/** The version is to be shown. */
export interface VersionRequest {
  /** Tells this from the other outcomes. */
  readonly kind: "version";
}

/** The command line makes no sense. */
export interface UsageFailure {
  /** Tells this from the other outcomes. */
  readonly kind: "usage";
  /** The status of every usage error. */
  readonly exitCode: 2;
  /** What is wrong, on one line; in Go's words where Go knows the mistake. */
  readonly message: string;
  /** What helps, on one line. */
  readonly hint: string;
}

/** What a command line asks for. */
export type CommandLine<Found extends Command> =
  | ParsedCommand<Found>
  | HelpRequest
  | VersionRequest
  | UsageFailure;

const HELP_GROUP = "Help";

const helpCommand: Command = {
  name: "help",
  summary: "explain llama or one of its commands",
  usage: "[COMMAND]",
  group: HELP_GROUP,
  flags: {},
  validate: (_values, args) =>
    args.length > 1 ? { message: "help takes one command at most" } : undefined,
};

const versionCommand: Command = {
  name: "version",
  summary: "print the version of llama",
  usage: "",
  group: HELP_GROUP,
  flags: {},
  validate: (_values, args) =>
    args.length > 0 ? { message: "version takes no arguments" } : undefined,
};

/**
 * All subcommands that there are.
 *
 * @param commands Those beside `help` and `version`.
 * @returns They and these two.
 */
export function withHelp(commands: readonly Command[]): readonly Command[] {
  return [...commands, helpCommand, versionCommand];
}

/**
 * Reads a whole command line.
 *
 * @param argv The command line without the program's name.
 * @param commands The subcommands there are, beside `help` and `version`.
 * @returns What it asks for; nothing is printed and nothing thrown.
 */
export function parseCommandLine<Found extends Command>(
  argv: readonly string[],
  commands: readonly Found[],
): CommandLine<Found> {
  const known = withHelp(commands);
  const before = readFlags(globalFlags, argv);
  if (before instanceof FlagError) {
    if (before.code === "help") return help(helpText(commands), 0);
    return usage(before.message, globalHint(before, argv, known), "llama help");
  }
  const [name, ...rest] = before.rest;
  if (name === undefined) return help(helpText(commands), 2);

  const found = commands.find((command) => command.name === name);
  const command = found ?? known.find((command) => command.name === name);
  if (command === undefined) {
    const shown = /^[\w-]+$/.test(name) ? name : quote(name);
    return usage(`unknown command: ${shown}`, nearestCommand(name, known), "llama help");
  }

  const see = `llama help ${name}`;
  const after = readFlags(command.flags, rest);
  if (after instanceof FlagError) {
    if (after.code === "help") return help(commandHelp(command), 2);
    return usage(after.message, flagHint(after, command), see);
  }
  const wrong = validateGlobal(before.values, name);
  if (wrong !== undefined) return usage(wrong.message, wrong.hint, "llama help");
  const problem = command.validate?.(after.values, after.rest);
  if (problem !== undefined) {
    return usage(problem.message, problem.hint ?? `usage: ${synopsis(command)}`, see);
  }
  if (found !== undefined) {
    const { values, rest: args } = after;
    return { kind: "command", command: found, global: before.values, values, args };
  }
  if (command === versionCommand) return { kind: "version" };

  const [topic] = after.rest;
  if (topic === undefined) return help(helpText(commands), 0);
  const explained = known.find((command) => command.name === topic);
  if (explained !== undefined) return help(commandHelp(explained), 0);
  return usage(`Subcommand ${topic} not understood`, nearestCommand(topic, known), "llama help");
}

function readFlags<Table extends FlagTable>(table: Table, argv: readonly string[]) {
  try {
    return parseFlags(table, argv);
  } catch (error) {
    if (error instanceof FlagError) return error;
    throw error;
  }
}

function help(text: string, exitCode: 0 | 2): HelpRequest {
  return { kind: "help", text, stream: exitCode === 0 ? "stdout" : "stderr", exitCode };
}

function usage(message: string, hint: string | undefined, see: string): UsageFailure {
  const more = `see ${see}`;
  const joined = hint === undefined ? more : `${hint}${hint.endsWith("?") ? "" : ";"} ${more}`;
  return { kind: "usage", exitCode: 2, message, hint: joined };
}

function list(what: string, names: readonly string[]): string {
  return `${what} ${names.join(", ")}`;
}

function nearestCommand(name: string, known: readonly Command[]): string {
  const names = known.map((command) => command.name);
  const nearest = closest(name, names);
  return nearest === undefined ? list("commands are", names) : `did you mean ${nearest}?`;
}

/** What helps with a mistake in the flags before the subcommand. */
function globalHint(
  error: FlagError,
  argv: readonly string[],
  known: readonly Command[],
): string | undefined {
  if (error.code === "not-defined" && known.some((command) => command.name === error.flag)) {
    return `did you mean llama ${error.flag}?`;
  }
  const owners = known.filter((command) => namesOf(command.flags).has(error.flag));
  const owner = owners.find((command) => argv.includes(command.name)) ?? owners[0];
  if (error.code === "not-defined" && owner !== undefined) {
    return `-${error.flag} goes after the command: llama ${owner.name} -${error.flag} ...`;
  }
  return mistakeHint(error, globalFlags);
}

/** What helps with a mistake in a subcommand's flags. */
function flagHint(error: FlagError, command: Command): string | undefined {
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

/** What was meant by a flag that is not there: another's name, or a name and value in one. */
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
    // Other programs' -n5 or -P5, where there is one flag of a letter that takes a number.
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

function written(name: string, flag: Flag<unknown>): string {
  return flag.placeholder === undefined ? `-${name}` : `-${name} ${flag.placeholder}`;
}

/** No line of a help text is longer. */
const COLUMNS = 80;

/** The left column is no wider. */
const LEFT = 24;

const EXIT_STATUS: readonly Row[] = [
  ["0", "all went well"],
  ["1", "a job of xargs failed, or doctor found something wrong"],
  ["2", "wrong usage or settings, or a template that fails; nothing was run"],
  ["125", "llama, AWS or the network failed (under xargs 1)"],
  ["130, 143", "interrupted, terminated"],
  ["141", "whoever read the output has gone"],
];

const ENVIRONMENT: readonly Row[] = [
  ["LLAMA_OBJECT_STORE", "the object store, as -store"],
  ["LLAMA_DIR", "where llama's settings are; see llama help config"],
  ["LLAMA_OBJECT_NOTE", "0 keeps no note of the objects that were sent"],
  ["LLAMA_LOCAL", "1 runs functions on this machine, as -local"],
  ["LLAMA_FUNCTIONS", "functions to run on this machine, as -functions"],
];

/**
 * The help of `llama` as a whole.
 *
 * @param commands The subcommands there are, beside `help` and `version`.
 * @returns The text, at most 80 columns wide.
 */
export function helpText(commands: readonly Command[]): string {
  const all = withHelp(commands);
  const width = Math.max(...all.map((command) => command.name.length));
  const groups = new Set(all.map((command) => command.group));
  return paragraphs([
    "llama runs commands in AWS Lambda, many at once, as if they ran here.",
    "Usage: llama [GLOBAL FLAGS] COMMAND [FLAGS] ARGS...",
    ...[...groups].map((group) => {
      const members = all.filter((command) => command.group === group);
      return section(group, members.map(({ name, summary }) => [name.padEnd(width), summary]));
    }),
    section("Global flags, before the command", flagRows(globalFlags)),
    section("Exit status (of invoke: the command's own)", EXIT_STATUS),
    section("Environment", ENVIRONMENT),
    "Help on a command: llama help COMMAND",
  ]);
}

/**
 * The help of one subcommand.
 *
 * @param command The subcommand.
 * @returns The text, at most 80 columns wide.
 */
export function commandHelp(command: Command): string {
  const { summary, details, examples = [], flags } = command;
  return paragraphs([
    `Usage: ${synopsis(command)}`,
    details ?? `llama ${command.name}: ${summary}`,
    section("Flags", flagRows(flags)),
    section(
      "Examples",
      examples.map(({ text, command }, index): Row => [
        `${index + 1}.`,
        `${text}\n  ${command.replaceAll("\n", "\n  ")}`,
      ]),
    ),
    "Global flags go before the command: see llama help",
  ]);
}

function synopsis({ name, usage, flags }: Command): string {
  const hasFlags = Object.keys(flags).length > 0;
  return ["llama", name, ...(hasFlags ? ["[FLAGS]"] : []), usage].join(" ").trimEnd();
}

/** Two columns of one line of a help text. */
type Row = readonly [left: string, right: string];

function flagRows(flags: FlagTable): Row[] {
  return Object.entries(flags).map(([name, flag]) => {
    const [last = name, ...others] = [name, ...flag.aliases];
    const left = [...others.map((other) => `-${other}`), written(last, flag)].join(", ");
    const suffix = typeof flag.initial === "number" ? ` (default ${flag.initial})` : "";
    return [left, flag.help + suffix];
  });
}

function paragraphs(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part).join("\n\n") + "\n";
}

function section(title: string, rows: readonly Row[]): string | undefined {
  if (rows.length === 0) return undefined;
  const widest = Math.max(0, ...rows.map(([left]) => left.length).filter((width) => width <= LEFT));
  const indent = 2 + widest + 2;
  const lines = rows.flatMap(([left, right]) => {
    const [first = "", ...more] = wrap(right, COLUMNS - indent);
    const start = `  ${left}`.padEnd(indent);
    // What is wider than its column stands above what is said of it.
    return left.length > widest
      ? [start, ...[first, ...more].map((line) => " ".repeat(indent) + line)]
      : [start + first, ...more.map((line) => " ".repeat(indent) + line)];
  });
  return [`${title}:`, ...lines].join("\n");
}

/** Breaks lines that are too long at their spaces; an indented line stays as it is. */
function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => {
    if (line.startsWith(" ")) return [line];
    const lines: string[] = [];
    let current = "";
    for (const word of line.split(" ")) {
      if (current !== "" && current.length + 1 + word.length > width) {
        lines.push(current);
        current = word;
      } else {
        current = current === "" ? word : `${current} ${word}`;
      }
    }
    return [...lines, current];
  });
}
