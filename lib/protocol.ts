/**
 * The wire between the client and the runtime: the JSON document that an Invoke carries, and the
 * one that answers it. Compatible with the original llama of December 2020; what is ours alone is
 * optional.
 *
 * @module
 */

import * as z from "./zod.ts";
import { LlamaError } from "./errors.ts";

export { maxInlineBytes, maxMessageBytes, maxPayloadBytes } from "./limits.ts";

/** The mode of a file that names none: `rw-r--r--`. */
export const defaultFileMode = 0o644;

const objectId = z.string().check(
  z.regex(/^[0-9a-f]{64}$/, "is not an object id (64 lower-case hexadecimal digits)"),
);

// The original writes an absent value as null.
const absent = <T extends z.core.SomeType>(schema: T) => z.optional(z.nullable(schema));

const blobShape = {
  s: z.optional(z.string()),
  b: z.optional(z.string()),
  r: z.optional(objectId),
  e: z.optional(z.string()),
};

const oneContent = z.refine<{ s?: unknown; b?: unknown; r?: unknown; e?: unknown }>(
  (blob) => [blob.s, blob.b, blob.r, blob.e].filter((value) => value !== undefined).length <= 1,
  'has more than one of "s", "b", "r" and "e"',
);

// zod's own check for this is a schema of its own, three times the size of the others.
const whole = z.refine<number>(Number.isInteger, "must be a whole number");
const fileMode = z.number().check(whole, z.minimum(0), z.maximum(0xffffffff));

const blobSchema = z.object(blobShape).check(oneContent);
const fileSchema = z.object({ ...blobShape, m: z.optional(fileMode) }).check(oneContent);
const files = absent(z.record(z.string(), fileSchema));
const nanoseconds = z.optional(z.number());

const requestSchema = z.object({
  args: absent(z.array(z.string())),
  stdin: absent(blobSchema),
  files,
  outputs: absent(z.array(z.string())),
  timeout: absent(z.number().check(z.positive())),
  client: absent(z.string()),
});

const responseSchema = z.object({
  status: z.number().check(whole),
  stdout: absent(blobSchema),
  stderr: absent(blobSchema),
  outputs: files,
  times: absent(z.object({
    cold: z.optional(z.boolean()),
    e2e: nanoseconds,
    fetch: nanoseconds,
    exec: nanoseconds,
    upload: nanoseconds,
    init: nanoseconds,
  })),
  environment: absent(z.object({
    memory: z.optional(z.number().check(z.positive())),
    arch: z.optional(z.string()),
  })),
  memory: absent(z.number().check(z.minimum(0))),
  runtime: absent(z.string()),
});

const functionErrorSchema = z.object({
  errorMessage: absent(z.string()),
  errorType: absent(z.string()),
  objects: absent(z.array(objectId)),
});

/**
 * Bytes on the wire: at most one of `s` (UTF-8 text), `b` (base64), `r` (the id of an object in
 * the store) and `e` (why there are no bytes). With none it is empty.
 */
export type Blob = z.infer<typeof blobSchema>;

/** A {@linkcode Blob} with `m`, a mode whose low nine bits are the Unix permission bits. */
export type File = z.infer<typeof fileSchema>;

/** What an Invoke asks for. */
export interface Request {
  /** Appended to the function's own command. */
  args: string[];
  /** The command's standard input; absent means an empty one. */
  stdin?: Blob | undefined;
  /** Remote path to file, written before the command starts. */
  files: Record<string, File>;
  /** Remote paths read back after the command; one that ends in `/` asks for a directory. */
  outputs: string[];
  /** Seconds after which the runtime ends the command. */
  timeout?: number | undefined;
  /** The client's version. */
  client?: string | undefined;
}

/** Where the time of an invocation went, in nanoseconds. */
export interface Times {
  /** Whether this was the execution environment's first invocation. */
  cold?: boolean | undefined;
  /** From the runtime's receipt of the request until its answer was ready. */
  e2e?: number | undefined;
  /** Reading the request's blobs and writing the input files. */
  fetch?: number | undefined;
  /** The command itself. */
  exec?: number | undefined;
  /** Reading the outputs and storing what is too big to inline. */
  upload?: number | undefined;
  /** With `cold`: the start of the runtime, which Lambda bills too. */
  init?: number | undefined;
}

/** What Lambda's price of an invocation depends on beside its time. */
export interface ExecutionEnvironment {
  /** The function's memory in MB. */
  memory?: number | undefined;
  /** Its architecture as Lambda names it, `x86_64` or `arm64`. */
  arch?: string | undefined;
}

/** What the runtime answers. */
export interface Response {
  /** The command's exit status; 128 + N if signal N ended it, 124 if `timeout` did. */
  status: number;
  /** What the command wrote to standard output. */
  stdout: Blob;
  /** What the command wrote to standard error. */
  stderr: Blob;
  /** The outputs asked for; one that could not be read is a file with `e`. */
  outputs: Record<string, File>;
  /** Where the time went. */
  times?: Times | undefined;
  /** What the command ran in. */
  environment?: ExecutionEnvironment | undefined;
  /** Peak resident bytes of the command, as far as it was seen. */
  memory?: number | undefined;
  /** The runtime's version. */
  runtime?: string | undefined;
}

/** A Lambda function error's payload: ours and any other runtime's. */
export interface FunctionErrorPayload {
  /** What went wrong. */
  errorMessage: string;
  /** Its kind, such as `Llama.MissingObject` or `Sandbox.Timedout`. */
  errorType: string;
  /** With `Llama.MissingObject`: the ids of all objects that are missing. */
  objects?: string[] | undefined;
}

/** The error types of our runtime. */
export type RuntimeErrorType =
  | "Llama.NoSuchCommand"
  | "Llama.BadRequest"
  | "Llama.MissingObject"
  | "Llama.StoreError"
  | "Llama.Internal";

/**
 * Reads a request as the runtime received it.
 *
 * @param text The payload, JSON.
 * @returns The request, absent lists and maps as empty ones.
 * @throws {LlamaError} `protocol`, naming the field that is wrong.
 */
export function parseRequest(text: string): Request {
  const { args, stdin, files, outputs, timeout, client } = parse(requestSchema, text, "request");
  return {
    args: args ?? [],
    stdin: stdin ?? undefined,
    files: files ?? {},
    outputs: outputs ?? [],
    timeout: timeout ?? undefined,
    client: client ?? undefined,
  };
}

/**
 * Reads a response as the client received it.
 *
 * @param text The payload, JSON.
 * @returns The response, absent blobs and maps as empty ones.
 * @throws {LlamaError} `protocol`, naming the field that is wrong.
 */
export function parseResponse(text: string): Response {
  const { status, stdout, stderr, outputs, times, environment, memory, runtime } = parse(
    responseSchema,
    text,
    "response",
    "only a function that has llama's runtime can be run",
  );
  return {
    status,
    stdout: stdout ?? {},
    stderr: stderr ?? {},
    outputs: outputs ?? {},
    times: times ?? undefined,
    environment: environment ?? undefined,
    memory: memory ?? undefined,
    runtime: runtime ?? undefined,
  };
}

/**
 * Reads the payload of a function error. Any runtime may have written it, so whatever it is has a
 * reading.
 *
 * @param text The payload.
 * @returns The error's type and message; `Unhandled` and the payload itself if it has neither.
 */
export function parseFunctionError(text: string): FunctionErrorPayload {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: a runtime that is not ours may say anything; its own words are shown below.
  }
  const parsed = functionErrorSchema.safeParse(value);
  const { errorMessage, errorType, objects } = parsed.success ? parsed.data : {};
  return {
    errorMessage: errorMessage ?? text.slice(0, 1000),
    errorType: errorType ?? "Unhandled",
    objects: objects ?? undefined,
  };
}

/**
 * A file's permission bits.
 *
 * @param file A file as it came over the wire.
 * @returns The low nine bits of its mode, 0644 where it has none.
 */
export function permissionBits(file: File): number {
  return file.m ? file.m & 0o777 : defaultFileMode;
}

function parse<T extends z.ZodMiniType>(
  schema: T,
  text: string,
  what: string,
  hint?: string,
): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LlamaError("protocol", `the ${what} is not JSON: ${excerpt(text)}`, { cause, hint });
  }
  // zod leaves this key out of a record without a word; a file of this name would be lost.
  if (text.includes('"__proto__"') && /(?<!\\)"__proto__"\s*:/.test(text)) {
    throw new LlamaError("protocol", `the ${what} names a file "__proto__", which cannot be sent`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join(".") || "the document";
  throw new LlamaError("protocol", `the ${what} is not llama's: ${field}: ${issue?.message}`, {
    cause: parsed.error,
    hint,
  });
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? text.slice(0, 80) + "..." : text);
}
