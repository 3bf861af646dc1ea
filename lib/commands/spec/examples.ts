/**
 * The examples in the help of the commands.
 *
 * @module
 */

import type { Example } from "../../cli/command.ts";

/** The examples by the name of the command. */
export const examples = {
  invoke: [
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
      text: "send a directory and fetch another",
      command: "llama invoke -f src -o dist/ build src -o dist",
    },
    {
      text: "show where the time goes, and the function's log",
      command: "llama invoke -time -logs hello world",
    },
    {
      text: "try a command on this machine, as if it were a function",
      command: "llama -local -function upper='tr a-z A-Z' invoke -stdin upper < book.txt",
    },
  ],
  xargs: [
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
  ],
  runs: [
    { text: "show a run as an HTML page", command: "llama report 42" },
    { text: "list what failed", command: "llama runs -json | jq 'select(.failed > 0)'" },
  ],
  report: [
    { text: "show run 42 of the journal", command: "llama report 42" },
    { text: "compare two runs", command: "llama report 41 42" },
    { text: "show a run from its job log", command: "llama report -o run.html log" },
    {
      text: "show a run from its JSON output",
      command: `llama xargs -json -a files count '{{.I .Line}}' > run.json
llama report run.json`,
    },
  ],
  local: [
    {
      text: "serve the functions in a directory",
      command: "llama -functions images local -listen 127.0.0.1:3001",
    },
  ],
  bootstrap: [
    { text: "set llama up", command: "llama bootstrap -region us-west-2" },
    {
      text: "keep the objects in a bucket of your own",
      command: "llama bootstrap -bucket my-bucket",
    },
    {
      text: "let functions read and write data of yours in S3",
      command: "llama bootstrap -read s3://my-data/raw/ -write s3://my-data/results/",
    },
  ],
  config: [
    { text: "show all settings", command: "llama config" },
    { text: "use the settings in shell scripts", command: 'eval "$(llama config -shell)"' },
    { text: "use a store of your own", command: "llama config store s3://my-bucket/llama/" },
  ],
  teardown: [{ text: "remove everything, after a confirmation", command: "llama teardown" }],
  "update-function": [
    {
      text: "create a function from a folder with a handler and a function.json",
      command: "llama update-function -create -zip images/hello-llama hello",
    },
    {
      text: "create a function from a program that is installed here",
      command: "llama update-function -create -program optipng optipng",
    },
    {
      text: "include files that belong to no package, and check the image before it is sent",
      command: "llama update-function -create -program ./report.py -include ./data \\\n" +
        "    -check './report.py --help' report",
    },
    {
      text: "build an image and create a function from it",
      command: "llama update-function -create -build images/optipng optipng",
    },
    { text: "give a function more memory", command: "llama update-function -memory 3008 optipng" },
    { text: "move every function to this llama's runtime", command: "llama update-function -all" },
  ],
  "delete-function": [{ text: "delete a function", command: "llama delete-function hello" }],
  completion: [
    { text: "bash, in ~/.bashrc", command: "source <(llama completion bash)" },
    { text: "zsh, in ~/.zshrc after compinit", command: "source <(llama completion zsh)" },
    {
      text: "fish, once",
      command: "llama completion fish > ~/.config/fish/completions/llama.fish",
    },
  ],
} satisfies Record<string, readonly Example[]>;
