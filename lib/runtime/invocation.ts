/**
 * One invocation: from the text of a request to the text of its response.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type BlobSource, encodeBlobs } from "../blob.ts";
import { isAbort, LlamaError } from "../errors.ts";
import { type Features, namesOf, ownFeatures } from "../features.ts";
import { longestTimerMs } from "../limits.ts";
import {
  type File,
  maxPayloadBytes,
  newerResponse,
  parseRequest,
  type Request,
  type Response,
  type Times,
} from "../protocol.ts";
import type { ObjectStore } from "../store/store.ts";
import { version } from "../version.ts";
import { findProgram, type FunctionCommand } from "./function_command.ts";
import { writeInputs } from "./inputs.ts";
import { JobError } from "./job_error.ts";
import { findOutputs, type Outputs } from "./outputs.ts";
import { type CommandResult, runCommand, timedOutStatus } from "./run_command.ts";
import { foreign, wasForeign } from "./start.ts";
import type { Workspace } from "./workspace.ts";

/** What an invocation needs beside the request. */
export interface InvocationContext {
  /** The function's name, if it is known. */
  functionName?: string | undefined;
  /** What the runtime knows beyond the wire of December 2020. @default {what this version knows} */
  features?: Features | undefined;
  /** What the function runs. */
  command: FunctionCommand;
  /** Variables of the command's environment; beside the runtime's own unless `onlyThese`. */
  environment: Record<string, string>;
  /** Whether the command gets none of the runtime's own variables. */
  onlyThese: boolean;
  /** The value of `PATH`. */
  searchPath: string | undefined;
  /** The directories of this invocation; the caller removes them. */
  workspace: Workspace;
  /** The function's object store, or undefined if it has none. */
  store: () => ObjectStore | undefined;
  /** How long the runtime took to start, in milliseconds; only for its first invocation. */
  initMs: number | undefined;
  /** When the request was received, as `performance.now()` has it. */
  received: number;
  /** When Lambda will kill the environment, on the same clock. */
  deadline: number | undefined;
  /** The function's memory in MB, if it is known. */
  memoryMb: number | undefined;
  /** Whether a command that takes more than that is killed; on the user's machine it is not. */
  isMemoryBound: boolean;
  /** Ends the invocation. */
  signal: AbortSignal;
}

/** What an invocation came to. */
export interface Answer {
  /** The response's text. */
  text: string;
  /** What the log says of it: no contents. */
  summary: string;
}

/**
 * The status of a command that SIGKILL ended, and of a shell whose command it ended. On Lambda that is
 * the kernel, which ends the biggest process when memory runs out; the runtime goes on.
 */
const killedStatus = 137;

/**
 * Runs one job.
 *
 * @param text The request, JSON.
 * @param context What it needs beside.
 * @returns The response.
 * @throws {JobError} If it was not run, or its results cannot be told.
 * @throws {LlamaError} As the store and the blobs.
 */
export async function runInvocation(text: string, context: InvocationContext): Promise<Answer> {
  const { workspace, received, initMs } = context;
  const request = parseRequest(text, context);
  const { deadline, isFunctions } = deadlineOf(request, context);
  const prepared = await prepare(request, deadline, context);
  const fetched = performance.now();
  const result = prepared && await runCommand(prepared.program, {
    ...context,
    directory: workspace.job(),
    stdin: prepared.stdin,
    timeoutMs: deadline === undefined ? undefined : Math.max(deadline - fetched, 0),
    spillPath: (name) => workspace.dataFile(name),
  });
  const executed = performance.now();
  const outputs = await findOutputs(workspace.job(), request.outputs);
  for (const line of outputs.leftOut) await result?.stderr.addLine(`llama: ${line}`);
  if (result && wasForeign(prepared.program, result.status)) {
    await result.stderr.addLine(`llama: ${JSON.stringify(prepared.program.path)}: ${foreign}`);
  }
  if (result?.timedOut && isFunctions) {
    const seconds = ((executed - received) / 1000).toFixed(2);
    await result.stderr.addLine(
      `llama: ended after ${seconds} s, before Lambda ends the function at its timeout: raise it ` +
        "(900 seconds at most), or give the job less to do",
    );
  }
  if (result?.status === killedStatus && context.isMemoryBound) {
    const size = context.memoryMb === undefined ? "" : `, which is ${context.memoryMb} MB`;
    await result.stderr.addLine(
      "llama: killed, most likely since it ran out of memory: raise the function's memory" +
        `${size} (10,240 MB at most)`,
    );
  }
  const response = await answer(request, result, outputs, context);
  const end = performance.now();
  const times: Times = {
    cold: initMs !== undefined,
    e2e: nanoseconds(end - received),
    fetch: nanoseconds(fetched - received),
    exec: nanoseconds(executed - fetched),
    upload: nanoseconds(end - executed),
    ...(initMs === undefined ? {} : { init: nanoseconds(initMs) }),
  };
  const answerText = JSON.stringify({ ...response, times } satisfies Response);
  checkSize(answerText);
  const inputs = Object.keys(request.files).length;
  return {
    text: answerText,
    summary: `exit ${response.status}, ${Math.round(end - received)} ms, ` +
      `${inputs} ${inputs === 1 ? "file" : "files"} in, ${outputs.found.length} out`,
  };
}

/**
 * When the command must end: at the request's `timeout`, or before the function's own, at which
 * Lambda would kill the environment and everything that the command made with it. What is kept back
 * is for reading and sending the outputs: a tenth of the function's time, 0.1 to 2 s.
 */
function deadlineOf(
  { timeout }: Request,
  { received, deadline }: InvocationContext,
): { deadline: number | undefined; isFunctions: boolean } {
  const asked = timeout === undefined ? Infinity : received + timeout * 1000;
  const margin = deadline === undefined
    ? 0
    : Math.min(Math.max((deadline - received) / 10, 100), 2000);
  const own = deadline === undefined ? Infinity : deadline - margin;
  const earlier = Math.min(asked, own);
  return { deadline: earlier === Infinity ? undefined : earlier, isFunctions: own < asked };
}

/** Writes the inputs and finds the program; undefined if time ran out meanwhile. */
async function prepare(
  request: Request,
  deadline: number | undefined,
  { command, workspace, searchPath, store, signal, features = ownFeatures }: InvocationContext,
) {
  const late = new AbortController();
  const timer = deadline === undefined ? undefined : setTimeout(
    () => late.abort(),
    Math.min(Math.max(deadline - performance.now(), 0), longestTimerMs),
  );
  const end = () => late.abort();
  signal.addEventListener("abort", end);
  try {
    const stdin = await writeInputs(request, {
      workspace,
      store: () => store() ?? noStore(),
      kinds: features.contents,
      signal: late.signal,
    });
    // After the inputs: the program may be one of them.
    const jobDirectory = workspace.job();
    return { stdin, program: findProgram(command, request.args, { searchPath, jobDirectory }) };
  } catch (error) {
    signal.throwIfAborted();
    if (isAbort(error, late.signal)) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

async function answer(
  { accept }: Request,
  result: CommandResult | undefined,
  { found, refused }: Outputs,
  { store, memoryMb, signal, features = ownFeatures }: InvocationContext,
): Promise<Response> {
  const late = "llama: the time went by before the job's inputs were there\n";
  const sources: BlobSource[] = [
    result?.stdout.source() ?? new Uint8Array(),
    result?.stderr.source() ?? new TextEncoder().encode(late),
    ...found.map(({ source }) => source),
  ];
  const files = new Map<string, File>(found.map(({ remote, mode }) => [remote, { m: mode }]));
  for (const [remote, e] of refused) files.set(remote, { e });
  const response: Response = {
    status: result?.status ?? timedOutStatus,
    stdout: {},
    stderr: {},
    // Not by assignment, to which a file named "__proto__" would be something else.
    outputs: Object.fromEntries(files),
    environment: { memory: memoryMb, arch },
    ...(result?.memory === undefined ? {} : { memory: result.memory }),
    runtime: version,
    accepts: namesOf(features),
  };
  const objects = store();
  const kinds = features.contents.filter(({ feature }) => accept?.includes(feature));
  const [stdout = {}, stderr = {}, ...blobs] = await encodeBlobs(sources, {
    store: objects,
    reservedBytes: Buffer.byteLength(JSON.stringify(response)) + timesBytes +
      (objects ? sources.length * referenceBytes : 0),
    novel: kinds.length > 0 ? { kinds, refusal: newerResponse } : undefined,
    signal,
  }).catch((error) => {
    throw error instanceof LlamaError && error.code === "too-large" ? tooLarge(sources) : error;
  });
  for (const [index, { remote, mode }] of found.entries()) {
    files.set(remote, { ...blobs[index], m: mode });
  }
  return { ...response, stdout, stderr, outputs: Object.fromEntries(files) };
}

/** The architecture as Lambda names it. */
const arch = Deno.build.arch === "aarch64" ? "arm64" : Deno.build.arch;

/** `"times":{...}` with the longest numbers there can be. */
const timesBytes = 180;

/** `"r":"` and an object's id. */
const referenceBytes = 72;

function noStore(): never {
  throw new LlamaError("config", "the request names objects, but the function has no store", {
    hint: "set LLAMA_OBJECT_STORE in the function's environment",
  });
}

function tooLarge(sources: readonly BlobSource[]): JobError {
  const size = sources.reduce(
    (sum, source) => sum + (source instanceof Uint8Array ? source.length : source.size),
    0,
  );
  return new JobError(
    "Llama.Internal",
    `the job's output is too large: ${size} bytes do not fit into Lambda's limit of ` +
      `${maxPayloadBytes} bytes of JSON; set LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/ in the ` +
      "function's environment",
  );
}

function checkSize(text: string): void {
  // No character takes more than three bytes, and most answers are far below the limit.
  if (text.length * 3 <= maxPayloadBytes) return;
  const size = Buffer.byteLength(text);
  if (size <= maxPayloadBytes) return;
  throw new JobError(
    "Llama.Internal",
    `the answer is too large: ${size} bytes of JSON, Lambda's limit is ${maxPayloadBytes}; ask ` +
      "for fewer outputs, or pack them into one file",
  );
}

function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}
