/**
 * Sends jobs to functions.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Invocation } from "../aws/api/lambda_invoke.ts";
import { StreamingUnavailable } from "../aws/api/lambda_stream.ts";
import type { NovelContents } from "../store/blob.ts";
import { FunctionError, LlamaError } from "../errors.ts";
import { contentNames, ownFeatures, type Sizes, sizesOf, uploadsNeed } from "../features.ts";
import { longestSeconds } from "../limits.ts";
import { newerRequest, type Request, type Response } from "../protocol.ts";
import { guardOfObject } from "../store/s3_path.ts";
import { isS3Url } from "../store/s3_url.ts";
import { version } from "../version.ts";
import { readAnswer } from "./foreign_answer.ts";
import { type Call, firstAnswer } from "./first_answer.ts";
import { encodeInputs, type findInputs } from "./inputs.ts";
import type { Job } from "./job.ts";
import type { LiveJob } from "./live_job.ts";
import {
  featuresUsed,
  isRefusal,
  isReliable,
  learnFrom,
  novelFor,
  presumedFor,
  replacedRuntime,
  usedFeatures,
} from "./negotiation.ts";
import { type EncodedFiles, followsLinks } from "./shared_files.ts";
import type { JobRunner, RunJobOptions } from "./run_options.ts";
import { countInline, countObject, type Transfer } from "./transfer.ts";

/** How often objects that the function did not find are sent again. */
const maxResends = 2;

/** A response and its invocation. */
export interface Answered {
  readonly invocation: Invocation;
  readonly response: Response;
}

/**
 * Sends the job; again after uploading missing objects, and once without features if the function no
 * longer accepts them.
 */
export async function send(
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
      countInline(transfer, "sent", sizes);
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
    files: { ...shared },
    outputs: [],
    timeout: timeoutSeconds ?? (isLive ? longestSeconds : undefined),
    client: version,
    accept: accept.length === 0 ? undefined : accept,
    stream: isLive || undefined,
  };
  if (job.outputs.length > 0) {
    addOutputs(request, job, { found, refusal: novel?.refusal, noClobber });
  }
  if (found.length > 0 || job.stdin !== undefined) {
    const reserved = Buffer.byteLength(JSON.stringify(request));
    const onStored = (sizes: Sizes) => countObject(transfer, "sent", sizes);
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

/** Adds a job's outputs to its request: those that come back, and those that go to S3. */
function addOutputs(
  request: Request,
  { outputs }: Job,
  { found, refusal = newerRequest(), noClobber = false }: {
    readonly found: Awaited<ReturnType<typeof findInputs>>;
    readonly refusal: string | undefined;
    readonly noClobber: boolean | undefined;
  },
): void {
  const objects = outputs.filter(({ local }) => isS3Url(local));
  const others = outputs.filter(({ local }) => !isS3Url(local));
  request.outputs = [...new Set(others.map(({ remote }) => remote))];
  const [object] = objects;
  if (object === undefined) return;
  request.needs = [uploadsNeed];
  request.uploads = Object.fromEntries(
    objects.map(({ remote, local }) =>
      [remote, { u: local, ...noClobber ? { ifNoneMatch: true } : {} }] as const
    ),
  );
  // A file that older runtimes refuse, since they would not write the objects: an empty directory
  // below theirs. An object among the inputs is such a guard, too.
  if (found.some(({ object }) => object)) return;
  request.files[guardOfObject(object.local)] = { d: true, e: refusal };
}

/** Objects that are still missing after resending: the function must be reading another store. */
function elsewhere({ functionName, ...details }: FunctionError): FunctionError {
  return new FunctionError(functionName, details, {
    hint: "the function's LLAMA_OBJECT_STORE must name the same store as yours",
  });
}
