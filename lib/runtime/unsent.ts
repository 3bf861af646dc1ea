/**
 * The answer of a job whose results do not all get into it, or whose inputs did not arrive. Loaded
 * only then.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type BlobSource, encodeBlobs, sizeOf } from "../store/blob.ts";
import { LlamaError } from "../errors.ts";
import { maxPayloadBytes } from "../limits.ts";
import type { Blob, Request } from "../protocol.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Capture } from "./capture.ts";
import { TimeUp } from "./in_time.ts";
import { JobError } from "./job_error.ts";
import type { TimeLimit } from "./time_limit.ts";

/** What could not be sent. */
export interface UnsentOptions {
  /** Standard output and error. */
  streams: () => readonly BlobSource[];
  /** The outputs. */
  files: readonly BlobSource[];
  /** How many bytes the rest of the message takes, with a reference for each source. */
  reservedBytes: number;
  /** The store that was asked, if there is one. */
  store: ObjectStore | undefined;
  /** When the request was received, as `performance.now()` has it. */
  received: number;
  /** Where the reason is told, if the command was started. */
  stderr: Pick<Capture, "addLine"> | undefined;
  /** Ends the work. */
  signal: AbortSignal;
}

/**
 * Makes blobs without the store, after it has failed or the time was up: standard output and error
 * are inlined whatever their size, small files as always, and of the others the reason is told.
 *
 * @param error Why the store did not take them.
 * @param options What there is to send.
 * @returns A blob for each of the streams, and for each file.
 * @throws {JobError} If there is no store, and all is too much for an answer.
 * @throws The error, if standard output and error are too much for an answer.
 */
export async function encodeUnsent(error: unknown, options: UnsentOptions): Promise<Blob[]> {
  const { streams, files, store, received, stderr, signal } = options;
  if (isTooLarge(error)) throw outputTooLarge([...streams(), ...files]);
  if (!store) throw error;
  const reason = await reasonOf(error, store, received);
  if (reason === undefined) throw error;
  await stderr?.addLine(`llama: ${reason}`);
  const e = `was not sent: ${reason}`;
  const { reservedBytes } = options;
  const blobs = (await encodeBlobs(files, { store: nowhere, reservedBytes, signal }))
    .map((blob) => (blob.r === undefined ? blob : { e }));
  try {
    const inline = await encodeBlobs(streams(), {
      store: undefined,
      reservedBytes: reservedBytes + Buffer.byteLength(JSON.stringify(blobs)),
      signal,
    });
    return [...inline, ...blobs];
  } catch (failure) {
    throw isTooLarge(failure)
      ? new JobError("Llama.StoreError", `the output was not sent: ${reason}`, { cause: error })
      : failure;
  }
}

/**
 * Says why a command was not started in time.
 *
 * @param request The request.
 * @param limit Whose time was up.
 * @param store The store, if there is one.
 * @param received When the request was received, as `performance.now()` has it.
 * @returns One line.
 */
export async function lateInputs(
  { files, stdin }: Request,
  { isFunctions }: Pick<TimeLimit, "isFunctions">,
  store: ObjectStore | undefined,
  received: number,
): Promise<string> {
  const whose = isFunctions ? "the function's" : "the job's";
  const what = `the command was not started: ${whose} time was up before its inputs had arrived`;
  const isStored = stdin?.r !== undefined || Object.values(files).some(({ r }) => r !== undefined);
  if (!store || !isStored) return what;
  const failure = await store.lastRepeat?.(received);
  return `${what}: ${failure ? "" : `${store.url} had not sent them: `}${whySlow(failure)}`;
}

/** What is known of a store that was too slow, and what to do. */
function whySlow(failure: LlamaError | undefined): string {
  if (failure?.hint !== undefined) return wordsOf(failure);
  return (failure ? `${failure.message}; ` : "") +
    "raise the timeout; a function in a VPC reaches S3 by a gateway endpoint";
}

/**
 * The error for an answer over Lambda's limit.
 *
 * @param bytes How many bytes of JSON it takes.
 * @returns An error to throw.
 */
export function answerTooLarge(bytes: number): JobError {
  return new JobError(
    "Llama.Internal",
    `the answer is too large: ${bytes} bytes of JSON, Lambda's limit is ${maxPayloadBytes}; ask ` +
      "for fewer outputs, or pack them into one file",
  );
}

/**
 * The error for an answer that Lambda did not take.
 *
 * @returns An error to throw.
 */
export function answerRefused(): JobError {
  return new JobError(
    "Llama.Internal",
    `the answer is too large: Lambda's limit is ${maxPayloadBytes} bytes of JSON; set ` +
      "LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/ in the function's environment",
  );
}

async function reasonOf(
  error: unknown,
  store: ObjectStore,
  received: number,
): Promise<string | undefined> {
  if (error instanceof TimeUp) {
    const failure = await store.lastRepeat?.(received);
    return `${store.url} had not taken what was to be stored before the function's time was up: ` +
      whySlow(failure);
  }
  // What cannot be read here is no affair of the store's.
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

/** Tells what would be stored. */
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
