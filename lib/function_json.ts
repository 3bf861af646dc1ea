/**
 * `function.json`: what a function is, for running it on this machine and for deploying it.
 *
 * @module
 */

import { closest } from "./closest.ts";
import * as z from "./zod.ts";
import { LlamaError } from "./errors.ts";
import { isReservedVariable } from "./reserved_variables.ts";

/** A function as its `function.json` describes it, defaults filled in. */
export interface FunctionDefinition {
  /** What it is invoked by. */
  readonly name: string;
  /** What it does. */
  readonly description?: string | undefined;
  /** A program of its folder, or one on `PATH`. Either this or `command` is there. */
  readonly handler?: string | undefined;
  /** An image's `CMD` in exec form; empty for an image without one. */
  readonly command?: readonly string[] | undefined;
  /** Memory in MB. */
  readonly memory: number;
  /** Seconds that an invocation may take. */
  readonly timeout: number;
  /** Its environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** The processor it is made for; any where absent. */
  readonly architecture?: "x86_64" | "arm64" | undefined;
  /** The size of its /tmp in MB; Lambda's own default where absent. */
  readonly ephemeralStorage?: number | undefined;
  /** The container image it is deployed as. */
  readonly image?: string | undefined;
  /** Programs of this machine that its image is made of; the first is its command if it has none. */
  readonly programs?: readonly string[] | undefined;
  /** Files and directories that go into that image, relative to the function's folder. */
  readonly include?: readonly string[] | undefined;
  /** What is left out of that image: globs. */
  readonly exclude?: readonly string[] | undefined;
  /** A command that must succeed in that image before it is sent; empty for none. */
  readonly check?: string | undefined;
  /** Reserved concurrency: more invocations at once are refused. */
  readonly concurrency?: number | undefined;
  /** The ARN of the role that it runs as; llama's own where absent. */
  readonly role?: string | undefined;
  /** The ARNs of layer versions that it has besides llama's; those it has where absent. */
  readonly layers?: readonly string[] | undefined;
  /** The VPC that it is attached to, none where the lists are empty; as it is where absent. */
  readonly vpc?: VpcAttachment | undefined;
}

/** Where in a VPC a function is. */
export interface VpcAttachment {
  /** The ids of its subnets. */
  readonly subnets: readonly string[];
  /** The ids of its security groups. */
  readonly securityGroups: readonly string[];
}

/** Memory of a function that names none, in MB. */
export const defaultMemory = 512;

/** The same of a function that is made of programs: a full processor, which has 1,769 MB. */
export const programMemory = 1792;

/** Timeout of a function that names none, in seconds. */
export const defaultTimeout = 60;

const text = (error = "must be a string that is not empty") =>
  z.string(error).check(z.minLength(1, error));

function whole(least: number, most: number, unit: string) {
  const error = `must be a whole number of ${unit} from ${least} to ${most}`;
  return z.number(error).check(z.int(error), z.minimum(least, error), z.maximum(most, error));
}

const commandError = 'must be a list of strings, such as ["/usr/bin/optipng"]';
const nameError = "must be 1 to 64 letters, digits, - and _";
const programsError = 'must be a list of programs, such as ["optipng"]';
const pathsError = "must be a list of strings that are not empty";

/** A list of names or paths. */
function names(error: string) {
  return z.array(z.string(error).check(z.minLength(1, error)), error);
}

const variableError = "must be letters, digits and _, beginning with a letter";

const roleError = "must be a role's ARN, such as arn:aws:iam::123456789012:role/NAME";
const layersError = "must be a list of the ARNs of layer versions";
const layerError = "must be a layer version's ARN, with its number";

/** A list of ids, of which Lambda takes so many. */
function ids(pattern: RegExp, most: number, example: string) {
  const error = `must be a list of ids such as ["${example}"]`;
  return z.array(z.string(error).check(z.regex(pattern, error)), error).check(
    z.refine((list) => list.length <= most, `must be ${most} at most`),
  );
}

const vpcShape = {
  subnets: ids(/^subnet-[0-9a-z]+$/, 16, "subnet-0abc"),
  securityGroups: ids(/^sg-[0-9a-zA-Z]+$/, 5, "sg-0abc"),
};

/** Lambda takes five, and llama's own is one of them. */
const maxLayers = 5;

// Lambda's own limits: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
const shape = {
  $schema: z.optional(z.string()),
  name: z.optional(
    z.string(nameError).check(
      z.regex(/^[A-Za-z0-9_-]{1,64}$/, nameError),
      z.describe("What the function is invoked by; the folder's name if absent"),
    ),
  ),
  description: z.optional(z.string("must be a string").check(z.describe("What it does"))),
  handler: z.optional(
    text().check(
      z.describe("For a function deployed as a zip: the program in this folder that it runs"),
    ),
  ),
  command: z.optional(
    z.array(z.string(commandError), commandError).check(
      z.describe(
        "For a function deployed as an image: its CMD; empty runs whatever it is asked to",
      ),
    ),
  ),
  memory: z.optional(
    whole(128, 10_240, "MB").check(z.describe(
      `Memory in MB; ${defaultMemory} if absent, ${programMemory} for a function of programs`,
    )),
  ),
  timeout: z.optional(
    whole(1, 900, "seconds").check(
      z.describe(`Seconds that an invocation may take; ${defaultTimeout} if absent`),
    ),
  ),
  environment: z.optional(
    z.record(
      z.string().check(
        z.regex(/^[A-Za-z][A-Za-z0-9_]+$/, variableError),
        z.refine((name) => !isReservedVariable(name), "is set by Lambda itself"),
      ),
      z.string("must be a string"),
      "must be an object of strings",
    ).check(z.describe("Environment variables")),
  ),
  architecture: z.optional(
    z.enum(["x86_64", "arm64"], 'must be "x86_64" or "arm64"').check(
      z.describe("The processor that it is made for; x86_64 in AWS if absent"),
    ),
  ),
  ephemeralStorage: z.optional(
    whole(512, 10_240, "MB").check(z.describe("The size of its /tmp in MB; 512 if absent")),
  ),
  image: z.optional(
    text().check(
      z.describe("The image that it is deployed as, HOST/REPOSITORY:TAG; llama's own if absent"),
    ),
  ),
  programs: z.optional(
    names(programsError).check(
      z.minLength(1, programsError),
      z.describe(
        "Programs of this machine, names or paths, that its image is made of; " +
          "the first is its command if it has none",
      ),
    ),
  ),
  include: z.optional(
    names(pathsError).check(
      z.describe("With programs: files and directories that go along, relative to this folder"),
    ),
  ),
  exclude: z.optional(
    names(pathsError).check(z.describe("With programs: globs of what is left out")),
  ),
  check: z.optional(
    z.string("must be a command line").check(
      z.describe("With programs: a command that must succeed in the image; empty for none"),
    ),
  ),
  concurrency: z.optional(
    whole(0, 1_000_000, "invocations").check(
      z.describe("Reserved concurrency: more invocations at once are refused"),
    ),
  ),
  role: z.optional(
    z.string(roleError).check(
      z.regex(/^arn:[a-z-]+:iam::\d{12}:role\/./, roleError),
      z.describe("The role that it runs as in AWS; llama's own if absent"),
    ),
  ),
  layers: z.optional(
    z.array(
      z.string(layerError).check(
        z.regex(/^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]+:\d+$/, layerError),
      ),
      layersError,
    ).check(
      z.refine((list) => list.length <= maxLayers, `must be ${maxLayers} at most`),
      z.describe("For a zip: layer versions besides llama's; those that it has if absent"),
    ),
  ),
  vpc: z.optional(
    z.strictObject(vpcShape, "must be an object with subnets and securityGroups").check(
      z.refine(
        ({ subnets, securityGroups }) => (subnets.length > 0) === (securityGroups.length > 0),
        "must have both subnets and securityGroups; both empty for no VPC",
      ),
      z.describe("The VPC that it is attached to: none if both are empty; as it is if absent"),
    ),
  ),
};

/** What a `function.json` may hold, one field by one. */
export const functionSchema = z.strictObject(shape, "must be an object");

/**
 * Reads a `function.json`.
 *
 * @param json The file's text.
 * @param path The file, for messages.
 * @param folder The name of the folder it lies in, which names a function that has no `name`.
 * @returns The function.
 * @throws {LlamaError} `config`, naming the file and the field that is wrong.
 */
export function parseFunctionJson(json: string, path: string, folder: string): FunctionDefinition {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    throw new LlamaError("config", `${path} is not JSON${reason}`, {
      cause,
      hint: 'the least that it can be is {"handler": "PROGRAM"} or {"command": ["PROGRAM"]}',
    });
  }
  const parsed = functionSchema.safeParse(value);
  if (!parsed.success) throw schemaError(path, parsed.error);
  const {
    name = folder,
    memory = parsed.data.programs === undefined ? defaultMemory : programMemory,
    timeout = defaultTimeout,
    environment = {},
    $schema: _,
    ...given
  } = parsed.data;
  const rest = { ...given, ...commandOfPrograms(given) };
  const fail = (field: string, message: string, hint?: string) =>
    new LlamaError("config", `${path}: ${field}: ${message}`, { hint });
  if (!shape.name.safeParse(name).success) {
    throw fail("name", `the folder's name ${JSON.stringify(name)} is no function's name`, nameHint);
  }
  if (rest.handler !== undefined && rest.command !== undefined) {
    throw fail("command", 'a function has either "handler" or "command"', kindHint);
  }
  if (rest.handler === undefined && rest.command === undefined) {
    throw fail("handler", 'a function has either "handler" or "command"', kindHint);
  }
  if (rest.programs === undefined) {
    const [field] = (["include", "exclude", "check"] as const)
      .filter((field) => rest[field] !== undefined);
    if (field !== undefined) throw fail(field, 'is for a function with "programs"');
  } else if (rest.handler !== undefined) {
    throw fail("programs", "programs make an image, and a handler is for a zip", kindHint);
  }
  if (rest.handler !== undefined) checkHandler(rest.handler, fail);
  if (rest.layers !== undefined && rest.command !== undefined) {
    throw fail("layers", "layers are for a function with a handler: an image holds all its files");
  }
  if (rest.command?.[0] === "") throw fail("command.0", "must not be empty");
  return { name, memory, timeout, environment, ...rest };
}

/** A function of programs runs the first one, unless it says otherwise. */
function commandOfPrograms(
  { command, handler, programs: [program] = [] }: {
    command?: string[] | undefined;
    handler?: string | undefined;
    programs?: string[] | undefined;
  },
): { command?: string[] } {
  return command === undefined && handler === undefined && program !== undefined
    ? { command: [program] }
    : {};
}

const nameHint = 'give it one: "name": 1 to 64 letters, digits, - and _';
const kindHint =
  '"handler" names a program of the folder, "command" a command of this machine or ' +
  'of an image, "programs" those of this machine that an image is made of';

function checkHandler(
  handler: string,
  fail: (field: string, message: string, hint?: string) => LlamaError,
): void {
  if (handler.startsWith("/") || handler.split("/").includes("..")) {
    throw fail(
      "handler",
      `${JSON.stringify(handler)} is outside of the function's folder`,
      `write "command": [${JSON.stringify(handler)}] for a program of the machine or image`,
    );
  }
}

function schemaError(path: string, error: z.core.$ZodError): LlamaError {
  const [issue] = error.issues;
  if (issue?.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    const within = issue.path.map(String);
    const names = Object.keys(within[0] === "vpc" ? vpcShape : shape);
    const near = closest(key, names);
    const field = JSON.stringify([...within, key].join("."));
    return new LlamaError("config", `${path}: unknown field ${field}`, {
      cause: error,
      hint: near === undefined
        ? `the fields are ${names.filter((name) => name !== "$schema").join(", ")}`
        : `did you mean ${JSON.stringify(near)}?`,
    });
  }
  const field = issue?.path.map(String).join(".") || "the document";
  // The words for a wrong key are one level down: the issue itself only says that there is one.
  const words = issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message;
  return new LlamaError("config", `${path}: ${field}: ${words}`, { cause: error });
}
