/**
 * The definition of `llama completion`: flags, help and validation.
 *
 * @module
 */

import { isShell, shells } from "../../cli/completion/shells.ts";
import { stringFlag } from "../../cli/flags.ts";
import type { Command } from "../../cli/command.ts";
import { entries } from "./entries.ts";
import { examplesFor } from "./shared.ts";

const completionFlags = {
  line: stringFlag({
    help: "print the completions of a command line, used by the scripts",
    placeholder: "TEXT",
  }),
} as const;

/** The definition of `llama completion`. */
export const completionCommand: Command<typeof completionFlags> = {
  ...entries.completion,
  usage: shells.join("|"),
  details: `Prints a script for bash, zsh or fish that completes commands, flags and their
values, files, and local functions.`,
  examples: () => examplesFor("completion"),
  flags: completionFlags,
  validate({ line }, [shell, ...more]) {
    const isOne = shell === undefined ? line !== "" : isShell(shell) && line === "";
    if (isOne && more.length === 0) return undefined;
    return {
      message: shell === undefined
        ? "no shell given"
        : `completion takes only one of ${shells.join(", ")}`,
      hint: "write llama completion bash",
    };
  },
};
