/**
 * The wire between the client and the runtime: the JSON document that an Invoke carries, and the
 * one that answers it. Compatible with the original llama of December 2020; what is ours alone is
 * optional.
 *
 * @module
 */

import { LlamaError } from "./errors.ts";
import { Json, JsonMismatch, type Read } from "./json.ts";

/** Lambda's limit for the JSON of a request, and for that of a response, in bytes. */
export const maxPayloadBytes = 6_291_456;

/** A blob of more bytes than this goes through the store, where there is one. */
export const maxInlineBytes = 256 * 1024;

/** A message of more bytes than this has its largest blobs stored, where there is a store. */
export const maxMessageBytes = 1024 * 1024;

/** The mode of a file that names none: `rw-r--r--`. */
export const defaultFileMode = 0o644;

/**
 * Bytes on the wire: at most one of `s`, `b`, `r` and `e`. With none it is empty.
 */
export interface Blob {
  /** The bytes, which are UTF-8, as a text. */
  s?: string | undefined;
  /** The bytes in base64. */
  b?: string | undefined;
  /** The id of an object in the store. */
  r?: string | undefined;
  /** Why there are no bytes. */
  e?: string | undefined;
}

/** A {@linkcode Blob} with a mode. */
export interface File extends Blob {
  /** Its low nine bits are the Unix permission bits. */
  m?: number | undefined;
}

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
  return parse("request", text, (request) => ({
    args: request.at("args").list(string),
    stdin: request.at("stdin").optional(blob),
    files: request.at("files").record(file),
    outputs: request.at("outputs").list(string),
    timeout: request.at("timeout").optional(positive),
    client: request.at("client").optional(string),
  }));
}

/**
 * Reads a response as the client received it.
 *
 * @param text The payload, JSON.
 * @returns The response, absent blobs and maps as empty ones.
 * @throws {LlamaError} `protocol`, naming the field that is wrong.
 */
export function parseResponse(text: string): Response {
  return parse("response", text, (response) => ({
    status: integer(response.at("status")),
    stdout: response.at("stdout").optional(blob) ?? {},
    stderr: response.at("stderr").optional(blob) ?? {},
    outputs: response.at("outputs").record(file),
    times: response.at("times").optional(times),
    memory: response.at("memory").optional(number),
    runtime: response.at("runtime").optional(string),
  }));
}

/**
 * Reads the payload of a function error. Any runtime may have written it, so whatever it is has a
 * reading.
 *
 * @param text The payload.
 * @returns The error's type and message; `Unhandled` and the payload itself if it has neither.
 */
export function parseFunctionError(text: string): FunctionErrorPayload {
  const otherwise = { errorMessage: text.slice(0, 1000), errorType: "Unhandled" };
  try {
    const error = new Json(JSON.parse(text));
    return {
      errorMessage: error.at("errorMessage").optional(string) ?? otherwise.errorMessage,
      errorType: error.at("errorType").optional(string) ?? otherwise.errorType,
      objects: error.at("objects").optional((objects) => objects.list(objectId)),
    };
  } catch (error) {
    // Neither ours nor Lambda's: its own words are all there is.
    if (error instanceof SyntaxError || error instanceof JsonMismatch) return otherwise;
    throw error;
  }
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

const string: Read<string> = (json) => json.string();

const number: Read<number> = (json) => json.number();

const integer: Read<number> = (json) => {
  const value = json.number();
  if (Number.isSafeInteger(value)) return value;
  throw json.mismatch(`expected whole number, received ${value}`);
};

const positive: Read<number> = (json) => {
  const value = json.number();
  if (value > 0) return value;
  throw json.mismatch(`expected number above 0, received ${value}`);
};

const objectId: Read<string> = (json) => {
  const id = json.string();
  if (/^[0-9a-f]{64}$/.test(id)) return id;
  throw json.mismatch("is not an object id (64 lower-case hexadecimal digits)");
};

const fileMode: Read<number> = (json) => {
  const mode = integer(json);
  if (mode >= 0 && mode <= 0xffffffff) return mode;
  throw json.mismatch(`is not a file's mode: ${mode}`);
};

const blob: Read<Blob> = (json) => {
  const [content, other] = (["s", "b", "r", "e"] as const).filter((key) => !json.at(key).isAbsent);
  if (other) throw json.mismatch('has more than one of "s", "b", "r" and "e"');
  if (!content) return {};
  return { [content]: (content === "r" ? objectId : string)(json.at(content)) };
};

const file: Read<File> = (json) => {
  const m = json.at("m").optional(fileMode);
  return { ...blob(json), ...m === undefined ? {} : { m } };
};

const times: Read<Times> = (json) => {
  const nanoseconds = (name: string) => json.at(name).optional(number);
  return {
    cold: json.at("cold").optional((value) => value.boolean()),
    e2e: nanoseconds("e2e"),
    fetch: nanoseconds("fetch"),
    exec: nanoseconds("exec"),
    upload: nanoseconds("upload"),
  };
};

function parse<T>(what: string, text: string, read: Read<T>): T {
  try {
    return read(new Json(JSON.parse(text)));
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw new LlamaError("protocol", `the ${what} is not JSON: ${excerpt(text)}`, { cause });
    }
    if (cause instanceof JsonMismatch) {
      throw new LlamaError("protocol", `the ${what} is not llama's: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? text.slice(0, 80) + "..." : text);
}
