/**
 * Answers for jobs whose results cannot all be sent, or whose inputs did not arrive. Loaded only
 * then.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type BlobSource, encodeBlobs, type NovelContents, sizeOf } from "../store/blob.ts";
import { LlamaError } from "../errors.ts";
import { maxPayloadBytes } from "../limits.ts";
import type { Blob, Request } from "../protocol.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Capture } from "./capture.ts";
import { TimeUp } from "./in_time.ts";
import { JobError } from "./job_error.ts";
import type { TimeLimit } from "./time_limit.ts";

/** Options for {@linkcode encodeUnsent}. */
export interface UnsentOptions {
  /** Standard output and error. */
  streams: () => readonly BlobSource[];
  /** The outputs. */
  files: readonly BlobSource[];
  /** The size of the rest of the response, with a reference for each source. */
  reservedBytes: number;
  /** Kinds of content that the client accepts, if there are any. */
  novel: NovelContents | undefined;
  /** The store that failed, if there is one. */
  store: ObjectStore | undefined;
  /** When the request was received, by `performance.now()`. */
  received: number;
  /** Receives the reason, if the command was started. */
  stderr: Pick<Capture, "addLine"> | undefined;
  /** Aborts the work. */
  signal: AbortSignal;
}

/**
 * Encodes blobs without the store after an upload failed or timed out: standard output and error are
 * inlined whatever their size, small files as usual, and other files are replaced by the reason.
 *
 * @param error The reason why the upload failed.
 * @param options The streams and files.
 * @returns A blob for each of the streams, then for each file.
 * @throws {JobError} If standard output and error are too large for a response, or everything is and
 * there is no store.
 * @throws The error itself, if the store is not its reason.
 */
export async function encodeUnsent(error: unknown, options: UnsentOptions): Promise<Blob[]> {
  const { streams, files, store, received, stderr, signal } = options;
  if (isTooLarge(error)) throw outputTooLarge([...streams(), ...files]);
  if (!store) throw error;
  const reason = await reasonOf(error, store, received);
  if (reason === undefined) throw error;
  await stderr?.addLine(`llama: ${reason}`);
  const e = `could not be uploaded: ${reason}`;
  const { reservedBytes, novel } = options;
  const blobs = (await encodeBlobs(files, { store: nowhere, reservedBytes, novel, signal }))
    .map((blob) => (blob.r === undefined ? blob : { e }));
  try {
    const inline = await encodeBlobs(streams(), {
      store: undefined,
      novel,
      reservedBytes: reservedBytes + Buffer.byteLength(JSON.stringify(blobs)),
      signal,
    });
    return [...inline, ...blobs];
  } catch (failure) {
    throw isTooLarge(failure)
      ? new JobError("Llama.StoreError", `the output could not be uploaded: ${reason}`, {
        cause: error,
      })
      : failure;
  }
}

/**
 * Returns a line that explains why a command was not started in time.
 *
 * @param request The request.
 * @param limit The time limit that was exceeded.
 * @param store The store, if there is one.
 * @param received When the request was received, by `performance.now()`.
 */
export async function lateInputs(
  { files, stdin }: Request,
  { isFunctions }: Pick<TimeLimit, "isFunctions">,
  store: ObjectStore | undefined,
  received: number,
): Promise<string> {
  const whose = isFunctions ? "the function's" : "the job's";
  const what = `the command was not started: its inputs did not arrive before ${whose} timeout`;
  const isStored = stdin?.r !== undefined || Object.values(files).some(({ r }) => r !== undefined);
  if (!store || !isStored) return what;
  const failure = await store.lastRetry?.(received);
  return `${what}: ${failure ? "" : `no answer from ${store.url}: `}${whySlow(failure)}`;
}

/** Returns what is known about a store that was too slow, and what to do. */
function whySlow(failure: LlamaError | undefined): string {
  if (failure?.hint !== undefined) return wordsOf(failure);
  return (failure ? `${failure.message}; ` : "") +
    "raise the timeout; a function in a VPC needs a gateway endpoint for S3";
}

/**
 * Returns the error for a response over Lambda's limit.
 */
export function answerTooLarge(bytes: number): JobError {
  return new JobError(
    "Llama.Internal",
    `the response is too large: ${bytes} bytes of JSON, Lambda's limit is ${maxPayloadBytes}; ask ` +
      "for fewer outputs, or pack them into one file",
  );
}

/**
 * Returns the error for a response that Lambda refused.
 */
export function answerRefused(): JobError {
  return new JobError(
    "Llama.Internal",
    `the response is too large: Lambda's limit is ${maxPayloadBytes} bytes of JSON; set ` +
      "LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/ in the function's environment",
  );
}

async function reasonOf(
  error: unknown,
  store: ObjectStore,
  received: number,
): Promise<string | undefined> {
  if (error instanceof TimeUp) {
    const failure = await store.lastRetry?.(received);
    return `the upload to ${store.url} did not finish before the function's timeout: ` +
      whySlow(failure);
  }
  // A file that cannot be read is not the store's failure.
  if (!(error instanceof LlamaError) || error.code === "input") return undefined;
  return wordsOf(error);
}

function wordsOf({ message, hint }: LlamaError): string {
  return message + (hint === undefined ? "" : ` (${hint})`);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof LlamaError && error.code === "too-large";
}

function outputTooLarge(sources: readonly BlobSource[]): JobError {
  const size = sources.reduce((sum, source) => sum + sizeOf(source), 0);
  return new JobError(
    "Llama.Internal",
    `the job's output is too large: ${size} bytes do not fit into Lambda's limit of ` +
      `${maxPayloadBytes} bytes of JSON; set LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/ in the ` +
      "function's environment",
  );
}

/** A dry run: marks the blobs that would be uploaded. */
const nowhere: ObjectStore = {
  url: "",
  put: () => Promise.resolve(""),
  putFile: () => Promise.resolve(""),
  get: () => Promise.reject(new Error("nothing is stored")),
  getFile: () => Promise.reject(new Error("nothing is stored")),
  has: () => Promise.resolve(false),
  forget: () => {},
  [Symbol.dispose]: () => {},
};
