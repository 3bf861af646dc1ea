/**
 * The wire between client and runtime: the JSON documents of a request and its response. It is
 * compatible with the original llama of December 2020; all additions are optional.
 *
 * Client and runtime are updated independently, so either may be older, and nothing may be lost
 * between them:
 *
 * - A reader ignores fields of requests and responses that it does not know. In a {@linkcode Blob} or
 *   a {@linkcode File} an unknown key is content that it cannot read: it refuses the message rather
 *   than take the file for an empty one.
 * - A new kind of content travels together with `e`, whose text says what to update, and only to a
 *   side that has named its feature: the client in a request's `accept`, the runtime in a response's
 *   `accepts`. The client notes what a function accepts, so that only its first job does without.
 * - `needs` names features that a job cannot do without. A runtime refuses a name that it does not
 *   know; older runtimes would ignore the field, so it is sent only to functions whose `accepts`
 *   has the name, or together with a file that has `e`, which those runtimes refuse.
 * - A function whose runtime was replaced by an older one refuses a request that uses a feature, or
 *   sends a response that no longer accepts it. The client drops that response, forgets its note, and
 *   sends the job again without features, once.
 * - `stream: true` asks for a streamed response: the command's output as it is written, in the frames
 *   of `lib/stream/frames.ts` (`o`, `e`, `k`, `r`, `x`), the last of which holds the response or the
 *   function error. It needs no feature: older runtimes ignore it and send a plain response, whose
 *   first byte tells it from frames. It always comes with `timeout`, since a function runs on after
 *   its client has gone.
 *
 * This module is the register of names: one that was ever used keeps its meaning.
 *
 * @module
 */

import * as z from "./zod.ts";
import { LlamaError } from "./errors.ts";
import { type Features, type FileKey, ownFeatures, sizesOf, type StoredForm } from "./features.ts";
import { maxRawBytes } from "./limits.ts";

export { maxInlineBytes, maxMessageBytes, maxPayloadBytes } from "./limits.ts";

/** The mode of a file without `m`: `rw-r--r--`. */
export const defaultFileMode = 0o644;

// All checks are `refine`, and maps are objects of unknown keys: zod's own schemas for patterns, ranges,
// enumerations and records are another 5 kB that the runtime would load before its first job.
const objectId = () =>
  z.string().check(z.refine(
    (id) => /^[0-9a-f]{64}$/.test(id),
    "is not an object id (64 lower-case hexadecimal digits)",
  ));

const names = () => z.optional(z.array(z.string()));

const map = <T extends z.core.SomeType>(values: T) => z.catchall(z.object({}), values);

const whole = () => z.refine<number>(Number.isInteger, "must be a whole number");
const positive = () => z.refine<number>((value) => value > 0, "must be positive");
const notNegative = () => z.refine<number>((value) => value >= 0, "must not be negative");
const fileMode = () =>
  z.number().check(
    whole(),
    z.refine((mode) => mode >= 0 && mode <= 0xffffffff, "is not a file mode"),
  );

/** The schemas of a blob and a file, which may hold the kinds in `contents` too. */
function blobSchemas({ contents, files }: Features) {
  const shape = {
    s: z.optional(z.string()),
    b: z.optional(z.string()),
    r: z.optional(objectId()),
    e: z.optional(z.string()),
    ...unchecked(contents.flatMap(({ keys }) => keys)),
    ...storedForms(contents),
  };
  const novelKeys = [...contents, ...files].map(({ keys: [key] }) => key);
  const oneContent = z.refine<Readonly<Record<string, unknown>>>((blob) => {
    const count = (keys: readonly string[]) => keys.filter((key) => blob[key] !== undefined).length;
    // A new kind of content comes with `e`, for readers that do not know it.
    const added = count(novelKeys);
    if (blob["c"] !== undefined) {
      return added === 0 && count(["s", "b"]) === 0 && count(["r"]) === 1;
    }
    return added + count(added === 0 ? ["s", "b", "r", "e"] : ["s", "b", "r"]) <= 1;
  }, 'has more than one of "s", "b", "r" and "e"');
  const kinds: readonly { readonly keys: readonly [string, ...string[]] }[] = [
    ...contents,
    ...files,
  ];
  const further = new Set(kinds.flatMap(({ keys: [, ...others] }) => others));
  const isWhole = z.refine<Readonly<Record<string, unknown>>>(
    (blob) =>
      // Two kinds may have a further key in common.
      [...further].every((key) =>
        blob[key] === undefined ||
        kinds.some(({ keys }) => keys.includes(key) && blob[keys[0]] !== undefined)
      ),
    "lacks a key of its kind of content",
  );
  return {
    blob: z.strictObject(shape).check(oneContent, isWhole),
    file: z.strictObject({
      ...shape,
      ...Object.fromEntries(files.flatMap(({ keys }) => keys.map((key) => [key, fileKeys[key]()]))),
      m: z.optional(fileMode()),
    }).check(oneContent, isWhole, hasSize()),
  };
}

/** The values of the keys that only files have. */
const fileKeys = {
  u: () => z.optional(z.string()),
  t: () => z.optional(z.string()),
  // Compressed contents have it, too, and a damaged one costs no other file.
  n: () => z.optional(z.unknown()),
  l: () => z.optional(z.string()),
  d: () => z.optional(z.boolean().check(z.refine((value) => value, "is not true"))),
} satisfies Record<FileKey, () => unknown>;

/** Whether the size of an object in S3 is one. */
const hasSize = () =>
  z.refine<Readonly<Record<string, unknown>>>(
    ({ u, n = 0 }) => u === undefined || (typeof n === "number" && Number.isInteger(n) && n >= 0),
    '"n" is not a size',
  );

/** Keys whose values are checked when the content is decoded. */
function unchecked(keys: readonly string[]): object {
  return Object.fromEntries(keys.map((key) => [key, z.optional(z.unknown())]));
}

/** `c`, if objects may be stored in other forms. */
function storedForms(contents: Features["contents"]): object {
  const forms = contents.flatMap(({ stored }) => stored ?? []);
  const isKnown = z.refine<string>(
    (form) => forms.some((known) => known === form),
    `must be one of ${forms.join(", ")}`,
  );
  return forms.length === 0 ? {} : { c: z.optional(z.string().check(isKnown)) };
}

function requestSchema(features: Features) {
  const { blob, file } = blobSchemas(features);
  return z.object({
    args: names(),
    stdin: z.optional(blob),
    files: z.optional(map(file)),
    outputs: names(),
    uploads: z.optional(map(z.object({ u: z.string(), ifNoneMatch: z.optional(z.boolean()) }))),
    timeout: z.optional(z.number().check(positive())),
    client: z.optional(z.string()),
    accept: names(),
    needs: names(),
    stream: z.optional(z.boolean()),
  });
}

function responseSchema(features: Features) {
  const { blob, file } = blobSchemas(features);
  const nanoseconds = z.optional(z.number());
  return z.object({
    status: z.number().check(whole()),
    stdout: z.optional(blob),
    stderr: z.optional(blob),
    outputs: z.optional(map(file)),
    times: z.optional(z.object({
      cold: z.optional(z.boolean()),
      e2e: nanoseconds,
      fetch: nanoseconds,
      exec: nanoseconds,
      upload: nanoseconds,
      init: nanoseconds,
    })),
    environment: z.optional(z.object({
      memory: z.optional(z.number().check(positive())),
      arch: z.optional(z.string()),
    })),
    memory: z.optional(z.number().check(notNegative())),
    runtime: z.optional(z.string()),
    accepts: names(),
  });
}

function functionErrorSchema() {
  return z.object({
    errorMessage: z.optional(z.string()),
    errorType: z.optional(z.string()),
    objects: z.optional(z.array(objectId())),
  });
}

// Created on first use: the runtime reads no responses, and the client no requests.
let ownRequest: ReturnType<typeof requestSchema> | undefined;
let ownResponse: ReturnType<typeof responseSchema> | undefined;
let functionError: ReturnType<typeof functionErrorSchema> | undefined;

type Blobs = ReturnType<typeof blobSchemas>;

/**
 * Bytes on the wire: at most one of `s` (UTF-8 text), `b` (base64), `r` (the id of an object in
 * the store) and `e` (the reason why there are no bytes). Without any, it is empty. Other kinds of
 * content have their own keys besides `e`:
 *
 * | feature | keys | contents |
 * | --- | --- | --- |
 * | `zstd` | `z`, `n` | one zstd frame in base64; the number of bytes that it decompresses to |
 * | `zstd` | `r`, `c` | with `c` of `zst`: an object that is one zstd frame, below the key `ID.zst` |
 *
 * The id of an object is the SHA-256 of its decompressed bytes in any form.
 */
export type Blob = z.infer<Blobs["blob"]> & {
  /** The form of the object `r`; undefined if its bytes are stored as they are. */
  c?: StoredForm | undefined;
};

/**
 * A {@linkcode Blob} with `m`, a mode whose low nine bits are the Unix permission bits. Instead of
 * bytes, it may be a symbolic link to `l`, relative to its own directory, an empty directory, `d`, or
 * the object in S3 with the URL `u`, the ETag `t` and `n` bytes.
 */
export type File = Blob & Pick<z.infer<Blobs["file"]>, "m"> & {
  readonly l?: string | undefined;
  readonly d?: true | undefined;
  readonly u?: string | undefined;
  readonly t?: string | undefined;
  readonly n?: number | undefined;
};

/** Where an output goes in S3. */
export interface UploadTarget {
  /** The object's URL. */
  u: string;
  /** Whether to refuse to replace an object. */
  ifNoneMatch?: boolean | undefined;
}

/** What the client asks a function to run. */
export interface Request {
  /** Appended to the function's own command. */
  args: string[];
  /** The command's standard input; empty if absent. */
  stdin?: Blob | undefined;
  /** Files by remote path, written before the command starts. */
  files: Record<string, File>;
  /** Remote paths read back after the command; one that ends in `/` asks for a directory. */
  outputs: string[];
  /**
   * Outputs that the runtime writes to S3 if the command succeeds, by remote path. Such a request has
   * `uploads` in `needs`, and a file with `e`, which runtimes refuse that do not know `needs`.
   */
  uploads?: Record<string, UploadTarget> | undefined;
  /** Seconds after which the runtime ends the command. */
  timeout?: number | undefined;
  /** The client's version. */
  client?: string | undefined;
  /** Features that the client accepts in a response. */
  accept?: readonly string[] | undefined;
  /** Features that the runtime must have to run the job. */
  needs?: string[] | undefined;
  /** Whether to answer by frames, as the command writes its output. */
  stream?: boolean | undefined;
}

/** The times of an invocation, in nanoseconds. */
export interface Times {
  /** Whether this was the execution environment's first invocation. */
  cold?: boolean | undefined;
  /** From the receipt of the request until the response was ready. */
  e2e?: number | undefined;
  /** Reading the request's blobs and writing the input files. */
  fetch?: number | undefined;
  /** The command itself. */
  exec?: number | undefined;
  /** Reading the outputs and storing those that are too big to inline. */
  upload?: number | undefined;
  /** If `cold`: the start of the runtime, which Lambda bills too. */
  init?: number | undefined;
}

/** What the price of an invocation depends on besides its time. */
export interface ExecutionEnvironment {
  /** The function's memory in MB. */
  memory?: number | undefined;
  /** Its architecture, in Lambda's terms: `x86_64` or `arm64`. */
  arch?: string | undefined;
}

/** The runtime's response to a {@linkcode Request}. */
export interface Response {
  /** The command's exit status; 128 + N if signal N ended it, 124 if `timeout` did. */
  status: number;
  /** What the command wrote to standard output. */
  stdout: Blob;
  /** What the command wrote to standard error. */
  stderr: Blob;
  /** The requested outputs; one that could not be read has `e`. */
  outputs: Record<string, File>;
  /** The times of the invocation. */
  times?: Times | undefined;
  /** The execution environment that the command ran in. */
  environment?: ExecutionEnvironment | undefined;
  /** The command's observed peak memory, in resident bytes. */
  memory?: number | undefined;
  /** The runtime's version. */
  runtime?: string | undefined;
  /** Features that the runtime accepts. */
  accepts?: readonly string[] | undefined;
}

/** The payload of a function error, from llama's runtime or any other. */
export interface FunctionErrorPayload {
  /** The error's message. */
  errorMessage: string;
  /** The error's type, such as `Llama.MissingObject` or `Sandbox.Timedout`. */
  errorType: string;
  /** With `Llama.MissingObject`: the ids of all objects that are missing. */
  objects?: string[] | undefined;
}

/** The error types of llama's runtime. */
export type RuntimeErrorType =
  | "Llama.NoSuchCommand"
  | "Llama.BadRequest"
  | "Llama.MissingObject"
  | "Llama.StoreError"
  | "Llama.Changed"
  | "Llama.Internal";

/** Options for {@linkcode parseRequest}. */
export interface ParseRequestOptions {
  /** The function's name, for messages. @default {"NAME"} */
  functionName?: string | undefined;
  /** The runtime's features. @default {those of this version} */
  features?: Features | undefined;
}

/**
 * Parses a request.
 *
 * @param text The payload, JSON.
 * @param options The function's name and its runtime's features.
 * @returns The request, with absent lists and maps as empty ones, and without `needs`, which are met.
 * @throws {LlamaError} `protocol`, naming the invalid field, or what to do about a request that
 * holds or needs something unknown.
 */
export function parseRequest(text: string, options: ParseRequestOptions = {}): Request {
  const { functionName, features = ownFeatures } = options;
  const schema = features === ownFeatures
    ? ownRequest ??= requestSchema(features)
    : requestSchema(features);
  const newer = (hint: string, cause?: unknown) =>
    new LlamaError("protocol", newerRequest(functionName), { cause, hint });
  const request = parse(schema, text, "request", { newer });
  checkRawBytes("request", [request.stdin ?? {}, ...Object.values(request.files ?? {})], features);
  const unknown = request.needs?.find((name) => !features.needs.includes(name));
  if (unknown !== undefined) {
    throw newer(`unknown in needs: ${JSON.stringify(unknown)}`);
  }
  return {
    args: request.args ?? [],
    stdin: request.stdin,
    files: request.files ?? {},
    outputs: request.outputs ?? [],
    uploads: request.uploads,
    timeout: request.timeout,
    client: request.client,
    accept: request.accept,
    stream: request.stream,
  };
}

/**
 * Returns the message about a request with something unknown: the text of `e` besides a new kind of
 * content, and of the refusal.
 */
export function newerRequest(functionName = "NAME"): string {
  return "the request is newer than this function's runtime: " +
    `\`llama update-function ${functionName}\``;
}

/** The message about a response with something unknown: the text of `e` besides a new kind of content. */
export const newerResponse = "the response is newer than this llama: update llama";

/**
 * Parses a response.
 *
 * @param text The payload, JSON.
 * @param features The client's features.
 * @returns The response, with absent blobs and maps as empty ones.
 * @throws {LlamaError} `protocol`, naming the invalid field.
 */
export function parseResponse(text: string, features: Features = ownFeatures): Response {
  const schema = features === ownFeatures
    ? ownResponse ??= responseSchema(features)
    : responseSchema(features);
  const response = parse(schema, text, "response", {
    newer: (unknown, cause) =>
      new LlamaError("protocol", `the response is newer than this llama: ${unknown}`, {
        cause,
        hint: "update llama",
      }),
    hint: "only a function that has llama's runtime can be run",
  });
  const { stdout, stderr, outputs } = response;
  const blobs = [stdout ?? {}, stderr ?? {}, ...Object.values(outputs ?? {})];
  checkRawBytes("response", blobs, features);
  return {
    status: response.status,
    stdout: stdout ?? {},
    stderr: stderr ?? {},
    outputs: outputs ?? {},
    times: response.times,
    environment: response.environment,
    memory: response.memory,
    runtime: response.runtime,
    accepts: response.accepts,
  };
}

/**
 * Parses the payload of a function error. Any runtime may have written it, so this never fails.
 *
 * @param text The payload.
 * @returns The error's type and message; `Unhandled` and the payload itself if it has neither.
 */
export function parseFunctionError(text: string): FunctionErrorPayload {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Another runtime's payload need not be JSON; it becomes the message below.
  }
  const parsed = (functionError ??= functionErrorSchema()).safeParse(withoutNulls(value));
  const { errorMessage, errorType, objects } = parsed.success ? parsed.data : {};
  return {
    errorMessage: errorMessage ?? text.slice(0, 1000),
    errorType: errorType ?? "Unhandled",
    objects: objects ?? undefined,
  };
}

/**
 * Returns a file's permission bits.
 *
 * @param file A file from the wire.
 * @returns The low nine bits of its mode; 0644 if it has none.
 */
export function permissionBits(file: File): number {
  return file.m ? file.m & 0o777 : defaultFileMode;
}

/** Drops the fields of a document that are null, as which the original writes absent ones. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (!Object.values(value).includes(null)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

interface ParseOptions {
  /** Creates the error for a message that holds something unknown. */
  readonly newer: (unknown: string, cause: unknown) => LlamaError;
  /** The hint for a message that does not follow the wire format. */
  readonly hint?: string;
}

function parse<T extends z.ZodMiniType>(
  schema: T,
  text: string,
  what: string,
  { newer, hint }: ParseOptions,
): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LlamaError("protocol", `the ${what} is not JSON: ${excerpt(text)}`, { cause, hint });
  }
  // zod silently drops this key from a record; a file of this name would be lost.
  if (text.includes('"__proto__"') && /(?<!\\)"__proto__"\s*:/.test(text)) {
    throw new LlamaError("protocol", `the ${what} names a file "__proto__", which cannot be sent`);
  }
  const parsed = schema.safeParse(withoutNulls(value));
  if (parsed.success) return parsed.data;
  const { error: cause } = parsed;
  // Only blobs and files are strict. Their other issues may have the same cause: report this one.
  const unknown = cause.issues.find(({ code }) => code === "unrecognized_keys");
  const issue = unknown ?? cause.issues[0];
  const field = issue?.path.map(String).join(".") || "the document";
  if (unknown?.code === "unrecognized_keys") {
    const keys = unknown.keys.map((key) => JSON.stringify(key)).join(", ");
    throw newer(`unknown in ${field}: ${keys}`, cause);
  }
  throw new LlamaError("protocol", `the ${what} is not llama's: ${field}: ${issue?.message}`, {
    cause,
    hint,
  });
}

/** Refuses a message that would take too much memory or disk. */
function checkRawBytes(what: string, blobs: readonly Blob[], { contents }: Features): void {
  const { raw } = sizesOf(blobs, contents);
  if (raw <= maxRawBytes) return;
  const message = `the ${what} holds ${raw} bytes once decompressed, more than ${maxRawBytes}`;
  throw new LlamaError("protocol", message);
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? text.slice(0, 80) + "..." : text);
}
