/**
 * `llama completion` prints shell completion scripts, and the candidates that they ask for.
 *
 * @module
 */

import { type Candidate, complete } from "../completion/complete.ts";
import { scripts } from "../completion/scripts.ts";
import { shellWords } from "../completion/shell_words.ts";
import { isShell } from "../completion/shells.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { FlagError, parseFlags } from "../flags.ts";
import { loadFunctions } from "../local/functions.ts";
import { functionsDirectory } from "../start_local.ts";
import { type Command, runnable, type RunnableCommand } from "./command.ts";
import { withHelp } from "./command_line.ts";
import { completionCommand } from "./completion_table.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { globalFlags, type GlobalValues } from "./flag_tables.ts";

/**
 * Creates the `completion` command.
 *
 * @param commands Returns all subcommands, including this one.
 * @returns The command.
 */
export function completion(commands: () => readonly Command[]): RunnableCommand<CommandContext> {
  return runnable(
    completionCommand,
    async ({ line }, [shell = ""], { environment, output }: CommandContext): Promise<number> => {
      await output.data(
        isShell(shell) ? scripts[shell] : await answer(line, withHelp(commands()), environment),
      );
      return exitCodes.ok;
    },
  );
}

/** Returns the candidates for a line, in the form that the scripts read. */
async function answer(
  line: string,
  commands: readonly Command[],
  environment: Environment,
): Promise<string> {
  const [, ...words] = shellWords(line);
  const { candidates, others } = complete(words, { globalFlags, commands });
  const found = others === "functions"
    ? await functionCandidates(words, environment)
    : [...candidates];
  const lines = found.map(({ word, help }) => `${word}\t${help}\n`);
  return others === "files" || others === "directories" ? `:${others}\n` : lines.join("");
}

/** Returns the local functions. Those in AWS often have the same names. */
async function functionCandidates(
  words: readonly string[],
  environment: Environment,
): Promise<Candidate[]> {
  const { functions, function: explicit } = globalValues(words);
  const found = await loadFunctions({
    directory: functionsDirectory({ functions }, environment),
    explicit,
    cwd: Deno.cwd(),
  });
  const word = words.at(-1) ?? "";
  return found.filter(({ name }) => name.startsWith(word)).map(({ name, definition }) => ({
    word: name,
    help: definition instanceof LlamaError ? definition.message : definition.description ?? "",
  }));
}

function globalValues(words: readonly string[]): Pick<GlobalValues, "functions" | "function"> {
  try {
    return parseFlags(globalFlags, words).values;
  } catch (error) {
    // An error elsewhere in the line does not prevent completion.
    if (error instanceof FlagError) return { functions: "", function: [] };
    throw error;
  }
}
