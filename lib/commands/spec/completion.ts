/**
 * The flags of `llama completion`, with what its help says.
 *
 * @module
 */

import { isShell, shells } from "../../cli/completion/shells.ts";
import { stringFlag } from "../../cli/flags.ts";
import type { Command } from "../../cli/command.ts";

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
