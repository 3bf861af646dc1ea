/**
 * The commands about functions, without what they do: their flags and their help.
 *
 * @module
 */

import { boolFlag, FlagValueError, type FlagValues, listFlag, stringFlag } from "../flags.ts";
import { isReservedVariable } from "../reserved_variables.ts";
import { quote } from "../template/quote.ts";
import type { Command, UsageProblem } from "./command.ts";
import { architectureFlag, boundedFlag, oneFunctionName } from "./deploy_flags.ts";

/** The flags of `llama update-function`. */
export const updateFunctionFlags = {
  all: boolFlag({ help: "every function of the stack gets this llama's runtime" }),
  create: boolFlag({ help: "make the function if there is none" }),
  zip: stringFlag({ help: "a zip file, or a folder to make one of", placeholder: "PATH" }),
  build: stringFlag({ help: "a folder with a Dockerfile, to build and push", placeholder: "DIR" }),
  image: stringFlag({ help: "an image in ECR", placeholder: "URI" }),
  program: listFlag(
    {
      help: "a program of this machine, to make an image of; may be repeated",
      placeholder: "NAME|PATH",
    },
    notEmpty,
  ),
  include: listFlag(
    {
      help: "with -program: a file or directory that goes along; may be repeated",
      placeholder: "PATH",
    },
    notEmpty,
  ),
  exclude: listFlag(
    { help: "with -program: what is left out; may be repeated", placeholder: "GLOB" },
    notEmpty,
  ),
  minimal: boolFlag({ help: "with -program: only linked libraries, no packages" }),
  check: stringFlag({
    help: "with -program: must succeed in the image first (default: the program's --version)",
    placeholder: "COMMAND",
  }),
  "dry-run": boolFlag({ help: "with -program: list the files with their reasons, send nothing" }),
  runtime: stringFlag({
    help: "with -program: the compiled runtime (default: the one that comes with llama)",
    placeholder: "FILE",
  }),
  handler: stringFlag({ help: "the program in the zip that it runs", placeholder: "FILE" }),
  memory: boundedFlag("its memory", "MB", 128, 10_240),
  timeout: boundedFlag("how long an invocation may take", "seconds", 1, 900),
  storage: boundedFlag("the size of its /tmp", "MB", 512, 10_240),
  arch: architectureFlag("its processor (default x86_64)"),
  env: listFlag(
    { help: "an environment variable; may be repeated", placeholder: "NAME=VALUE" },
    readVariable,
  ),
  "container-tool": stringFlag({
    help: "builds images (default: LLAMA_CONTAINER_TOOL, or docker)",
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
      `Lambda takes no variable called ${quote(name)}`,
      "a name has two or more letters, digits and _, a letter first",
    );
  }
  if (isReservedVariable(name)) {
    throw new FlagValueError(`${name} is set by Lambda itself`, "take another name");
  }
  return [name, value];
}

/** `llama update-function`, without what it does. */
export const updateFunctionCommand: Command<typeof updateFunctionFlags> = {
  name: "update-function",
  summary: "make or change a function in AWS",
  usage: "FUNCTION|-all",
  group: "Functions",
  details: `Makes FUNCTION what the flags and its function.json say, waits until it
can be invoked, and prints what changed. What neither says stays as it is, or
has Lambda's default for a new function.

Its code is a zip with the handler, to which llama's layer adds the runtime; or
an image with /llama_runtime as its entry point: made of programs that are
installed here, with all that they need and without docker; or built here with
docker; or in ECR already. docs/programs.md says what goes into an image of
programs. -build DIR takes their names from "programs" of DIR's function.json.

FUNCTION alone moves llama's layer to the version of this llama, and -all does
so for every function of the stack; the rest of a function stays as it is. An
image has the runtime inside: you are told how to build it again.`,
  examples: [
    {
      text: "make a function of a folder with a handler and a function.json",
      command: "llama update-function -create -zip images/hello-llama hello",
    },
    {
      text: "make a function of a program that is installed here",
      command: "llama update-function -create -program optipng optipng",
    },
    {
      text: "send files along that no package has, and try it before it is sent",
      command: "llama update-function -create -program ./report.py -include ./data \\\n" +
        "    -check './report.py --help' report",
    },
    {
      text: "build an image and make a function of it",
      command: "llama update-function -create -build images/optipng optipng",
    },
    { text: "give it more memory", command: "llama update-function -memory 3008 optipng" },
    { text: "give every function this llama's runtime", command: "llama update-function -all" },
  ],
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
        return { message: `-${given[0]} is for -program`, hint: "add -program NAME" };
      }
    }
    if (handler && (build || image || ofPrograms)) {
      return { message: "-handler is for -zip", hint: "an image has its command in its CMD" };
    }
    if (values.all) return onlyAll(values, args);
    const problem = oneFunctionName(args);
    if (problem) return problem;
    if (sources.length === 0 && (values.create || arch !== undefined)) {
      return {
        message: "nothing to make the function of",
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
 * Whether nothing is to change but the runtime.
 *
 * @param values The flags' values.
 * @returns True if no flag says what the function is to be.
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
    : { message: "-all changes the runtime alone", hint: "change one function at a time" };
}

/** `llama functions`, without what it does. */
export const functionsCommand: Command<Record<never, never>> = {
  name: "functions",
  summary: "list llama's functions in AWS",
  usage: "[FUNCTION]",
  group: "Functions",
  details: `Lists llama's functions of the account in the region: those with the tag llama,
which llama update-function gives them, and those with LLAMA_OBJECT_STORE in
their environment. STACK is the stack that a function belongs to, "-" for one
that was made by hand; CONTENTS is what an image was made of by
update-function -program. With FUNCTION, lists the programs and packages of that
one's image.`,
  flags: {},
  validate: (_values, args) => args.length === 0 ? undefined : oneFunctionName(args),
};

/** `llama delete-function`, without what it does. */
export const deleteFunctionCommand: Command<Record<never, never>> = {
  name: "delete-function",
  summary: "delete a function from AWS",
  usage: "FUNCTION",
  group: "Functions",
  details: `Deletes a function from Lambda, and its image from llama's repository. Only
functions of llama's own stack are deleted. Its log in CloudWatch stays.`,
  examples: [{ text: "delete a function", command: "llama delete-function hello" }],
  flags: {},
  validate: (_values, args) => oneFunctionName(args),
};
