/**
 * A subcommand as data, and with the function that runs it.
 *
 * @module
 */

import type { FlagTable, FlagValues } from "./flags.ts";

/** Why a command line makes no sense although its flags can be read. */
export interface UsageProblem {
  /** What is wrong: one line without a full stop. */
  readonly message: string;
  /** What to write instead; without it, the hint is the command's synopsis. */
  readonly hint?: string | undefined;
}

/** An example in a command's help. */
export interface Example {
  /** What it does, as a person would ask for it. */
  readonly text: string;
  /** What to type; lines after the first are its continuation. */
  readonly command: string;
}

/**
 * What `llama` knows of a subcommand without running it.
 *
 * `validate` is a method, and `run` of {@linkcode RunnableCommand} too, so that commands with different flags
 * go into one list: whoever calls them passes values that were parsed from the command's own flags.
 */
export interface Command<Table extends FlagTable = FlagTable> {
  /** What it is called by. */
  readonly name: string;
  /** What it does, on one line without a full stop. */
  readonly summary: string;
  /** Its arguments in the synopsis, such as `FUNCTION ARGS...`; may be empty. */
  readonly usage: string;
  /** The heading it stands under in the list of commands. */
  readonly group: string;
  /** What its help says beyond the summary; paragraphs are separated by an empty line. */
  readonly details?: string;
  /** Examples for its help. */
  readonly examples?: readonly Example[];
  /** Its flags. */
  readonly flags: Table;
  /**
   * Checks what the flags' syntax cannot.
   *
   * @param values The flags' values.
   * @param args The arguments after the flags.
   * @returns What is wrong, or undefined.
   */
  validate?(values: FlagValues<Table>, args: readonly string[]): UsageProblem | undefined;
}

/** A subcommand that can be run in some context: what it needs of the outside. */
export interface RunnableCommand<Context, Table extends FlagTable = FlagTable>
  extends Command<Table> {
  /**
   * Runs the command.
   *
   * @param values The flags' values.
   * @param args The arguments after the flags.
   * @param context What the command needs of the outside.
   * @returns The exit status.
   */
  run(values: FlagValues<Table>, args: readonly string[], context: Context): Promise<number>;
}

/**
 * Joins a command's description with the function that runs it.
 *
 * @param command The description.
 * @param run What the command does; gives the exit status.
 * @returns A command for a list of commands with all kinds of flags.
 */
export function runnable<Context, Table extends FlagTable>(
  command: Command<Table>,
  run: (
    values: FlagValues<Table>,
    args: readonly string[],
    context: Context,
  ) => Promise<number>,
): RunnableCommand<Context> {
  const joined: RunnableCommand<Context, Table> = { ...command, run };
  return joined;
}

/**
 * Joins a command's description with the module that runs it, which is loaded when the command is
 * called: what the others need would double the time that llama takes to start.
 *
 * @param command The description.
 * @param load Loads the command itself.
 * @returns A command for a list of commands with all kinds of flags.
 */
export function loadable<Context, Table extends FlagTable>(
  command: Command<Table>,
  load: () => Promise<RunnableCommand<Context>>,
): RunnableCommand<Context> {
  return runnable(
    command,
    async (values, args, context: Context) => await (await load()).run(values, args, context),
  );
}

/** A line of a help text in two columns. */
export type HelpRow = readonly [left: string, right: string];

/** What a program accepts before a command, and what its help says besides the commands. */
export interface Program<Table extends FlagTable = FlagTable> {
  /** The first line of its help. */
  readonly summary: string;
  /** The flags before the command. */
  readonly flags: Table;
  /** Further sections of its help. */
  readonly sections: readonly { readonly title: string; readonly rows: readonly HelpRow[] }[];
  /**
   * Checks what the flags' syntax cannot.
   *
   * @param values The flags' values.
   * @param command The command that follows them.
   * @returns The problem, or undefined.
   */
  validate(values: FlagValues<Table>, command: string): UsageProblem | undefined;
}
