/**
 * Runs one invocation: from the text of a request to the text of its response.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type BlobSource, encodeBlobs } from "../store/blob.ts";
import { LlamaError } from "../errors.ts";
import { maxRawBytes } from "../limits.ts";
import { type Features, linkFeature, namesOf, ownFeatures } from "../features.ts";
import {
  type File,
  maxPayloadBytes,
  newerResponse,
  parseRequest,
  type Request,
  type Response,
  type Times,
} from "../protocol.ts";
import type { S3Files } from "../store/s3_files.ts";
import type { ObjectStore } from "../store/store.ts";
import { ownArchitecture } from "../functions/architecture.ts";
import { version } from "../version.ts";
import { findProgram, type FunctionCommand } from "./function_command.ts";
import { inTime, TimeUp } from "./in_time.ts";
import { writeInputs } from "./inputs.ts";
import type { LiveResponse } from "./live_response.ts";
import type { OutOfMemory } from "./out_of_memory.ts";
import { findOutputs, type Outputs } from "./outputs.ts";
import { timedOutStatus } from "../functions/command_status.ts";
import { type CommandResult, runCommand } from "./run_command.ts";
import type { Strays } from "./strays.ts";
import { TimeLimit } from "./time_limit.ts";
import type { Workspace } from "./workspace.ts";

/** Options for {@linkcode runInvocation}. */
export interface InvocationContext {
  /** The request's id, which the command gets as `LLAMA_REQUEST_ID`. */
  requestId: string;
  /** The function's name, if known. */
  functionName?: string | undefined;
  /** The features beyond the wire of December 2020. @default {those of this version} */
  features?: Features | undefined;
  /** The function's command. */
  command: FunctionCommand;
  /** Variables of the command's environment, added to the runtime's own unless `onlyThese`. */
  environment: Record<string, string>;
  /** Whether the command gets none of the runtime's own variables. */
  onlyThese: boolean;
  /** The value of `PATH`. */
  searchPath: string | undefined;
  /** The directories of this invocation; the caller removes them. */
  workspace: Workspace;
  /** Returns the function's object store; undefined if it has none. */
  store: () => ObjectStore | undefined;
  /** Opens S3 with the function's permissions. @default {there is none} */
  s3?: (() => Promise<S3Files>) | undefined;
  /** The runtime's start-up time in milliseconds; only for its first invocation. */
  initMs: number | undefined;
  /** When the request was received, by `performance.now()`. */
  received: number;
  /** When Lambda kills the execution environment, on the same clock. */
  deadline: number | undefined;
  /** The function's memory in MB, if known. */
  memoryMb: number | undefined;
  /** Chooses what is killed when memory runs out; absent locally, where memory is shared. */
  outOfMemory?: Pick<OutOfMemory, "atRisk" | "kills"> | undefined;
  /** Kills processes that leave the command's process group; absent where they cannot be found. */
  strays?: Pick<Strays, "reap" | "end"> | undefined;
  /** Opens a streamed response; called only for a request that asks for one. */
  openLive?: (() => Promise<LiveResponse>) | undefined;
  /** Aborts the invocation. */
  signal: AbortSignal;
}

/** The answer to an invocation. */
export interface Answer {
  /** The response's text. */
  text: string;
  /** A line for the log, without contents. */
  summary: string;
}

/** Tells the command the invocation's id, and marks the processes that the command starts. */
const requestVariable = "LLAMA_REQUEST_ID";

/** The command's deadline, in milliseconds since 1970. */
const deadlineVariable = "LLAMA_DEADLINE_MS";

/**
 * Runs one job.
 *
 * @throws {JobError} If the job was not run, or its results cannot be returned.
 * @throws {LlamaError} As the store and the blobs.
 */
export async function runInvocation(text: string, context: InvocationContext): Promise<Answer> {
  const { workspace, received, initMs, requestId } = context;
  const request = parseRequest(text, context);
  const live = request.stream ? await context.openLive?.() : undefined;
  const limit = new TimeLimit({ ...context, timeout: request.timeout });
  const prepared = await prepare(request, limit.end, context);
  const fetched = performance.now();
  const result = prepared && await runCommand(prepared.program, {
    ...context,
    environment: {
      ...context.environment,
      [requestVariable]: requestId,
      ...(limit.end === undefined ? {} : { [deadlineVariable]: unixTime(limit.end) }),
    },
    directory: workspace.job(),
    stdin: prepared.stdin,
    limit: limit.end === undefined ? undefined : {
      left: (writtenBytes) =>
        limit.left(performance.now(), async () => {
          const { weighOutputs } = await import("./load.ts");
          const { files, bytes } = weighOutputs(workspace.job(), request.outputs);
          return { files, bytes: bytes + writtenBytes };
        }),
      get graceMs() {
        return limit.graceMs;
      },
    },
    mark: `${requestVariable}=${requestId}`,
    spillPath: (name) => workspace.dataFile(name),
    live,
  });
  const executed = performance.now();
  const { features = ownFeatures } = context;
  const links = features.files.some(({ feature }) => feature === linkFeature) &&
    request.accept?.includes(linkFeature);
  const outputs = await findOutputs(workspace.job(), request.outputs, links);
  const lines = [...outputs.leftOut];
  const kills = context.outOfMemory?.kills();
  if (result && (result.status !== 0 || kills)) {
    const { explainEnding } = await import("./endings.ts");
    lines.push(...explainEnding(result, {
      ...context,
      program: prepared.program,
      timedOutMs: result.timedOut && limit.isFunctions ? executed - received : undefined,
      kills,
    }));
  }
  for (const line of lines) await result?.stderr.addLine(`llama: ${line}`);
  const { uploads } = request;
  const objects = uploads
    ? await (await import("./s3_objects.ts")).writeObjects(uploads, {
      directory: workspace.job(),
      succeeded: result?.status === 0,
      open: context.s3 ?? noS3,
      answerBy: limit.answerBy,
      signal: context.signal,
    })
    : {};
  const response = await answer(
    request,
    result,
    Object.assign(outputs, { objects }),
    limit,
    context,
  );
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
  await checkSize(Buffer.byteLength(answerText));
  const inputs = Object.keys(request.files).length;
  return {
    text: answerText,
    summary: `exit ${response.status}, ${Math.round(end - received)} ms, ` +
      `${inputs} ${inputs === 1 ? "file" : "files"} in, ${outputs.found.length} out`,
  };
}

function unixTime(time: number): string {
  return String(Math.round(Date.now() + time - performance.now()));
}

/** Writes the inputs and finds the program; returns undefined on a timeout. */
async function prepare(
  request: Request,
  deadline: number | undefined,
  { command, workspace, searchPath, store, s3 = noS3, signal, features = ownFeatures }:
    InvocationContext,
) {
  try {
    const stdin = await inTime(
      deadline,
      signal,
      (signal) =>
        writeInputs(request, {
          workspace,
          store: () => store() ?? noStore(),
          s3,
          kinds: features.contents,
          signal,
        }),
    );
    // After writing the inputs, since the program may be one of them.
    const jobDirectory = workspace.job();
    return { stdin, program: findProgram(command, request.args, { searchPath, jobDirectory }) };
  } catch (error) {
    if (error instanceof TimeUp) return undefined;
    throw error;
  }
}

function noS3(): Promise<S3Files> {
  return Promise.reject(new LlamaError("config", "this runtime has no access to S3"));
}

async function answer(
  request: Request,
  result: CommandResult | undefined,
  { found, entries, refused, objects: uploaded }: Outputs & { objects: Record<string, File> },
  limit: TimeLimit,
  { store, received, memoryMb, signal, features = ownFeatures }: InvocationContext,
): Promise<Response> {
  const objects = store();
  const late = result
    ? ""
    : await (await import("./unsent.ts")).lateInputs(request, limit, objects, received);
  const streams = (): BlobSource[] => [
    result?.stdout.source() ?? new Uint8Array(),
    result?.stderr.source() ?? new TextEncoder().encode(`llama: ${late}\n`),
  ];
  const contents = found.map(({ source }) => source);
  const sources = [...streams(), ...contents];
  const files = new Map<string, File>(found.map(({ remote, mode }) => [remote, { m: mode }]));
  for (const [remote, entry] of entries) files.set(remote, { ...entry, e: newerResponse });
  for (const [remote, e] of refused) files.set(remote, { e });
  for (const [remote, file] of Object.entries(uploaded)) files.set(remote, file);
  const response: Response = {
    status: result?.status ?? timedOutStatus,
    stdout: {},
    stderr: {},
    // Not by assignment, since a file may be named "__proto__".
    outputs: Object.fromEntries(files),
    environment: { memory: memoryMb, arch: ownArchitecture },
    ...(result?.memory === undefined ? {} : { memory: result.memory }),
    runtime: version,
    accepts: namesOf(features),
  };
  const kinds = features.contents.filter(({ feature }) => request.accept?.includes(feature));
  const novel = kinds.length === 0 ? undefined : {
    kinds,
    refusal: newerResponse,
    maxRawBytes: Math.min(maxRawBytes, (memoryMb ?? Infinity) * 1024 * 1024 / rawMemoryShare),
  };
  const reservedBytes = Buffer.byteLength(JSON.stringify(response)) + timesBytes +
    (objects ? sources.length * (referenceBytes + (novel ? newFormBytes : 0)) : 0);
  // Before anything is uploaded: the names alone may exceed the limit.
  await checkSize(reservedBytes);
  const [stdout = {}, stderr = {}, ...blobs] = await inTime(
    limit.answerBy,
    signal,
    (signal) => encodeBlobs(sources, { store: objects, reservedBytes, novel, signal }),
  ).catch(async (error) => {
    signal.throwIfAborted();
    const { encodeUnsent } = await import("./unsent.ts");
    return await encodeUnsent(error, {
      streams,
      files: contents,
      reservedBytes,
      novel,
      store: objects,
      received,
      stderr: result?.stderr,
      signal,
    });
  });
  for (const [index, { remote, mode }] of found.entries()) {
    files.set(remote, { ...blobs[index], m: mode });
  }
  return { ...response, stdout, stderr, outputs: Object.fromEntries(files) };
}

/** The size of `"times":{...}` with the longest possible numbers. */
const timesBytes = 180;

/** The size of `"r":"` and an object's id. */
const referenceBytes = 72;

/** The size of `"c":"zst"` and `"e":"..."`, which accompany the id of a compressed object. */
const newFormBytes = 80;

/** Which part of the function's memory compressed contents may have, once decompressed. */
const rawMemoryShare = 8;

function noStore(): never {
  throw new LlamaError("config", "the request names objects, but the function has no store", {
    hint: "set LLAMA_OBJECT_STORE in the function's environment",
  });
}

async function checkSize(bytes: number): Promise<void> {
  if (bytes <= maxPayloadBytes) return;
  const { answerTooLarge } = await import("./unsent.ts");
  throw answerTooLarge(bytes);
}

function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}
