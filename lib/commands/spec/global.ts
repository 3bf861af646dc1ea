/**
 * What `llama` accepts before a command.
 *
 * @module
 */

import type { Program, UsageProblem } from "../../cli/command.ts";
import {
  boolFlag,
  FlagValueError,
  type FlagValues,
  intFlag,
  listFlag,
  stringFlag,
} from "../../cli/flags.ts";
import { defaultS3Concurrency } from "../../limits.ts";
import { functionNameRule, isFunctionName } from "../../functions/names.ts";
import { quote } from "../../template/quote.ts";
import { atLeastOne } from "./shared.ts";

/** A function of `-function`: a command of this machine under a function's name. */
export interface FunctionCommand {
  /** The function's name. */
  readonly name: string;
  /** The command, as written. */
  readonly command: string;
}

/**
 * Reads `NAME=COMMAND`.
 *
 * @param text The function as written.
 * @returns Its name and command.
 * @throws {FlagValueError} If there is no `=`, no command, or Lambda would refuse the name.
 */
export function parseFunctionCommand(text: string): FunctionCommand {
  const hint = "write NAME=COMMAND, as in -function upper='tr a-z A-Z'";
  const equals = text.indexOf("=");
  if (equals < 0) throw new FlagValueError('no "=" between name and command', hint);
  const name = text.slice(0, equals);
  const command = text.slice(equals + 1);
  if (!isFunctionName(name)) {
    throw new FlagValueError(`${quote(name)} is not a function name`, functionNameRule);
  }
  if (command.trim() === "") throw new FlagValueError("no command", hint);
  return { name, command };
}

/** The flags before the subcommand. */
export const globalFlags = {
  region: stringFlag({ help: "AWS region", placeholder: "REGION" }),
  profile: stringFlag({ help: "profile of the AWS configuration files", placeholder: "NAME" }),
  store: stringFlag({
    help: "object store: s3://BUCKET/PREFIX or file:///DIR",
    placeholder: "URL",
  }),
  local: boolFlag({ help: "run functions on this machine, without AWS" }),
  functions: stringFlag({
    help: "functions to run on this machine, one folder each",
    placeholder: "DIR",
  }),
  function: listFlag({
    help: "run COMMAND as a function; may be repeated",
    placeholder: "NAME=COMMAND",
  }, parseFunctionCommand),
  "debug-aws": boolFlag({ help: "log AWS requests and responses to stderr" }),
  "s3-concurrency": intFlag({
    help: "uploads and downloads at once",
    placeholder: "N",
    default: defaultS3Concurrency,
  }),
  trace: stringFlag({
    help: "under invoke and xargs: write where the time went, for ui.perfetto.dev (.gz, .zst)",
    placeholder: "FILE",
  }),
} as const;

/** The values of the flags before the subcommand. */
export type GlobalValues = FlagValues<typeof globalFlags>;

/**
 * Checks the flags before the subcommand.
 *
 * @param values Their values.
 * @param command The subcommand.
 * @returns What is wrong, or undefined.
 */
function validateGlobal(values: GlobalValues, command: string): UsageProblem | undefined {
  if (values.trace !== "" && command !== "invoke" && command !== "xargs") {
    return {
      message: `-trace has no use with ${command}`,
      hint: "it goes with invoke and xargs, which run jobs",
    };
  }
  return atLeastOne("s3-concurrency", values["s3-concurrency"]);
}

/** `llama` itself: its flags, and what its help says besides the commands. */
export const program: Program<typeof globalFlags> = {
  summary: "llama runs commands in AWS Lambda, many at once, as if they ran here.",
  flags: globalFlags,
  sections: [
    {
      title: "Exit status (of invoke: the command's own)",
      rows: [
        ["0", "all went well"],
        ["1", "a job of xargs failed, or doctor found something wrong"],
        ["2", "wrong usage or settings, or a template that fails; nothing was run"],
        ["125", "llama, AWS or the network failed (under xargs 1)"],
        ["130, 143", "interrupted, terminated"],
        ["141", "the reader of standard output has gone"],
      ],
    },
    {
      title: "Environment",
      rows: [
        ["LLAMA_OBJECT_STORE", "the object store, as -store"],
        ["LLAMA_DIR", "where llama's settings are; see llama help config"],
        ["LLAMA_OBJECT_NOTE", "0 keeps no note of the objects that were sent"],
        ["LLAMA_LOCAL", "1 runs functions on this machine, as -local"],
        ["LLAMA_FUNCTIONS", "functions to run on this machine, as -functions"],
      ],
    },
  ],
  validate: validateGlobal,
};
