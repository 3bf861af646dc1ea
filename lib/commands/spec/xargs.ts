/**
 * The definition of `llama xargs`: flags, help and validation.
 *
 * @module
 */

import type { Command } from "../../cli/command.ts";
import { boolFlag, choiceFlag, intFlag } from "../../cli/flags.ts";
import { progressModes } from "../../terminal/progress_mode.ts";
import { cacheFlags, validateCache } from "./cache.ts";
import { entries } from "./entries.ts";
import { runFlags, splitInput, validateRun } from "./run.ts";
import { atLeastOne, notNegative } from "./numbers.ts";
import {
  badMapping,
  examplesFor,
  file,
  fileLinks,
  invokeRetries,
  logs,
  noFunction,
  report,
} from "./shared.ts";

/** The flags of `llama xargs`. */
export const xargsFlags = {
  logs,
  j: intFlag({ help: "jobs to run at once", placeholder: "N", default: 100 }),
  file,
  "f-links": fileLinks,
  "0": boolFlag({ help: "lines end in NUL, as written by find -print0" }),
  "invoke-retries": invokeRetries,
  ...runFlags,
  ...cacheFlags,
  report,
  progress: choiceFlag({
    help: "show progress on stderr: as a bar, or as a line from time to time",
    default: "auto",
  }, progressModes),
} as const;

/** The definition of `llama xargs`. */
export const xargsCommand: Command<typeof xargsFlags> = {
  ...entries.xargs,
  usage: "FUNCTION ARGS... < LINES",
  details: `Runs the command of FUNCTION once for each line of standard input, many at once.

ARGS are Go templates: {{.Line}} is the line and {{.Idx}} its number, from 0.
{{.I .Line}} sends the file of that name and expands to its path in Lambda,
{{.O PATH}} fetches a file, {{.IO PATH}} does both, and {{.AsFile TEXT}} sends a
text as a file. The lines may also follow the arguments, after a :::; several
lists, each after a :::, are combined, and {{.Col 1}} is from the first of them.

After the first ctrl-C, llama starts no more jobs and waits for those in flight;
a second one drops them. An interrupted run is continued by the same command
with -resume-last, or with -resume if it had -joblog FILE.`,
  examples: () => examplesFor("xargs"),
  flags: xargsFlags,
  validate: (values, args) =>
    noFunction(splitInput(args).command) ?? atLeastOne("j", values.j) ??
      notNegative("invoke-retries", values["invoke-retries"]) ??
      badMapping("file", values.file) ?? validateCache(values) ?? validateRun(values, args),
};
