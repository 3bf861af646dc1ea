/**
 * The examples in the help of `llama xargs`.
 *
 * @module
 */

import type { Example } from "../../cli/command.ts";

/** The examples. */
export const examples: readonly Example[] = [
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
