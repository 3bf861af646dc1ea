/**
 * Completes llama's command lines, from the same tables that parse them and print the help.
 *
 * @module
 */

import type { Command, Listed } from "../command.ts";
import { type Flag, type FlagTable, namesOf } from "../flags.ts";

/** A candidate for the word being completed. */
export interface Candidate {
  /** The whole word. */
  readonly word: string;
  /** A one-line description; may be empty. */
  readonly help: string;
}

/** The possible completions of a word. */
export interface Completion {
  /** Words that begin with the typed part. */
  readonly candidates: readonly Candidate[];
  /** Another kind of name that fits, for the caller to list. */
  readonly others: "nothing" | "files" | "directories" | "functions" | "runs";
}

/** The flags and commands that can be completed. */
export interface Completable {
  /** The flags before the subcommand. */
  readonly globalFlags: FlagTable;
  /** The subcommands. */
  readonly commands: readonly Listed[];
}

/**
 * Completes a word.
 *
 * @param words The words after the program's name; the last is the one to complete.
 * @param completable The flags and commands.
 * @returns The possible completions.
 */
export async function complete(
  words: readonly string[],
  completable: Completable,
): Promise<Completion> {
  const word = words.at(-1) ?? "";
  const place = await placeAfter(words.slice(0, -1), completable);
  if (place === undefined) return nothing;
  const { command, flags, args, valueOf } = place;
  if (valueOf !== undefined) return named(valueOf.placeholder ?? "", word, completable);

  const [, dashes = "", name = "", value] = /^(--?)([^=]*)(?:=([^]*))?$/.exec(word) ?? [];
  if (flags !== undefined && value !== undefined) {
    const start = `${dashes}${name}=`;
    return named(flagNamed(flags, name)?.placeholder ?? "", value, completable, start);
  }
  if (flags !== undefined && dashes !== "") return among(flagsOf(flags), name, dashes);

  const usage = command === undefined ? ["COMMAND"] : command.usage.split(" ");
  const placeholder = args === 0
    ? usage[0]
    : usage.find((each, i) => i > 0 && (/\.{3}$/.test(each) || i === args && each.startsWith("[")));
  const completion = named(placeholder ?? "", word, completable);
  const isOpen = completion.others !== "nothing" || completion.candidates.length > 0;
  return isOpen || flags === undefined || word !== "" ? completion : among(flagsOf(flags), "", "-");
}

/** A word's position on the command line. */
interface Place {
  readonly command: Command | undefined;
  /** The flags that are allowed here. */
  readonly flags: FlagTable | undefined;
  /** The number of the command's arguments before it. */
  readonly args: number;
  /** The flag whose value it is. */
  readonly valueOf: Flag<unknown> | undefined;
}

/** Returns the position after some words; undefined if the command is unknown. */
async function placeAfter(
  words: readonly string[],
  completable: Completable,
): Promise<Place | undefined> {
  let command: Command | undefined;
  let flags: FlagTable | undefined = completable.globalFlags;
  let args = 0;
  let valueOf: Flag<unknown> | undefined;
  for (const word of words) {
    const [, name, equals] = /^--?([^-=][^=]*)(=)?/.exec(word) ?? [];
    if (valueOf !== undefined) {
      valueOf = undefined;
    } else if (flags !== undefined && word === "--") {
      flags = undefined;
    } else if (flags !== undefined && name !== undefined) {
      const flag = flagNamed(flags, name);
      if (flag !== undefined && !flag.isBoolean && equals === undefined) valueOf = flag;
    } else if (command === undefined) {
      command = await completable.commands.find(({ name }) => name === word)?.load();
      if (command === undefined) return undefined;
      flags = command.flags;
    } else {
      flags = undefined;
      args++;
    }
  }
  return { command, flags, args, valueOf };
}

const nothing: Completion = { candidates: [], others: "nothing" };

/** Returns the completions for a placeholder in a flag's help or in a synopsis. */
function named(
  placeholder: string,
  word: string,
  { commands }: Completable,
  start = "",
): Completion {
  const name = placeholder.replace(/^\[(.*)\]$/, "$1").replace(/\.{3}$/, "");
  if (/^[a-z0-9_-]+(\|[a-z0-9_-]+)+$/.test(name)) {
    return among(name.split("|").map((word) => ({ word, help: "" })), word, start);
  }
  switch (name) {
    case "COMMAND":
      return among(commands.map(({ name, summary }) => ({ word: name, help: summary })), word);
    case "FUNCTION":
      return { candidates: [], others: "functions" };
    case "RUN":
      return { candidates: [], others: "runs" };
    case "DIR":
      return { candidates: [], others: "directories" };
    case "FILE":
    case "PATH":
    case "LOCAL[:REMOTE]":
    case "ARGS":
      // The arguments of a command in Lambda are often local files.
      return { candidates: [], others: "files" };
    default:
      return nothing;
  }
}

/** Returns the candidates with a given beginning, with `start` prepended to each. */
function among(all: readonly Candidate[], beginning: string, start = ""): Completion {
  const candidates = all.filter(({ word }) => word.startsWith(beginning));
  return {
    candidates: candidates.map(({ word, help }) => ({ word: start + word, help })),
    others: "nothing",
  };
}

function flagsOf(table: FlagTable): Candidate[] {
  return [...namesOf(table)].map(([word, key]) => ({ word, help: table[key]?.help ?? "" }));
}

function flagNamed(table: FlagTable, name: string): Flag<unknown> | undefined {
  const key = namesOf(table).get(name);
  return key === undefined ? undefined : table[key];
}
