/**
 * The definition of `llama report`: flags, help and validation.
 *
 * @module
 */

import { stringFlag } from "../../cli/flags.ts";
import type { Command } from "../../cli/command.ts";

/** The flags of `llama report`. */
export const reportFlags = {
  output: stringFlag({
    help: "page to write (default: the log's name plus .html)",
    placeholder: "FILE",
    alias: "o",
  }),
} as const;

/** The definition of `llama report`. */
export const reportCommand: Command<typeof reportFlags> = {
  name: "report",
  summary: "create an HTML page about a run, from its log",
  usage: "FILE",
  group: "Run",
  details: `Creates an HTML page about an earlier run, from its job log (-joblog, or GNU
parallel's --joblog) or from the lines of -json, which have more detail. The
most detailed page is written by the run itself, with -report.`,
  examples: [
    { text: "show a run from its job log", command: "llama report -o run.html log" },
    {
      text: "show a run from its JSON output",
      command: `llama xargs -json -a files count '{{.I .Line}}' > run.json
llama report run.json`,
    },
  ],
  flags: reportFlags,
  validate(_values, [path, ...more]) {
    if (path && more.length === 0) return undefined;
    return {
      message: path ? `more than one log: ${more.join(" ")}` : "no log given",
      hint: "flags go before the log: llama report -o run.html log",
    };
  },
};
