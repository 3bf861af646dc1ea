/**
 * `llama completion`: what makes a shell complete command lines of llama.
 *
 * @module
 */

import { type Candidate, complete } from "../completion/complete.ts";
import { scripts, type Shell, shells } from "../completion/scripts.ts";
import { shellWords } from "../completion/shell_words.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { FlagError, parseFlags, stringFlag } from "../flags.ts";
import { loadFunctions } from "../local/functions.ts";
import { functionsDirectory } from "../start_local.ts";
import { type Command, runnable, type RunnableCommand } from "./command.ts";
import { withHelp } from "./command_line.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { globalFlags, type GlobalValues } from "./flag_tables.ts";

const completionFlags = {
  line: stringFlag({
    help: "print what completes a command line, as the shells' scripts ask for it",
    placeholder: "TEXT",
  }),
} as const;

/** `llama completion`, without what it does. */
export const completionCommand: Command<typeof completionFlags> = {
  name: "completion",
  summary: "make a shell complete command lines of llama",
  usage: shells.join("|"),
  group: "Help",
  details: `Prints a script for bash, zsh or fish that completes commands, flags, the
values of flags, files, and the functions of this machine.`,
  examples: [
    { text: "bash, in ~/.bashrc", command: "source <(llama completion bash)" },
    { text: "zsh, in ~/.zshrc after compinit", command: "source <(llama completion zsh)" },
    {
      text: "fish, once",
      command: "llama completion fish > ~/.config/fish/completions/llama.fish",
    },
  ],
  flags: completionFlags,
  validate({ line }, [shell, ...more]) {
    const isOne = shell === undefined ? line !== "" : isShell(shell) && line === "";
    if (isOne && more.length === 0) return undefined;
    return {
      message: shell === undefined ? "no shell" : `one of ${shells.join(", ")}, and nothing else`,
      hint: "write llama completion bash",
    };
  },
};

/**
 * The command, as data and with what it does.
 *
 * @param commands All subcommands, this one among them.
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

/** What completes a line, as the scripts read it. */
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

/** The functions of this machine. Those in AWS may well have the same names. */
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
    // A line that is wrong elsewhere is answered as far as it goes.
    if (error instanceof FlagError) return { functions: "", function: [] };
    throw error;
  }
}

function isShell(name: string): name is Shell {
  return Object.hasOwn(scripts, name);
}
