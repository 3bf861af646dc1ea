/**
 * `function.json`: a function's definition, for running it locally and for deploying it.
 *
 * @module
 */

import { closest } from "../text/closest.ts";
import * as z from "../zod.ts";
import { LlamaError } from "../errors.ts";
import { functionNamePattern, isFunctionName, isReservedVariable } from "./names.ts";

/** A function's definition from its `function.json`, with defaults filled in. */
export interface FunctionDefinition {
  /** Its name. */
  readonly name: string;
  /** A description. */
  readonly description?: string | undefined;
  /** A program in its folder, or one on `PATH`. Either this or `command` is set. */
  readonly handler?: string | undefined;
  /** An image's `CMD` in exec form; empty for an image without one. */
  readonly command?: readonly string[] | undefined;
  /** Memory in MB. */
  readonly memory: number;
  /** The time limit of an invocation in seconds. */
  readonly timeout: number;
  /** Its environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** The architecture that it is built for; any if absent. */
  readonly architecture?: "x86_64" | "arm64" | undefined;
  /** The size of its /tmp in MB; Lambda's default if absent. */
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
  /** Reserved concurrency: Lambda throttles further concurrent invocations. */
  readonly concurrency?: number | undefined;
  /**
   * Whether its author promises that a command with the same arguments and inputs has the same
   * outputs, so that results are kept and used again.
   */
  readonly pure?: boolean | undefined;
  /** The ARN of its execution role; llama's if absent. */
  readonly role?: string | undefined;
  /** The ARNs of its layer versions besides llama's; unchanged if absent. */
  readonly layers?: readonly string[] | undefined;
  /** Its VPC: none if the lists are empty; unchanged if absent. */
  readonly vpc?: VpcAttachment | undefined;
}

/** A function's place in a VPC. */
export interface VpcAttachment {
  /** The ids of its subnets. */
  readonly subnets: readonly string[];
  /** The ids of its security groups. */
  readonly securityGroups: readonly string[];
}

/** The default memory of a function in MB. */
export const defaultMemory = 512;

/** The default memory of a function that is made of programs: a whole vCPU, which has 1,769 MB. */
export const programMemory = 1792;

/** The default timeout of a function in seconds. */
export const defaultTimeout = 60;

const text = (error = "must be a non-empty string") => z.string(error).check(z.minLength(1, error));

function whole(least: number, most: number, unit: string) {
  const error = `must be a whole number of ${unit} from ${least} to ${most}`;
  return z.number(error).check(z.int(error), z.minimum(least, error), z.maximum(most, error));
}

const commandError = 'must be a list of strings, such as ["/usr/bin/optipng"]';
const nameError = "must be 1 to 64 letters, digits, - and _";
const programsError = 'must be a list of programs, such as ["optipng"]';
const pathsError = "must be a list of non-empty strings";

/** A list of names or paths. */
function names(error: string) {
  return z.array(z.string(error).check(z.minLength(1, error)), error);
}

const variableError = "must be letters, digits and _, starting with a letter";

const roleError = "must be the ARN of a role, such as arn:aws:iam::123456789012:role/NAME";
const layersError = "must be a list of ARNs of layer versions";
const layerError = "must be the ARN of a layer version, including its number";

/** Returns the schema of a list of ids, of limited length. */
function ids(pattern: RegExp, most: number, example: string) {
  const error = `must be a list of ids, such as ["${example}"]`;
  return z.array(z.string(error).check(z.regex(pattern, error)), error).check(
    z.refine((list) => list.length <= most, `must have at most ${most} ids`),
  );
}

const vpcShape = {
  subnets: ids(/^subnet-[0-9a-z]+$/, 16, "subnet-0abc"),
  securityGroups: ids(/^sg-[0-9a-zA-Z]+$/, 5, "sg-0abc"),
};

/** Lambda's limit, which includes llama's layer. */
const maxLayers = 5;

// Lambda's own limits: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
const shape = {
  $schema: z.optional(z.string()),
  name: z.optional(
    z.string(nameError).check(
      z.regex(functionNamePattern, nameError),
      z.describe("The function's name; the folder's name if absent"),
    ),
  ),
  description: z.optional(
    z.string("must be a string").check(z.describe("A description of the function")),
  ),
  handler: z.optional(
    text().check(
      z.describe("For a function deployed as a zip: the program in this folder that it runs"),
    ),
  ),
  command: z.optional(
    z.array(z.string(commandError), commandError).check(
      z.describe(
        "For a function deployed as an image: its CMD; if empty, each job names its own command",
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
      z.describe(`Time limit of an invocation in seconds; ${defaultTimeout} if absent`),
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
      z.describe("The architecture that it is built for; x86_64 in AWS if absent"),
    ),
  ),
  ephemeralStorage: z.optional(
    whole(512, 10_240, "MB").check(z.describe("The size of its /tmp in MB; 512 if absent")),
  ),
  image: z.optional(
    text().check(
      z.describe(
        "The image that it is deployed as, HOST/REPOSITORY:TAG; in llama's repository if absent",
      ),
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
      z.describe("Reserved concurrency: Lambda throttles further concurrent invocations"),
    ),
  ),
  pure: z.optional(
    z.boolean("must be true or false").check(
      z.describe(
        "A promise that the same arguments and inputs give the same outputs: " +
          "results are kept and used again",
      ),
    ),
  ),
  role: z.optional(
    z.string(roleError).check(
      z.regex(/^arn:[a-z-]+:iam::\d{12}:role\/./, roleError),
      z.describe("The ARN of its execution role; llama's if absent"),
    ),
  ),
  layers: z.optional(
    z.array(
      z.string(layerError).check(
        z.regex(/^arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]+:\d+$/, layerError),
      ),
      layersError,
    ).check(
      z.refine((list) => list.length <= maxLayers, `must have at most ${maxLayers} layers`),
      z.describe("For a zip: ARNs of layer versions besides llama's; unchanged if absent"),
    ),
  ),
  vpc: z.optional(
    z.strictObject(vpcShape, "must be an object with subnets and securityGroups").check(
      z.refine(
        ({ subnets, securityGroups }) => (subnets.length > 0) === (securityGroups.length > 0),
        "must have both subnets and securityGroups; leave both empty for no VPC",
      ),
      z.describe(
        "The VPC that it is attached to: none if both lists are empty; unchanged if absent",
      ),
    ),
  ),
};

/** The schema of a `function.json`, without the rules that span several fields. */
export const functionSchema = z.strictObject(shape, "must be an object");

/**
 * Reads a `function.json`.
 *
 * @param json The file's text.
 * @param path The file, for messages.
 * @param folder The name of its folder, which is the default of `name`.
 * @returns The function.
 * @throws {LlamaError} `config`, naming the file and the invalid field.
 */
export function parseFunctionJson(json: string, path: string, folder: string): FunctionDefinition {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    throw new LlamaError("config", `${path} is not JSON${reason}`, {
      cause,
      hint: 'the shortest is {"handler": "PROGRAM"} or {"command": ["PROGRAM"]}',
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
  if (!isFunctionName(name)) {
    throw fail(
      "name",
      `the folder's name ${JSON.stringify(name)} is not a function name`,
      nameHint,
    );
  }
  if (rest.handler !== undefined && rest.command !== undefined) {
    throw fail("command", '"handler" and "command" do not go together', kindHint);
  }
  if (rest.handler === undefined && rest.command === undefined) {
    throw fail("handler", 'either "handler" or "command" is needed', kindHint);
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
    throw fail(
      "layers",
      "layers are only for a function with a handler: an image contains all its files",
    );
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

const nameHint = 'set "name" to 1 to 64 letters, digits, - and _';
const kindHint =
  'use "handler" for a program in the folder, "command" for one on this machine or ' +
  'in an image, or "programs" for an image that is made of those on this machine';

function checkHandler(
  handler: string,
  fail: (field: string, message: string, hint?: string) => LlamaError,
): void {
  if (handler.startsWith("/") || handler.split("/").includes("..")) {
    throw fail(
      "handler",
      `${JSON.stringify(handler)} is outside the function's folder`,
      `write "command": [${JSON.stringify(handler)}] for a program on the machine or in the image`,
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
  // The message for an invalid key is one level down.
  const words = issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message;
  return new LlamaError("config", `${path}: ${field}: ${words}`, { cause: error });
}
