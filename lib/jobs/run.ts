/**
 * Runs one job, from input files to outputs on this machine.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Delivery, Invocation, Lambda } from "../aws/api/lambda_invoke.ts";
import { StreamingUnavailable } from "../aws/api/lambda_stream.ts";
import type { NovelContents } from "../store/blob.ts";
import { FunctionError, isAbort, LlamaError, reasonOf } from "../errors.ts";
import { contentNames, ownFeatures, type Sizes, sizesOf, uploadsNeed } from "../features.ts";
import { longestSeconds } from "../limits.ts";
import { type Blob, newerRequest, type Request, type Response } from "../protocol.ts";
import { guardOfObject } from "../store/s3_path.ts";
import { isS3Url } from "../store/s3_url.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Spans } from "../spans.ts";
import { version } from "../version.ts";
import {
  noOutput,
  type OutputFiles,
  type ReceivedOutput,
  receiveOutput,
  removeOutput,
} from "./big_output.ts";
import { readAnswer } from "./foreign_answer.ts";
import { type Call, firstAnswer } from "./first_answer.ts";
import { encodeInputs, findInputs, type FindObject } from "./inputs.ts";
import type { CacheUse, Job, JobResult } from "./job.ts";
import { LiveJob, type LiveSinks } from "./live_job.ts";
import {
  featuresUsed,
  isRefusal,
  isReliable,
  learnFrom,
  type Negotiator,
  novelFor,
  presumedFor,
  replacedRuntime,
  usedFeatures,
} from "./negotiation.ts";
import { checkReplacesNothing } from "./no_clobber.ts";
import type { ObjectChecks } from "./object_checks.ts";
import { checkOutputs, writeOutputs } from "./outputs.ts";
import { type EncodedFiles, followsLinks, type SharedFiles } from "./shared_files.ts";
import type { Flight } from "./stragglers.ts";

/** What is needed to run jobs. */
export interface JobRunner extends Negotiator {
  /** Invokes functions. */
  readonly lambda: Lambda;
  /** The store for big files, if configured. */
  readonly store: ObjectStore | undefined;
  /** Looks up objects in S3. @default {there are none} */
  readonly findObject?: FindObject | undefined;
  /** Checks the objects of a job. @default {none are checked} */
  readonly objectChecks?: ObjectChecks | undefined;
  /** Files for standard output and error of more than 4 MiB. */
  readonly outputFiles: OutputFiles;
  /** Called for a function whose runtime was replaced by an older one. */
  readonly onReplacedRuntime?: ((functionName: string) => void) | undefined;
}

/**
 * Bytes transferred, as sent and received: compressed contents count with their compressed size.
 * Objects that the store already had count like new ones.
 */
export interface Transfer {
  /** Requests and the objects that they refer to; 0 if nothing was sent. */
  sentBytes: number;
  /** Responses and the objects that they refer to. */
  receivedBytes: number;
  /** The bytes that compression saved. @default {none} */
  savedBytes?: {
    /** Of requests and the objects that they refer to. */
    sent: number;
    /** Of responses and the objects that they refer to. */
    received: number;
  };
}

/** Counts objects and compressed contents. */
function counting(transfer: Transfer) {
  const saved = transfer.savedBytes ??= { sent: 0, received: 0 };
  return {
    sentInline: ({ raw, encoded }: Sizes) => void (saved.sent += raw - encoded),
    receivedInline: ({ raw, encoded }: Sizes) => void (saved.received += raw - encoded),
    sentObject: ({ raw, encoded }: Sizes) => {
      transfer.sentBytes += encoded;
      saved.sent += raw - encoded;
    },
    receivedObject: ({ raw, encoded }: Sizes) => {
      transfer.receivedBytes += encoded;
      saved.received += raw - encoded;
    },
  };
}

/** The progress of a job. */
export interface JobDelivery extends Delivery {
  /** Whether the function has responded like llama's runtime. */
  isLlama: boolean;
  /** How the job used kept results, if at all. */
  cache?: CacheUse | undefined;
}

/** Options for {@linkcode runJob}. */
export interface RunJobOptions {
  /** Whether to ask for the log's tail. */
  logs?: boolean | undefined;
  /** Seconds after which the runtime ends the command, from the arrival of the request. */
  timeoutSeconds?: number | undefined;
  /** Counts the bytes transferred; updated even if the job fails. */
  transfer?: Transfer | undefined;
  /** The files that all jobs share. */
  sharedFiles?: SharedFiles | undefined;
  /** Whether outputs that exist are refused. @default {false} */
  noClobber?: boolean | undefined;
  /** Whether outputs on this machine may be those of an incomplete kept result. @default {false} */
  mayHaveWritten?: boolean | undefined;
  /** Cancels the job; Lambda keeps running it. */
  signal?: AbortSignal | undefined;
  /** Cancels the job while it waits for Lambda's capacity. @default {signal} */
  admission?: AbortSignal | undefined;
  /** Receives the job's spans. */
  spans?: Spans | undefined;
  /** Updated while the job runs. */
  delivery?: JobDelivery | undefined;
  /** The job as the run's stragglers know it. @default {its request is not copied} */
  flight?: Flight | undefined;
  /** Receives the command's output while it runs; called once per attempt. */
  live?: (() => LiveSinks) | undefined;
  /** Called with each request before it is sent. */
  onRequest?: ((request: Request) => Promise<void>) | undefined;
  /** Called with the invocation whose response counts. */
  onInvoked?: ((invocation: Invocation) => void) | undefined;
}

/**
 * Runs one job: sends its files, invokes the function, writes its outputs.
 *
 * @returns The result, whatever the command's exit status.
 * @throws {LlamaError} If the job could not be run: an input cannot be read, the call failed, or the
 * function crashed.
 */
export async function runJob(
  runner: JobRunner,
  job: Job,
  options: RunJobOptions = {},
): Promise<JobResult> {
  const start = performance.now();
  const { signal, spans } = options;
  const transfer: Transfer = options.transfer ?? { sentBytes: 0, receivedBytes: 0 };
  signal?.throwIfAborted();
  checkOutputs(job.outputs);
  // An earlier attempt may have written them.
  const isFirst = transfer.sentBytes === 0 && !options.mayHaveWritten;
  if (options.noClobber && isFirst) await checkReplacesNothing(job.outputs);
  const shared = options.sharedFiles?.inputs;
  using inputs = job.inputs.length > 0 ? spans?.span("inputs") : undefined;
  const found = await findInputs(job.inputs, shared, runner.findObject);
  const objects = found.flatMap(({ object }) => object ?? []);
  if (objects.length > 0) await runner.objectChecks?.check(job.functionName, objects);
  inputs?.[Symbol.dispose]();
  await using live = options.live && new LiveJob(options.live(), runner);
  const sendOptions = { ...options, transfer, liveJob: live };
  const { invocation, response } = await send(runner, job, found, sendOptions);
  const { logTail, requestId } = invocation;
  if (options.delivery) options.delivery.isLlama = true;
  options.onInvoked?.(invocation);
  const received = await receive(runner, job, response, { ...options, transfer, liveJob: live });
  return {
    ...received,
    logTail,
    requestId,
    elapsedMilliseconds: performance.now() - start,
  };
}

/** The part of a result that its response holds. */
export type Received = Omit<JobResult, "logTail" | "requestId" | "elapsedMilliseconds">;

/**
 * Receives a job's response: writes its outputs, and fetches what it refers to.
 *
 * @param response The response, which is not trusted: only outputs of the job are written.
 * @returns The result. Outputs that could not be fetched are among its `outputErrors`.
 * @throws The reason of an aborted signal.
 */
export async function receive(
  runner: Pick<JobRunner, "store" | "features" | "outputFiles">,
  job: Job,
  response: Response,
  { transfer, sharedFiles, signal, spans, liveJob: live }:
    & Pick<RunJobOptions, "sharedFiles" | "signal" | "spans">
    & { readonly transfer: Transfer; readonly liveJob?: LiveJob | undefined },
): Promise<Received> {
  const { store } = runner;
  const { receivedInline, receivedObject } = counting(transfer);
  using _outputs = spans?.span("outputs");
  const needStore = () => {
    if (store) return store;
    throw new LlamaError(
      "config",
      "the function returned data through an object store, but none is configured",
      {
        hint: "set LLAMA_OBJECT_STORE to the function's store",
      },
    );
  };
  const succeeded = response.status === 0;
  const kinds = (runner.features ?? ownFeatures).contents;
  receivedInline(
    sizesOf([response.stdout, response.stderr, ...Object.values(response.outputs)], kinds),
  );
  const outputs = await writeOutputs(job.outputs, response.outputs, {
    succeeded,
    inputs: succeeded ? [] : [...job.inputs, ...sharedFiles?.inputs.values() ?? []],
    store: needStore,
    kinds,
    signal,
    spans,
    onStored: receivedObject,
  });
  const unreceived: LlamaError[] = [];
  const fetchOutput = async (name: string, blob: Blob): Promise<ReceivedOutput> => {
    try {
      return await receiveOutput(blob, {
        files: runner.outputFiles,
        store: needStore,
        kinds,
        signal,
        onStored: receivedObject,
      });
    } catch (cause) {
      if (isAbort(cause, signal)) throw cause;
      // The command has run and its files were written: keep the result.
      unreceived.push(cannotReceive(name, cause));
      return noOutput;
    }
  };
  const stdout = await fetchOutput("standard output", response.stdout);
  const stderr = await fetchOutput("standard error", response.stderr);
  const kept = live ? await live.finish({ stdout, stderr }) : { stdout, stderr };
  const files = [kept.stdout.file, kept.stderr.file].filter((file) => file !== undefined);
  return {
    status: response.status,
    stdout: kept.stdout.bytes,
    stdoutFile: kept.stdout.file,
    stderr: kept.stderr.bytes,
    stderrFile: kept.stderr.file,
    written: outputs.written,
    outputErrors: [...outputs.errors, ...unreceived],
    times: response.times,
    memory: response.memory,
    environment: response.environment,
    runtime: response.runtime,
    [Symbol.dispose]: () => {
      for (const file of files.splice(0)) removeOutput(file);
    },
  };
}

function cannotReceive(name: string, cause: unknown): LlamaError {
  return new LlamaError(
    cause instanceof LlamaError ? cause.code : "output",
    `cannot fetch ${name}: ${reasonOf(cause)}`,
    { cause, hint: cause instanceof LlamaError ? cause.hint : undefined },
  );
}

/** How often objects that the function did not find are sent again. */
const maxResends = 2;

/** A response and its invocation. */
interface Answered {
  readonly invocation: Invocation;
  readonly response: Response;
}

/**
 * Sends the job; again after uploading missing objects, and once without features if the function no
 * longer accepts them.
 */
async function send(
  runner: JobRunner,
  job: Job,
  found: Awaited<ReturnType<typeof findInputs>>,
  options: RunJobOptions & { transfer: Transfer; liveJob: LiveJob | undefined },
): Promise<Answered> {
  const { functionName } = job;
  const { sharedFiles, logs, timeoutSeconds, transfer, signal, admission, spans, flight } = options;
  const { delivery, liveJob } = options;
  const usable = (novel: NovelContents | undefined) =>
    // Older runtimes, too, have directories where this job needs them.
    novel?.files?.length && followsLinks(found, job.outputs, sharedFiles)
      ? { ...novel, files: [] }
      : novel;
  let novel = usable(await novelFor(runner, functionName));
  let isPresumed = false;
  const presume = async (error: unknown) => {
    const isTooLarge = error instanceof LlamaError && error.code === "too-large";
    // Older runtimes refuse such files, but may take such a standard input for an empty one.
    if (!isTooLarge || isPresumed || job.stdin !== undefined) throw error;
    novel = usable(await presumedFor(runner, functionName));
    if (novel === undefined) throw error;
    isPresumed = true;
  };
  const goPlain = () => {
    novel = undefined;
    runner.functions?.forget(functionName);
    runner.onReplacedRuntime?.(functionName);
  };
  for (let resends = 0;; resends++) {
    using inputs = spans?.span("inputs");
    const shared = await sharedFiles?.get(novel);
    const sinks = await liveJob?.sinksFor(functionName);
    const isLive = sinks !== undefined;
    const encodeOptions = { ...options, shared, novel, isLive };
    const encoded = await encode(runner, job, found, encodeOptions).catch(presume);
    if (encoded === undefined) continue;
    const { payload, used, sizes } = encoded;
    inputs?.[Symbol.dispose]();
    const call = async (call: Call): Promise<Answered> => {
      transfer.sentBytes += payload.length;
      counting(transfer).sentInline(sizes);
      const invocation = await runner.lambda.invoke(functionName, payload, {
        logs,
        timeoutSeconds,
        ...call,
        sinks,
        // What was streamed has arrived, whatever became of the rest.
      }).finally(() => void (transfer.receivedBytes += liveJob?.takeBytes() ?? 0));
      const { payload: answer, payloadBytes = Buffer.byteLength(answer) } = invocation;
      transfer.receivedBytes += payloadBytes;
      const response = readAnswer(functionName, invocation.payload, runner.features);
      call.spans?.answered(response.times);
      return { invocation, response };
    };
    const first = { signal, admission, spans, delivery: delivery ?? { mayHaveRun: false } };
    try {
      // Of two calls, only one may be shown.
      const { invocation, response } = flight === undefined || liveJob !== undefined
        ? await call(first)
        : await firstAnswer(call, first, flight, timeoutSeconds);
      if (isReliable(response, used)) {
        await learnFrom(runner, functionName, response);
        liveJob?.learn(functionName);
        return { invocation, response };
      }
      goPlain();
      // What was shown is not shown again.
      if (!runner.lambda.mayRetry || liveJob?.hasBegun) throw replacedRuntime(functionName);
    } catch (error) {
      if (error instanceof StreamingUnavailable && liveJob?.goBuffered()) continue;
      if (!(error instanceof FunctionError)) throw error;
      if (delivery && error.errorType.startsWith("Llama.")) delivery.isLlama = true;
      const { missingObjects } = error;
      if (novel !== undefined && used.size > 0 && isRefusal(error, novel)) {
        // It does not fit without.
        if (isPresumed) throw error;
        goPlain();
      } else if (missingObjects.length === 0) throw error;
      else if (runner.store === undefined || resends >= maxResends) throw elsewhere(error);
      for (const id of missingObjects) runner.store?.forget(id);
      // If sending them again does not help, the function may find them in their plain form.
      if (resends > 0) novel = undefined;
      if (shared && missingObjects.length > 0) await sharedFiles?.renew(shared, novel);
    }
  }
}

const encoder = new TextEncoder();

/**
 * Encodes the request. A separate function, so that only the encoded bytes stay in memory while the
 * job, one of perhaps a thousand, runs.
 *
 * @returns The bytes, the features that they use, and the sizes of compressed contents.
 */
async function encode(
  runner: JobRunner,
  job: Job,
  found: Awaited<ReturnType<typeof findInputs>>,
  { shared, novel, isLive, noClobber, timeoutSeconds, transfer, signal, spans, onRequest }:
    & RunJobOptions
    & {
      readonly isLive: boolean;
      readonly shared: EncodedFiles | undefined;
      readonly novel: NovelContents | undefined;
      readonly transfer: Transfer;
    },
): Promise<{ payload: Uint8Array<ArrayBuffer>; used: ReadonlySet<string>; sizes: Sizes }> {
  const { store, features = ownFeatures } = runner;
  const accept = contentNames(usedFeatures(runner));
  const request: Request = {
    args: [...job.args],
    // An object among the files is such a guard, too.
    files: found.some(({ object }) => object)
      ? { ...shared }
      : { ...shared, ...guardOf(job, novel?.refusal) },
    outputs: [
      ...new Set(
        job.outputs.filter(({ local }) => !isS3Url(local)).map(({ remote }) => remote),
      ),
    ],
    ...uploadsOf(job, noClobber),
    timeout: timeoutSeconds ?? (isLive ? longestSeconds : undefined),
    client: version,
    accept: accept.length === 0 ? undefined : accept,
    stream: isLive || undefined,
  };
  if (found.length > 0 || job.stdin !== undefined) {
    const reserved = encoder.encode(JSON.stringify(request)).length;
    const onStored = counting(transfer).sentObject;
    const options = { store, novel, signal, spans, onStored };
    const encoded = await encodeInputs(found, job.stdin, reserved, options);
    Object.assign(request.files, encoded.files);
    request.stdin = encoded.stdin;
  }
  await onRequest?.(request);
  return {
    payload: encoder.encode(JSON.stringify(request)),
    used: featuresUsed(request, novel),
    sizes: sizesOf([request.stdin ?? {}, ...Object.values(request.files)], features.contents),
  };
}

/** Returns the part of a request that has outputs written to S3. */
function uploadsOf({ outputs }: Job, noClobber = false): Pick<Request, "needs" | "uploads"> {
  const uploads = outputs.filter(({ local }) => isS3Url(local)).map(({ remote, local }) =>
    [remote, { u: local, ...noClobber ? { ifNoneMatch: true } : {} }] as const
  );
  if (uploads.length === 0) return {};
  return { needs: [uploadsNeed], uploads: Object.fromEntries(uploads) };
}

/**
 * Returns a file that older runtimes refuse, if the job has outputs that they would not write: an
 * empty directory below that of objects.
 */
function guardOf({ outputs }: Job, refusal = newerRequest()): Request["files"] {
  const object = outputs.find(({ local }) => isS3Url(local));
  return object ? { [guardOfObject(object.local)]: { d: true, e: refusal } } : {};
}

/** Objects that are still missing after resending: the function must be reading another store. */
function elsewhere({ functionName, ...details }: FunctionError): FunctionError {
  return new FunctionError(functionName, details, {
    hint: "the function's LLAMA_OBJECT_STORE must name the same store as yours",
  });
}
