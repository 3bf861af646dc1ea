/**
 * The flags of `llama report`, with what its help says.
 *
 * @module
 */

import { stringFlag } from "../../cli/flags.ts";
import type { Command } from "../../cli/command.ts";

/** The flags of `llama report`. */
export const reportFlags = {
  output: stringFlag({
    help: "the page to write (default: the log's name and .html)",
    placeholder: "FILE",
    alias: "o",
  }),
} as const;

/** `llama report`, without what it does. */
export const reportCommand: Command<typeof reportFlags> = {
  name: "report",
  summary: "make a page that shows a run, from its log",
  usage: "FILE",
  group: "Run",
  details: `Makes a page that shows an earlier run, from its job log (-joblog, also GNU
parallel's) or from the lines of -json, which tell more. One that tells all
is made by the run itself, with -report.`,
  examples: [
    { text: "look back at a run by its job log", command: "llama report -o run.html log" },
    {
      text: "the same by its records",
      command: `llama xargs -json -a files count '{{.I .Line}}' > run.json
llama report run.json`,
    },
  ],
  flags: reportFlags,
  validate(_values, [path, ...more]) {
    if (path && more.length === 0) return undefined;
    return {
      message: path ? `more than one log: ${more.join(" ")}` : "no log",
      hint: "flags go before the log: llama report -o run.html log",
    };
  },
};
