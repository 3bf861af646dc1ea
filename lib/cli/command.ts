/**
 * Definitions of subcommands.
 *
 * @module
 */

import type { FlagTable, FlagValues } from "./flags.ts";

/** A problem with a command line whose flags are valid by themselves. */
export interface UsageProblem {
  /** The message: one line without a full stop. */
  readonly message: string;
  /** A suggestion for the user. @default {the command's synopsis} */
  readonly hint?: string | undefined;
}

/** An example in a command's help. */
export interface Example {
  /** A description, in the imperative. */
  readonly text: string;
  /** The command line; further lines continue it. */
  readonly command: string;
}

/** A subcommand's entry in the list of commands. */
export interface CommandEntry {
  /** Its name on the command line. */
  readonly name: string;
  /** A description: one line without a full stop. */
  readonly summary: string;
  /** The heading above it in the list. */
  readonly group: string;
}

/**
 * A subcommand's definition, without its implementation.
 *
 * `validate` here and `run` in {@linkcode RunnableCommand} are methods, so that commands with
 * different flags fit in one list. Callers pass values parsed from the command's own flags.
 */
export interface Command<Table extends FlagTable = FlagTable> extends CommandEntry {
  /** Its arguments in the synopsis, such as `FUNCTION ARGS...`; may be empty. */
  readonly usage: string;
  /** The rest of its help; paragraphs are separated by an empty line. */
  readonly details?: string;
  /** Loads the examples for its help, since most runs of llama show none. */
  readonly examples?: () => Promise<readonly Example[]>;
  /** Its flags. */
  readonly flags: Table;
  /**
   * Checks what the syntax of single flags cannot express.
   *
   * @param values The flags' values.
   * @param args The arguments after the flags.
   * @returns The problem, or undefined.
   */
  validate?(values: FlagValues<Table>, args: readonly string[]): UsageProblem | undefined;
}

/** A subcommand with its implementation, which runs in a context. */
export interface RunnableCommand<Context, Table extends FlagTable = FlagTable>
  extends Command<Table> {
  /**
   * Runs the command.
   *
   * @param values The flags' values.
   * @param args The arguments after the flags.
   * @param context The command's dependencies.
   * @returns The exit status.
   */
  run(values: FlagValues<Table>, args: readonly string[], context: Context): Promise<number>;
}

/**
 * Combines a command's definition with its implementation.
 *
 * @param command The definition.
 * @param run The implementation; returns the exit status.
 * @returns A command that fits in a list of commands with different flags.
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

/** A subcommand in the list of commands; the rest of it is loaded when it is named. */
export interface Listed<Found extends Command = Command> extends CommandEntry {
  /** Loads the command. */
  load(): Promise<Found>;
}

/**
 * Lists a command whose definition is loaded when the command is named, and whose implementation when
 * it runs: loading those of all commands would double llama's start-up time.
 *
 * @param entry Its entry.
 * @param definition Loads its definition.
 * @param implementation Loads its implementation.
 * @returns A command that fits in a list of commands with different flags.
 */
export function listed<Context, Table extends FlagTable>(
  entry: CommandEntry,
  definition: () => Promise<Command<Table>>,
  implementation: () => Promise<RunnableCommand<Context>>,
): Listed<RunnableCommand<Context>> {
  return {
    ...entry,
    load: async () =>
      runnable(
        await definition(),
        async (values, args, context: Context) =>
          await (await implementation()).run(values, args, context),
      ),
  };
}

/**
 * Lists a command that is loaded already.
 *
 * @param command The command.
 * @returns A command that fits in the same list.
 */
export function loaded<Found extends Command>(command: Found): Listed<Found> {
  const { name, summary, group } = command;
  return { name, summary, group, load: () => Promise.resolve(command) };
}

/** A line of a help text in two columns. */
export type HelpRow = readonly [left: string, right: string];

/** The flags that a program accepts before a command, and the sections of its help. */
export interface Program<Table extends FlagTable = FlagTable> {
  /** The first line of its help. */
  readonly summary: string;
  /** The flags before the command. */
  readonly flags: Table;
  /** Further sections of its help. */
  readonly sections: readonly { readonly title: string; readonly rows: readonly HelpRow[] }[];
  /**
   * Checks what the syntax of single flags cannot express.
   *
   * @param values The flags' values.
   * @param command The command that follows them.
   * @returns The problem, or undefined.
   */
  validate(values: FlagValues<Table>, command: string): UsageProblem | undefined;
}
