/**
 * `llama completion` prints shell completion scripts, and the candidates that they ask for.
 *
 * @module
 */

import { type Candidate, complete } from "../cli/completion/complete.ts";
import { scripts } from "../cli/completion/scripts.ts";
import { shellWords } from "../cli/completion/shell_words.ts";
import { isShell } from "../cli/completion/shells.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { isFunctionName } from "../functions/names.ts";
import { FlagError, parseFlags } from "../cli/flags.ts";
import { readBegin } from "../jobs/journal/past_run.ts";
import { journalDirectory, listRuns } from "../jobs/journal/place.ts";
import { loadFunctions } from "../local/functions.ts";
import { localTimeText } from "../text/amounts.ts";
import { printableLine } from "../text/printable.ts";
import { functionsDirectory } from "../local/start.ts";
import { type Listed, runnable, type RunnableCommand } from "../cli/command.ts";
import { withHelp } from "../cli/synopsis.ts";
import { completionCommand } from "./spec/completion.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { globalFlags, type GlobalValues } from "./spec/global.ts";

/**
 * Creates the `completion` command.
 *
 * @param commands Returns all subcommands, including this one.
 * @returns The command.
 */
export function completion(commands: () => readonly Listed[]): RunnableCommand<CommandContext> {
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
  commands: readonly Listed[],
  environment: Environment,
): Promise<string> {
  const [, ...words] = shellWords(line);
  const { candidates, others } = await complete(words, { globalFlags, commands });
  const found = others === "functions"
    ? await functionCandidates(words, environment)
    : others === "runs"
    ? runCandidates(words.at(-1) ?? "", environment)
    : [...candidates];
  const lines = found.map(({ word, help }) => `${word}\t${printableLine(help)}\n`);
  // A report may be about a file, too.
  const shell = others === "runs" ? "files" : others;
  return lines.join("") + (shell === "files" || shell === "directories" ? `:${shell}\n` : "");
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
  // The shell puts a candidate into the command line as it is, where $(...) would be run.
  const offered = found.filter(({ name }) => isFunctionName(name) && name.startsWith(word));
  return offered.map(({ name, definition }) => ({
    word: name,
    help: definition instanceof LlamaError ? definition.message : definition.description ?? "",
  }));
}

/** The most runs that are offered. */
const mostRuns = 20;

/** Returns the last runs in the journal. */
function runCandidates(word: string, environment: Environment): Candidate[] {
  const directory = journalDirectory(environment);
  if (directory === undefined) return [];
  let all;
  try {
    all = listRuns(directory);
  } catch (error) {
    // Files are offered all the same.
    if (error instanceof LlamaError) return [];
    throw error;
  }
  const files = all.filter(({ run }) => String(run).startsWith(word));
  return files.slice(0, mostRuns).flatMap(({ run, path }) => {
    const begin = readBegin(path);
    if (begin === undefined) return [];
    const help = `${localTimeText(begin.started)} ${begin.command.slice(0, 60)}`;
    return [{ word: String(run), help }];
  });
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
