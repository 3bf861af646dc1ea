/**
 * Parses command lines.
 *
 * @module
 */

import { quote } from "../template/quote.ts";
import type { Command, Listed, Program } from "./command.ts";
import { FlagError, type FlagTable, type FlagValues, namesOf, parseFlags } from "./flags.ts";
import { synopsis, versionCommand, withHelp } from "./synopsis.ts";

/** A command to run. */
export interface ParsedCommand<Found extends Command, Global extends FlagTable> {
  /** Tells this from the other outcomes. */
  readonly kind: "command";
  /** The command, from the list of commands. */
  readonly command: Found;
  /** The values of the global flags. */
  readonly global: FlagValues<Global>;
  /** The values of the command's flags, for its `run`. */
  readonly values: FlagValues<FlagTable>;
  /** The arguments after the flags. */
  readonly args: readonly string[];
  /** The flags as written, before and after the command's name. */
  readonly flagWords: readonly string[];
}

/** A request to print a help text. */
export interface HelpRequest {
  /** Tells this from the other outcomes. */
  readonly kind: "help";
  /** The command to explain; undefined for the program as a whole. */
  readonly topic: Command | undefined;
  /** Standard output for `llama help` and a global `-h`, standard error otherwise. */
  readonly stream: "stdout" | "stderr";
  /** 0, or 2 as in Go for `llama CMD -h` and for a missing command. */
  readonly exitCode: 0 | 2;
}

/** A request to print the version. */
export interface VersionRequest {
  /** Tells this from the other outcomes. */
  readonly kind: "version";
}

/** An invalid command line. */
export interface UsageFailure {
  /** Tells this from the other outcomes. */
  readonly kind: "usage";
  /** The exit status for usage errors. */
  readonly exitCode: 2;
  /** The error, on one line; Go's message for errors that Go's flag package reports. */
  readonly message: string;
  /** What to do, on one line. */
  readonly hint: string;
  /** The flag that the command does not have, which may be one of another program's. */
  readonly unknownFlag?: { readonly name: string; readonly flags: FlagTable; readonly see: string };
}

/** A parsed command line. */
export type CommandLine<Found extends Command, Global extends FlagTable> =
  | ParsedCommand<Found, Global>
  | HelpRequest
  | VersionRequest
  | UsageFailure;

/**
 * Parses a whole command line. Only the command that it names is loaded.
 *
 * @param argv The command line without the program's name.
 * @param commands The commands besides `help` and `version`.
 * @param program The program's own flags and help.
 * @returns The parsed command line; errors are returned as a {@linkcode UsageFailure}.
 */
export async function parseCommandLine<Found extends Command, Global extends FlagTable>(
  argv: readonly string[],
  commands: readonly Listed<Found>[],
  program: Program<Global>,
): Promise<CommandLine<Found, Global>> {
  const known = withHelp(commands);
  const before = readFlags(program.flags, argv);
  if (before instanceof FlagError) {
    if (before.code === "help") return help(undefined, 0);
    if (before.code === "not-defined" && before.flag === "version") return { kind: "version" };
    const { globalHint } = await import("./hints.ts");
    const hint = await globalHint(before, argv, known, program.flags);
    return usage(before.message, hint, "llama help");
  }
  const [name, ...rest] = before.rest;
  if (name === undefined) return help(undefined, 2);

  const found = await commands.find((command) => command.name === name)?.load();
  const command = found ?? await known.find((command) => command.name === name)?.load();
  if (command === undefined) return await unknownCommand(name, known);

  const see = `llama help ${name}`;
  const after = readFlags(command.flags, rest);
  if (after instanceof FlagError) {
    if (after.code === "help") return help(command, 2);
    const { flagHint } = await import("./hints.ts");
    const failure = usage(after.message, flagHint(after, command, program.flags), see);
    const { code, flag } = after;
    return code !== "not-defined" || namesOf(program.flags).has(flag)
      ? failure
      : { ...failure, unknownFlag: { name: flag, flags: command.flags, see } };
  }
  const wrong = program.validate(before.values, name);
  if (wrong !== undefined) return usage(wrong.message, wrong.hint, "llama help");
  const problem = command.validate?.(after.values, after.rest);
  if (problem !== undefined) {
    return usage(problem.message, problem.hint ?? `usage: ${synopsis(command)}`, see);
  }
  if (found !== undefined) {
    const { values, rest: args } = after;
    const flagWords = [
      ...argv.slice(0, argv.length - before.rest.length),
      ...rest.slice(0, rest.length - args.length),
    ].filter((word) => word !== "--");
    return { kind: "command", command: found, global: before.values, values, args, flagWords };
  }
  if (command === versionCommand) return { kind: "version" };

  const [topic] = after.rest;
  if (topic === undefined) return help(undefined, 0);
  const explained = known.find((command) => command.name === topic);
  if (explained !== undefined) return help(await explained.load(), 0);
  return await unknownCommand(topic, known);
}

async function unknownCommand(name: string, known: readonly Listed[]): Promise<UsageFailure> {
  const { nearestCommand } = await import("./hints.ts");
  const shown = /^[\w-]+$/.test(name) ? name : quote(name);
  return usage(`unknown command: ${shown}`, nearestCommand(name, known), "llama help");
}

function readFlags<Table extends FlagTable>(table: Table, argv: readonly string[]) {
  try {
    return parseFlags(table, argv);
  } catch (error) {
    if (error instanceof FlagError) return error;
    throw error;
  }
}

function help(topic: Command | undefined, exitCode: 0 | 2): HelpRequest {
  return { kind: "help", topic, stream: exitCode === 0 ? "stdout" : "stderr", exitCode };
}

function usage(message: string, hint: string | undefined, see: string): UsageFailure {
  return { kind: "usage", exitCode: 2, message, hint: joinedHint(hint, see) };
}

function joinedHint(hint: string | undefined, see: string): string {
  const more = `see ${see}`;
  return hint === undefined ? more : `${hint}${hint.endsWith("?") ? "" : ";"} ${more}`;
}

/**
 * Returns the hint for an invalid command line, after a look at the flags of other programs.
 *
 * @param failure The invalid command line.
 * @returns What to do, on one line.
 */
export async function hintOf({ hint, unknownFlag }: UsageFailure): Promise<string> {
  if (unknownFlag === undefined) return hint;
  const { name, flags, see } = unknownFlag;
  const { foreignHint } = await import("./foreign_flags.ts");
  const foreign = foreignHint(name, flags);
  return foreign === undefined ? hint : joinedHint(foreign, see);
}
