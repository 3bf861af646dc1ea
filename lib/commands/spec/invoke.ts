/**
 * The definition of `llama invoke`: flags, help and validation.
 *
 * @module
 */

import type { Command } from "../../cli/command.ts";
import { boolFlag, listFlag } from "../../cli/flags.ts";
import { cacheFlags, validateCache } from "./cache.ts";
import { entries } from "./entries.ts";
import { timeout } from "./run.ts";
import { notNegative } from "./numbers.ts";
import {
  badMapping,
  examplesFor,
  file,
  fileLinks,
  invokeRetries,
  logs,
  noClobber,
  noFunction,
  parseFileMapping,
  report,
} from "./shared.ts";

/** The flags of `llama invoke`. */
export const invokeFlags = {
  logs,
  time: boolFlag({ help: "show where the time went and the cost, on stderr" }),
  stdin: boolFlag({ help: "send standard input to the command" }),
  timeout,
  file,
  "f-links": fileLinks,
  output: listFlag({
    help: "fetch a file that the command writes; may be repeated",
    placeholder: "LOCAL[:REMOTE]",
    alias: "o",
  }, parseFileMapping),
  "no-stream": boolFlag({ help: "print the output when the command has ended, not as it comes" }),
  "no-clobber": noClobber,
  "invoke-retries": invokeRetries,
  ...cacheFlags,
  report,
} as const;

/** The definition of `llama invoke`. */
export const invokeCommand: Command<typeof invokeFlags> = {
  ...entries.invoke,
  usage: "FUNCTION ARGS...",
  details: `Runs the command of FUNCTION with ARGS. Its output goes to stdout and stderr,
and llama exits with its status.

ARGS are Go templates: {{.I "a.png"}} sends a file and expands to its path in
Lambda, {{.O "b.png"}} fetches one, {{.IO "c.png"}} does both.`,
  examples: () => examplesFor("invoke"),
  flags: invokeFlags,
  validate: (values, args) =>
    noFunction(args) ?? notNegative("invoke-retries", values["invoke-retries"]) ??
      badMapping("file", values.file) ?? badMapping("output", values.output) ??
      validateCache(values),
};
