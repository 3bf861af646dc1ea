/**
 * The flags and the help of the commands that manage functions.
 *
 * @module
 */

import {
  boolFlag,
  FlagValueError,
  type FlagValues,
  listFlag,
  stringFlag,
} from "../../cli/flags.ts";
import { isReservedVariable } from "../../functions/names.ts";
import { quote } from "../../template/quote.ts";
import type { Command, UsageProblem } from "../../cli/command.ts";
import { entries } from "./entries.ts";
import {
  architectureFlag,
  boundedFlag,
  examplesFor,
  oneFunctionName,
  parseSeconds,
} from "./shared.ts";

/** The flags of `llama update-function`. */
export const updateFunctionFlags = {
  all: boolFlag({ help: "move every function of the stack to this llama's runtime" }),
  create: boolFlag({ help: "create the function if it does not exist" }),
  zip: stringFlag({ help: "a zip file, or a folder to zip", placeholder: "PATH" }),
  build: stringFlag({ help: "a folder with a Dockerfile, to build and push", placeholder: "DIR" }),
  image: stringFlag({ help: "an image in ECR", placeholder: "URI" }),
  program: listFlag(
    {
      help: "an installed program to put in an image; may be repeated",
      placeholder: "NAME|PATH",
    },
    notEmpty,
  ),
  include: listFlag(
    {
      help: "with -program: a file or directory to include; may be repeated",
      placeholder: "PATH",
    },
    notEmpty,
  ),
  exclude: listFlag(
    { help: "with -program: files to leave out; may be repeated", placeholder: "GLOB" },
    notEmpty,
  ),
  minimal: boolFlag({ help: "with -program: only linked libraries, no packages" }),
  check: stringFlag({
    help:
      "with -program: must succeed in the image before it is sent (default: the program's --version)",
    placeholder: "COMMAND",
  }),
  "dry-run": boolFlag({ help: "with -program: list the files with their reasons, send nothing" }),
  runtime: stringFlag({
    help: "with -program: the compiled runtime (default: the one that comes with llama)",
    placeholder: "FILE",
  }),
  handler: stringFlag({
    help: "the program in the zip that the function runs",
    placeholder: "FILE",
  }),
  memory: boundedFlag("memory", "MB", 128, 10_240),
  timeout: boundedFlag("time limit of an invocation", "seconds", 1, 900, parseSeconds),
  storage: boundedFlag("size of /tmp", "MB", 512, 10_240),
  arch: architectureFlag("architecture (default x86_64)"),
  env: listFlag(
    { help: "an environment variable; may be repeated", placeholder: "NAME=VALUE" },
    readVariable,
  ),
  "container-tool": stringFlag({
    help: "program that builds images (default: LLAMA_CONTAINER_TOOL, or docker)",
    placeholder: "PROGRAM",
  }),
  registry: stringFlag({
    help: "push there instead of to llama's repository, with docker's login",
    placeholder: "HOST[/REPOSITORY]",
  }),
} as const;

function notEmpty(text: string): string {
  if (text === "") throw new FlagValueError("no value");
  return text;
}

function readVariable(text: string): readonly [name: string, value: string] {
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new FlagValueError("no value", "write NAME=VALUE");
  }
  // https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
  if (!/^[A-Za-z]\w+$/.test(name)) {
    throw new FlagValueError(
      `Lambda does not accept a variable named ${quote(name)}`,
      "use two or more letters, digits and _, starting with a letter",
    );
  }
  if (isReservedVariable(name)) {
    throw new FlagValueError(`Lambda itself sets ${name}`, "choose another name");
  }
  return [name, value];
}

/** The definition of `llama update-function`. */
export const updateFunctionCommand: Command<typeof updateFunctionFlags> = {
  ...entries.updateFunction,
  usage: "FUNCTION|-all",
  details: `Configures FUNCTION as the flags and its function.json say, waits until it can
be invoked, and prints what changed. Anything that neither of them mentions
stays as it is; a new function gets the default.

The code is either a zip with the handler, which gets the runtime from llama's
layer; or an image with /llama_runtime as its entry point. An image comes
from one of three places: programs installed here, packed with all that they
need and without docker (-program; see docs/programs.md); a docker build, pushed
to llama's repository (-build); or ECR (-image). -build DIR also takes a folder
whose function.json names "programs".

Without flags, FUNCTION moves to this llama's version of the layer; -all moves
every function of the stack. Nothing else changes. Images contain their own
runtime: llama prints how to rebuild them.`,
  examples: () => examplesFor("update-function"),
  flags: updateFunctionFlags,
  validate(values, args) {
    const { zip, build, image, handler, arch } = values;
    const ofPrograms = values.program.length > 0;
    const sources = [zip && "-zip", build && "-build", image && "-image", ofPrograms && "-program"]
      .filter(Boolean);
    if (sources.length > 1) {
      return { message: `${sources.join(" and ")} do not go together`, hint: "give one of them" };
    }
    if (!ofPrograms && !build) {
      const given = onlyForPrograms.filter((name) => isGiven(values[name]));
      if (given[0] !== undefined) {
        return { message: `-${given[0]} is only for -program`, hint: "add -program NAME" };
      }
    }
    if (handler && (build || image || ofPrograms)) {
      return { message: "-handler is only for -zip", hint: "an image runs its CMD" };
    }
    if (values.all) return onlyAll(values, args);
    const problem = oneFunctionName(args);
    if (problem) return problem;
    if (sources.length === 0 && (values.create || arch !== undefined)) {
      return {
        message: "no code for the function",
        hint: "add -program NAME, -zip PATH, -build DIR or -image URI",
      };
    }
    return undefined;
  },
};

/** Flags that only say something of an image of programs. */
const onlyForPrograms = ["include", "exclude", "minimal", "check", "dry-run", "runtime"] as const;

function isGiven(value: string | boolean | readonly string[]): boolean {
  return typeof value === "object" ? value.length > 0 : Boolean(value);
}

/** The values of the flags of `llama update-function`. */
export type UpdateFunctionValues = FlagValues<typeof updateFunctionFlags>;

/**
 * Reports whether only the runtime is to change.
 *
 * @param values The flags' values.
 * @returns True if no flag changes the function itself.
 */
export function changesRuntimeAlone(values: UpdateFunctionValues): boolean {
  const { create, zip, build, image, program, handler, memory, timeout, storage, arch, env } =
    values;
  return !create && !zip && !build && !image && !handler &&
    program.length === 0 && env.length === 0 &&
    [memory, timeout, storage, arch].every((value) => value === undefined);
}

function onlyAll(
  values: UpdateFunctionValues,
  [name]: readonly string[],
): UsageProblem | undefined {
  if (name !== undefined) {
    return { message: `-all and ${quote(name)} do not go together`, hint: "give one of them" };
  }
  return changesRuntimeAlone(values)
    ? undefined
    : { message: "-all only updates the runtime", hint: "change one function at a time" };
}

/** The definition of `llama functions`. */
export const functionsCommand: Command<Record<never, never>> = {
  ...entries.functions,
  usage: "[FUNCTION]",
  details: `Lists llama's functions in the account and region: those with the tag llama,
which llama update-function sets, and those with LLAMA_OBJECT_STORE in their
environment. STACK is the stack that a function belongs to, or "-" for a
function created by hand. CONTENTS is what an image was made from by
update-function -program. With FUNCTION, lists the programs and packages in the
image of that function.`,
  flags: {},
  validate: (_values, args) => args.length === 0 ? undefined : oneFunctionName(args),
};

/** The definition of `llama delete-function`. */
export const deleteFunctionCommand: Command<Record<never, never>> = {
  ...entries.deleteFunction,
  usage: "FUNCTION",
  details: `Deletes a function from Lambda, and its image from llama's repository. Only a
function in llama's stack can be deleted. Its logs in CloudWatch are kept.`,
  examples: () => examplesFor("delete-function"),
  flags: {},
  validate: (_values, args) => oneFunctionName(args),
};
