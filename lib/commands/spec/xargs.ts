/**
 * The definition of `llama xargs`: flags, help and validation.
 *
 * @module
 */

import type { Command, Example } from "../../cli/command.ts";
import { boolFlag, choiceFlag, intFlag } from "../../cli/flags.ts";
import { progressModes } from "../../terminal/progress_mode.ts";
import { cacheFlags, validateCache } from "./cache.ts";
import { runFlags, splitInput, validateRun } from "./run.ts";
import {
  atLeastOne,
  badMapping,
  file,
  fileLinks,
  invokeRetries,
  logs,
  noFunction,
  notNegative,
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

const examples: readonly Example[] = [
  {
    text: "optimize all images in a directory, 151 at a time",
    command: `ls *.png | llama xargs -j 151 optipng \\
  '{{.I .Line}}' -out '{{.O (printf "optimized/%s" .Line)}}'`,
  },
  {
    text: "show what would run, without running it",
    command: "llama xargs -dry-run optipng '{{.IO .Line}}' ::: *.png",
  },
  {
    text: "handle any file name, even one with a line break",
    command: "find . -name '*.png' -print0 | llama xargs -0 optipng '{{.IO .Line}}'",
  },
  {
    text: "send a file to all jobs",
    command: `seq 100 | llama xargs -f scene.blend render scene.blend \\
  -frame '{{.Line}}' '{{.O (printf "frame-%03s.png" .Line)}}'`,
  },
  {
    text: "print the output in input order, each line prefixed with its input",
    command: "llama xargs -k -tag -a hosts.txt lookup '{{.Line}}'",
  },
  {
    text: "pass 100 lines to each job, as a file",
    command: "llama xargs -n 100 -a urls.txt check '{{.AsFile .Line}}'",
  },
  {
    text: "pass 20 files to each job",
    command: "ls *.png | llama xargs -n 20 optipng '{{.IO .Each}}'",
  },
  {
    text: "run every combination of two lists",
    command: `llama xargs train -rate '{{.Col 1}}' -layers '{{.Col 2}}' \\
  ::: 0.1 0.01 ::: 2 4 8`,
  },
  {
    text: "continue the last run of this command, after an interruption",
    command: "llama xargs -resume-last -a files optipng '{{.IO .Line}}'",
  },
  {
    text: "retry failed jobs, and stop before the run takes too long or costs too much",
    command: `llama xargs -retries 2 -timeout 60 -halt soon,fail=10% -max-cost 5 \\
  -a files optipng '{{.IO .Line}}'`,
  },
  {
    text: "process the result of each job in another program",
    command: "llama xargs -json -a files count '{{.I .Line}}' | jq .stdout",
  },
  {
    text: "save each job's output, and the progress, to files",
    command: `llama xargs -results out -progress lines -a files \\
  count '{{.I .Line}}' 2> log`,
  },
  {
    text: "try it on this machine first",
    command: `ls *.txt | llama -local -function count='wc -l' \\
  xargs count '{{.I .Line}}'`,
  },
];

/** The definition of `llama xargs`. */
export const xargsCommand: Command<typeof xargsFlags> = {
  name: "xargs",
  summary: "run a function's command for each line of standard input",
  usage: "FUNCTION ARGS... < LINES",
  group: "Run",
  details: `Runs the command of FUNCTION once for each line of standard input, many at once.

ARGS are Go templates: {{.Line}} is the line and {{.Idx}} its number, from 0.
{{.I .Line}} sends the file of that name and expands to its path in Lambda,
{{.O PATH}} fetches a file, {{.IO PATH}} does both, and {{.AsFile TEXT}} sends a
text as a file. The lines may also follow the arguments, after a :::; several
lists, each after a :::, are combined, and {{.Col 1}} is from the first of them.

After the first ctrl-C, llama starts no more jobs and waits for those in flight;
a second one drops them. An interrupted run is continued by the same command
with -resume-last, or with -resume if it had -joblog FILE.`,
  examples,
  flags: xargsFlags,
  validate: (values, args) =>
    noFunction(splitInput(args).command) ?? atLeastOne("j", values.j) ??
      notNegative("invoke-retries", values["invoke-retries"]) ??
      badMapping("file", values.file) ?? validateCache(values) ?? validateRun(values, args),
};
