/**
 * The examples in the help of `invoke` and `xargs`.
 *
 * @module
 */

import type { Example } from "../cli/command.ts";

/** How `llama invoke` is used. */
export const invokeExamples: readonly Example[] = [
  { text: "say hello", command: "llama invoke hello world" },
  {
    text: "optimize one image",
    command: `llama invoke optipng '{{.I "a.png"}}' -out '{{.O "b.png"}}'`,
  },
  {
    text: "send a file under another name, and standard input",
    command: "llama invoke -stdin -f ~/words:words grep -f words < book.txt",
  },
  {
    text: "send a folder, and fetch one",
    command: "llama invoke -f src -o dist/ build src -o dist",
  },
  {
    text: "see where the time goes, and the function's log",
    command: "llama invoke -time -logs hello world",
  },
  {
    text: "try a command on this machine, as if it were a function",
    command: "llama -local -function upper='tr a-z A-Z' invoke -stdin upper < book.txt",
  },
];

/** How `llama xargs` is used. */
export const xargsExamples: readonly Example[] = [
  {
    text: "optimize all images of a folder, 151 at once",
    command: `ls *.png | llama xargs -j 151 optipng \\
  '{{.I .Line}}' -out '{{.O (printf "optimized/%s" .Line)}}'`,
  },
  {
    text: "see first what would run, and send nothing",
    command: "llama xargs -dry-run optipng '{{.IO .Line}}' ::: *.png",
  },
  {
    text: "take any file name, even one with a line break",
    command: "find . -name '*.png' -print0 | llama xargs -0 optipng '{{.IO .Line}}'",
  },
  {
    text: "send a file that all jobs share",
    command: `seq 100 | llama xargs -f scene.blend render scene.blend \\
  -frame '{{.Line}}' '{{.O (printf "frame-%03s.png" .Line)}}'`,
  },
  {
    text: "print in the order of the input, each line after what it is of",
    command: "llama xargs -k -tag -a hosts.txt lookup '{{.Line}}'",
  },
  {
    text: "give each job 100 lines, as a file",
    command: "llama xargs -n 100 -a urls.txt check '{{.AsFile .Line}}'",
  },
  {
    text: "log what is done, and with the same line go on after an interruption",
    command: "llama xargs -joblog log -resume-failed -a files optipng '{{.IO .Line}}'",
  },
  {
    text: "repeat what fails, and stop before it takes too long or costs too much",
    command: `llama xargs -retries 2 -timeout 60 -halt soon,fail=10% -max-cost 5 \\
  -a files optipng '{{.IO .Line}}'`,
  },
  {
    text: "give another program what came of each job",
    command: "llama xargs -json -a files count '{{.I .Line}}' | jq .stdout",
  },
  {
    text: "keep the output of each job, and the progress, in files",
    command: `llama xargs -results out -progress lines -a files \\
  count '{{.I .Line}}' 2> log`,
  },
  {
    text: "try it on this machine first",
    command: `ls *.txt | llama -local -function count='wc -l' \\
  xargs count '{{.I .Line}}'`,
  },
];
