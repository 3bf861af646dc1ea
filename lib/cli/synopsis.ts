/**
 * The commands `help` and `version`, and how commands and flags are written.
 *
 * @module
 */

import { type Command, type Listed, loaded } from "./command.ts";
import type { Flag } from "./flags.ts";

const helpGroup = "Help";

const helpCommand: Command = {
  name: "help",
  summary: "show help for llama or one of its commands",
  usage: "[COMMAND]",
  group: helpGroup,
  flags: {},
  validate: (_values, args) =>
    args.length > 1 ? { message: "help takes at most one command" } : undefined,
};

/** The definition of `llama version`. */
export const versionCommand: Command = {
  name: "version",
  summary: "print the version of llama",
  usage: "",
  group: helpGroup,
  flags: {},
  validate: (_values, args) =>
    args.length > 0 ? { message: "version takes no arguments" } : undefined,
};

/**
 * Returns all commands: those that are passed, `help` and `version`.
 *
 * @param commands The commands besides `help` and `version`.
 */
export function withHelp(commands: readonly Listed[]): readonly Listed[] {
  return [...commands, loaded(helpCommand), loaded(versionCommand)];
}

/**
 * Returns a command's synopsis, such as `llama invoke [FLAGS] FUNCTION ARGS...`.
 *
 * @param command The command.
 */
export function synopsis({ name, usage, flags }: Command): string {
  const hasFlags = Object.keys(flags).length > 0;
  return ["llama", name, ...(hasFlags ? ["[FLAGS]"] : []), usage].join(" ").trimEnd();
}

/**
 * Returns how a flag is written, with its placeholder if it takes a value.
 *
 * @param name One of its names.
 * @param flag The flag.
 */
export function written(name: string, flag: Flag<unknown>): string {
  return flag.placeholder === undefined ? `-${name}` : `-${name} ${flag.placeholder}`;
}
