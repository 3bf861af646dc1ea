/**
 * The definition of `llama report`: flags, help and validation.
 *
 * @module
 */

import { stringFlag } from "../../cli/flags.ts";
import type { Command } from "../../cli/command.ts";
import { entries } from "./entries.ts";
import { examplesFor } from "./shared.ts";

/** The flags of `llama report`. */
export const reportFlags = {
  output: stringFlag({
    help: "page to write; -: stdout (default: the log's name, or run-N, plus .html)",
    placeholder: "FILE",
    alias: "o",
  }),
} as const;

/** The definition of `llama report`. */
export const reportCommand: Command<typeof reportFlags> = {
  ...entries.report,
  usage: "RUN [RUN]",
  details: `Creates an HTML page about an earlier run, from its job log (-joblog, or GNU
parallel's --joblog), from the lines of -json, which have more detail, or from
the journal: RUN is a file, else a number that llama runs lists. The most
detailed page is written by the run itself, with -report.

With two runs, prints how their figures and the outcomes of their jobs differ.`,
  examples: () => examplesFor("report"),
  flags: reportFlags,
  validate({ output }, [run, other, ...more]) {
    if (run && other !== "" && more.length === 0) {
      return output === "" || other === undefined ? undefined : {
        message: "-o is for the page about one run; a comparison is printed",
        hint: "omit -o; flags go before the runs: llama report -o run.html log",
      };
    }
    return {
      message: more.length > 0 ? `more than two runs: ${more.join(" ")}` : "no run given",
      hint: "`llama runs` lists the runs; flags go before them: llama report -o run.html 42",
    };
  },
};
