/**
 * Hints for flags of GNU xargs and GNU parallel. Loaded only for an unknown flag.
 *
 * @module
 */

import { type FlagTable, namesOf } from "./flags.ts";

/** Flags of GNU xargs and GNU parallel that have another name in llama, some with a value. */
const namesElsewhere: Readonly<Record<string, string>> = {
  "arg-file": "a",
  "bar": "progress bar",
  "C": "colsep",
  "delimiter": "d",
  "eta": "progress bar",
  "group": "print group",
  "jobs": "j",
  "keep-order": "k",
  "l": "n",
  "L": "n",
  "lb": "print line",
  "line-buffer": "print line",
  "linebuffer": "print line",
  "max-args": "n",
  "max-lines": "n",
  "max-procs": "j",
  "max-replace-args": "n",
  "N": "n",
  "null": "0",
  "P": "j",
  "retry-failed": "resume-failed",
  "tagstring": "tag",
  "u": "print line",
  "ungroup": "print line",
};

const forTheLine = "write {{.Line}} where the line belongs";
const forSeveral = "write -n N, and {{.Each}} in the argument to repeat";
const forOutputs = "write {{.O PATH}} in an argument to fetch a file";
const forInputs = "write {{.I PATH}} in an argument to send a file";
const forListing = "-dry-run prints the commands";

/** What takes the place of other flags of GNU xargs and GNU parallel. */
const otherWays: Readonly<Record<string, string>> = {
  "basefile": "write -f FILE to send a file with every job",
  "halt-on-error": "write -halt soon,fail=1",
  "i": forTheLine,
  "I": forTheLine,
  "interactive": forListing,
  "link": "write :::+ before a list to link",
  "m": forSeveral,
  "no-run-if-empty": "an empty input runs no jobs",
  "o": forOutputs,
  "output": forOutputs,
  "p": forListing,
  "r": "an empty input runs no jobs",
  "replace": forTheLine,
  "return": forOutputs,
  "t": forListing,
  "transferfile": forInputs,
  "trc": `${forInputs}, ${forOutputs.slice("write ".length)}`,
  "verbose": forListing,
  "xapply": "write :::+ before a list to link",
  "X": forSeveral,
  "xargs": forSeveral,
};

/**
 * Returns a hint for a flag that another program has.
 *
 * @param name The flag as written, without dashes; its value may be joined, as in `P5`.
 * @param table The flags of the command.
 * @returns What to write instead; undefined if it is not a known flag of another program.
 */
export function foreignHint(name: string, table: FlagTable): string | undefined {
  const names = namesOf(table);
  const [, word = "", digits = ""] = /^(.*?)(\d*)$/.exec(name) ?? [];
  const ours = Object.hasOwn(namesElsewhere, word) ? namesElsewhere[word] : undefined;
  const [flag = ""] = ours?.split(" ") ?? [];
  if (ours !== undefined && names.has(flag)) {
    return `did you mean -${ours}${digits === "" ? "" : ` ${digits}`}?`;
  }
  // Only xargs, which has -n, knows lines.
  if (!names.has("n")) return undefined;
  if (/^[Ii]\W/.test(name)) return forTheLine;
  return Object.hasOwn(otherWays, name) ? otherWays[name] : undefined;
}
