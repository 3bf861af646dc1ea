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
import { architectureFlag, boundedFlag, noArguments, oneFunctionName } from "./shared.ts";

/** The flags of `llama update-function`. */
export const updateFunctionFlags = {
  all: boolFlag({ help: "move every function of the stack to this llama's runtime" }),
  create: boolFlag({ help: "create the function if it does not exist" }),
  zip: stringFlag({ help: "a zip file, or a folder to zip", placeholder: "PATH" }),
  build: stringFlag({ help: "a folder with a Dockerfile, to build and push", placeholder: "DIR" }),
  image: stringFlag({ help: "an image in ECR", placeholder: "URI" }),
  handler: stringFlag({
    help: "the program in the zip that the function runs",
    placeholder: "FILE",
  }),
  memory: boundedFlag("memory", "MB", 128, 10_240),
  timeout: boundedFlag("time limit of an invocation", "seconds", 1, 900),
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
    help: "push to HOST instead of ECR's host, with ECR's login",
    placeholder: "HOST",
  }),
} as const;

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
  name: "update-function",
  summary: "create or change a function in AWS",
  usage: "FUNCTION|-all",
  group: "Functions",
  details: `Configures FUNCTION as the flags and its function.json say, waits until it can
be invoked, and prints what changed. Anything that neither of them mentions
stays as it is; a new function gets the default.

The code is either a zip with the handler, which gets the runtime from llama's
layer; or an image with /llama_runtime as its entry point, which is built with
docker and pushed to llama's repository, or is in ECR already.

FUNCTION without flags moves the function to this llama's version of the layer,
and -all does so for every function of the stack; nothing else changes. An
image contains the runtime: llama prints how to rebuild it.`,
  examples: [
    {
      text: "create a function from a folder with a handler and a function.json",
      command: "llama update-function -create -zip images/hello-llama hello",
    },
    {
      text: "build an image and create a function from it",
      command: "llama update-function -create -build images/optipng optipng",
    },
    { text: "give a function more memory", command: "llama update-function -memory 3008 optipng" },
    { text: "move every function to this llama's runtime", command: "llama update-function -all" },
  ],
  flags: updateFunctionFlags,
  validate(values, args) {
    const { zip, build, image, handler, arch } = values;
    const sources = [zip && "-zip", build && "-build", image && "-image"].filter(Boolean);
    if (sources.length > 1) {
      return { message: `${sources.join(" and ")} do not go together`, hint: "give one of them" };
    }
    if (handler && (build || image)) {
      return { message: "-handler is only for -zip", hint: "an image runs its CMD" };
    }
    if (values.all) return onlyAll(values, args);
    const problem = oneFunctionName(args);
    if (problem) return problem;
    if (sources.length === 0 && (values.create || arch !== undefined)) {
      return {
        message: "no code for the function",
        hint: "add -zip PATH, -build DIR or -image URI",
      };
    }
    return undefined;
  },
};

/** The values of the flags of `llama update-function`. */
export type UpdateFunctionValues = FlagValues<typeof updateFunctionFlags>;

/**
 * Reports whether only the runtime is to change.
 *
 * @param values The flags' values.
 * @returns True if no flag changes the function itself.
 */
export function changesRuntimeAlone(values: UpdateFunctionValues): boolean {
  const { create, zip, build, image, handler, memory, timeout, storage, arch, env } = values;
  return !create && !zip && !build && !image && !handler && env.length === 0 &&
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
  name: "functions",
  summary: "list llama's functions in AWS",
  usage: "",
  group: "Functions",
  details: `Lists llama's functions in the account and region: those with the tag llama,
which llama update-function sets, and those with LLAMA_OBJECT_STORE in their
environment. STACK is the stack that a function belongs to, or "-" for a
function created by hand.`,
  flags: {},
  validate: (_values, args) => noArguments("functions", args),
};

/** The definition of `llama delete-function`. */
export const deleteFunctionCommand: Command<Record<never, never>> = {
  name: "delete-function",
  summary: "delete a function from AWS",
  usage: "FUNCTION",
  group: "Functions",
  details: `Deletes a function from Lambda, and its image from llama's repository. Only a
function of llama's own stack can be deleted. Its logs in CloudWatch are kept.`,
  examples: [{ text: "delete a function", command: "llama delete-function hello" }],
  flags: {},
  validate: (_values, args) => oneFunctionName(args),
};
