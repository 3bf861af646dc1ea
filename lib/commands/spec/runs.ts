/**
 * The definition of `llama runs`: flags, help and validation.
 *
 * @module
 */

import { boolFlag, intFlag } from "../../cli/flags.ts";
import type { Command } from "../../cli/command.ts";
import { quote } from "../../template/quote.ts";
import { entries } from "./entries.ts";
import { atLeastOne } from "./numbers.ts";
import { examplesFor } from "./shared.ts";

/** The flags of `llama runs`. */
export const runsFlags = {
  n: intFlag({ help: "list only the last N runs", placeholder: "N" }),
  json: boolFlag({ help: "print one line of JSON per run" }),
} as const;

/** The definition of `llama runs`. */
export const runsCommand: Command<typeof runsFlags> = {
  ...entries.runs,
  usage: "",
  details: `Lists the runs in the journal, latest last: when each started, how many of its
jobs ended and failed, what it cost, and how it ended. xargs keeps the journal
in ~/.local/state/llama; -no-journal or \`llama config journal off\` keeps none.`,
  examples: () => examplesFor("runs"),
  flags: runsFlags,
  validate: ({ n }, [extra]) =>
    atLeastOne("n", n) ??
      (extra === undefined ? undefined : { message: `runs takes no arguments: ${quote(extra)}` }),
};
