/**
 * The entries of the list of commands, from which `llama help` is made. The rest of a definition is
 * loaded only for the command that is called: the flags of all take as long to define as `llama help`
 * takes without them.
 *
 * @module
 */

import type { CommandEntry } from "../../cli/command.ts";

/** The commands besides `help` and `version`, in the order of the help. */
export const entries = {
  invoke: { name: "invoke", summary: "run a function's command once", group: "Run" },
  xargs: {
    name: "xargs",
    summary: "run a function's command for each line of standard input",
    group: "Run",
  },
  runs: { name: "runs", summary: "list the runs of llama xargs on this machine", group: "Run" },
  report: {
    name: "report",
    summary: "create an HTML page about a run, or compare two runs",
    group: "Run",
  },
  local: {
    name: "local",
    summary: "serve Lambda's Invoke API on this machine",
    group: "On this machine",
  },
  bootstrap: { name: "bootstrap", summary: "set up what llama needs in AWS", group: "Set up" },
  config: { name: "config", summary: "show or change llama's settings", group: "Set up" },
  doctor: { name: "doctor", summary: "check llama's setup and suggest fixes", group: "Set up" },
  teardown: {
    name: "teardown",
    summary: "remove llama's functions and resources from AWS",
    group: "Set up",
  },
  updateFunction: {
    name: "update-function",
    summary: "create or change a function in AWS",
    group: "Functions",
  },
  functions: { name: "functions", summary: "list llama's functions in AWS", group: "Functions" },
  deleteFunction: {
    name: "delete-function",
    summary: "delete a function from AWS",
    group: "Functions",
  },
  completion: { name: "completion", summary: "print a shell completion script", group: "Help" },
} as const satisfies Record<string, CommandEntry>;
