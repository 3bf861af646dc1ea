/**
 * The flags before a command, and the help of `llama` itself.
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
  valueFlag,
} from "../../cli/flags.ts";
import { type CompressMode, compressModes, defaultS3Concurrency } from "../../limits.ts";
import { functionNameRule, isFunctionName } from "../../functions/names.ts";
import { quote } from "../../template/quote.ts";
import { atLeastOne } from "./numbers.ts";

/** A function defined by `-function`: a command on this machine that runs under a function's name. */
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
  profile: stringFlag({ help: "profile in the AWS configuration files", placeholder: "NAME" }),
  store: stringFlag({
    help: "object store: s3://BUCKET/PREFIX or file:///DIR",
    placeholder: "URL",
  }),
  local: boolFlag({ help: "run functions on this machine, without AWS" }),
  functions: stringFlag({
    help: "directory of local functions, one subdirectory each",
    placeholder: "DIR",
  }),
  function: listFlag({
    help: "run COMMAND as a function; may be repeated",
    placeholder: "NAME=COMMAND",
  }, parseFunctionCommand),
  "debug-aws": boolFlag({ help: "log AWS requests and responses to stderr" }),
  "s3-concurrency": intFlag({
    help: "concurrent uploads and downloads",
    placeholder: "N",
    default: defaultS3Concurrency,
  }),
  // Without a default, since LLAMA_COMPRESS is one.
  compress: valueFlag<CompressMode | undefined>({
    help: "compress files and output; auto: not inside AWS and on this machine (default auto)",
    placeholder: compressModes.join("|"),
    default: undefined,
  }, (text) => {
    const mode = compressModes.find((mode) => mode === text);
    if (mode !== undefined) return mode;
    throw new FlagValueError(`not one of ${compressModes.join(", ")}`);
  }),
  trace: stringFlag({
    help:
      "with invoke or xargs: write a trace for ui.perfetto.dev (.gz, .zst: compressed; -: stdout)",
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
      message: `-trace cannot be used with ${command}`,
      hint: "use it with invoke or xargs, which run jobs",
    };
  }
  return atLeastOne("s3-concurrency", values["s3-concurrency"]);
}

/** The flags of `llama` itself, and the sections of its help. */
export const program: Program<typeof globalFlags> = {
  summary: "llama runs commands in AWS Lambda, many at once, as if they ran locally.",
  flags: globalFlags,
  sections: [
    {
      title: "Exit status (invoke: that of the command)",
      rows: [
        ["0", "success"],
        ["1", "a job of xargs failed, or doctor found a problem"],
        ["2", "invalid usage or settings, or a template failed; nothing was run"],
        ["124", "invoke: the command or its function timed out"],
        ["125", "llama, AWS or the network failed (xargs: 1)"],
        ["130, 143", "interrupted, terminated"],
        ["141", "the reader of standard output closed it"],
      ],
    },
    {
      title: "Environment",
      rows: [
        ["LLAMA_OBJECT_STORE", "object store, like -store"],
        ["LLAMA_DIR", "directory of llama's settings; see llama help config"],
        ["LLAMA_OBJECT_NOTE", "0: do not remember which objects the store has"],
        ["LLAMA_CACHE", "read: use kept results, and keep none"],
        ["LLAMA_JOURNAL", "off: keep no journal of runs"],
        ["LLAMA_COMPRESS", "auto, on or off, like -compress"],
        ["LLAMA_LOCAL", "1: run functions on this machine, like -local"],
        ["LLAMA_FUNCTIONS", "directory of local functions, like -functions"],
        ["LLAMA_LOCAL_BUCKET", "directory of s3://local/ for local functions (default s3)"],
      ],
    },
  ],
  validate: validateGlobal,
};
