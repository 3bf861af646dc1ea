/**
 * Kept results: a job whose function, arguments and inputs are those of an earlier one is not run.
 *
 * @module
 */

import { mapConcurrently } from "../async/concurrency.ts";
import type { FunctionIdentity } from "../aws/api/lambda_identity.ts";
import type { CostMeter } from "../cost/cost.ts";
import { isAbort, LlamaError, messageOf } from "../errors.ts";
import { ownFeatures } from "../features.ts";
import { readAnswer } from "../jobs/foreign_answer.ts";
import { removeOutput } from "../jobs/big_output.ts";
import { type CacheUse, type Job, type JobResult, succeeded } from "../jobs/job.ts";
import { LiveJob, type LiveSinks } from "../jobs/live_job.ts";
import { checkReplacesNothing } from "../jobs/no_clobber.ts";
import { checkOutputs } from "../jobs/outputs.ts";
import { type JobRunner, receive, type Received, type RunJobOptions } from "../jobs/run.ts";
import type { Blob, Response } from "../protocol.ts";
import { inlineBlob } from "../store/blob.ts";
import type { IdentifiedObject } from "../store/s3_files.ts";
import { isS3Url } from "../store/s3_url.ts";
import type { KeptResults, ObjectStore } from "../store/store.ts";
import { countText } from "../text/amounts.ts";
import { differences } from "./compare.ts";
import { haveLinks, type IdentifyObject, InputHashes, sameInputs } from "./contents.ts";
import { type Entry, formatEntry, maxEntryBytes, objectsOf, parseEntry } from "./entry.ts";
import type { History } from "./history.ts";
import { keyOf, type KeyParts } from "./key.ts";

/**
 * What to do with kept results: use and write them (`on`); never run a job that has none (`only`);
 * run all jobs and replace what is kept (`refresh`); run all jobs and compare (`verify`).
 */
export type CacheMode = "on" | "only" | "refresh" | "verify";

/** Where results are kept. */
export interface MemoPlace {
  /** The results. */
  readonly results: KeptResults;
  /** Copies an object that would not outlive the run; absent if the store keeps its objects. */
  readonly keepObject?: ((blob: Blob, signal?: AbortSignal) => Promise<void>) | undefined;
  /** The store of the results' objects. */
  readonly objects: ObjectStore;
}

/** Options for {@linkcode Memo}. */
export interface MemoOptions {
  /** The function, as the user names it. */
  readonly functionName: string;
  /** What to do. */
  readonly mode: CacheMode;
  /** Whether this client may only read. */
  readonly isReadOnly: boolean;
  /** The connection that runs the jobs. */
  readonly runner: Pick<JobRunner, "features" | "outputFiles">;
  /** Where results are kept. */
  readonly place: MemoPlace;
  /** The history, to write; read only if misses are explained. */
  readonly history: History | undefined;
  /** Whether to say what has changed where there is no kept result. */
  readonly explains: boolean;
  /** The function as it was when the run began. */
  readonly first: FunctionIdentity;
  /** Looks up objects in S3. */
  readonly identifyObject: IdentifyObject;
  /** Reads the function as it is now. */
  readonly identify: (signal: AbortSignal | undefined) => Promise<FunctionIdentity>;
  /** Returns a cost meter for what was saved. */
  readonly meter: () => Promise<CostMeter>;
  /** Tells the user what happened. */
  readonly notice: (message: string, hint?: string) => void;
  /** Drops what is to be written. */
  readonly signal: AbortSignal | undefined;
  /** Returns the time in milliseconds since 1970. @default {Date.now} */
  readonly now?: (() => number) | undefined;
}

/** A result to be written. */
interface Pending {
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly objects: readonly Blob[];
  readonly line: string | undefined;
}

/** An output in S3. */
interface Output extends IdentifiedObject {
  readonly url: string;
}

/** A job's key, and what was found under it. */
interface Looked {
  readonly key: string;
  readonly parts: KeyParts;
  readonly entry: Entry | undefined;
  readonly why: string | undefined;
  /** Whether a kept result that turned out to be incomplete has written outputs. */
  readonly hasWritten?: boolean;
  /** The entry's outputs in S3, which are as it says. @default {none} */
  readonly objects?: readonly Output[] | undefined;
}

/** A batch is written when it has this many results, */
const batchResults = 64;

/** or this many bytes, */
const batchBytes = 4 * 1024 * 1024;

/** or when its first result is this old. A client that is killed loses no more. */
const batchMilliseconds = 1000;

/** The number of batches that are written or wait; jobs that end meanwhile wait for them. */
const mostBatches = 4;

/** The concurrency of writing a batch. */
const writeConcurrency = 16;

/** The concurrency of looking up one job's outputs in S3. */
const lookConcurrency = 4;

/** The kept results of one function, for one run. Close it to write what is pending. */
export class Memo {
  readonly #options: MemoOptions;
  readonly #now: () => number;
  readonly #hashes: InputHashes;
  /** A job that is retried is looked up once. */
  readonly #looked = new WeakMap<Job, Looked>();
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** The number of batches that are being written, or wait for it. */
  #batches = 0;
  /** Why no more results are read. */
  #unreadable: LlamaError | undefined;
  /** Why no more results are written. */
  #unwritable: string | undefined;
  /** Why the first result was not kept. */
  #reason: { readonly why: string; readonly hint: string | undefined } | undefined;
  #hasChanged = false;
  #unkept = 0;

  /** @param options The function, where its results are kept, and what to do with them. */
  constructor(options: MemoOptions) {
    this.#options = options;
    this.#hashes = new InputHashes(options.identifyObject);
    this.#now = options.now ?? Date.now;
  }

  /** The number of results that should have been kept and were not. */
  get unkept(): number {
    return this.#unkept;
  }

  /**
   * Returns the kept result of a job, or runs it.
   *
   * @param job The job.
   * @param options As for `runJob`.
   * @param runOnce Runs the job.
   * @returns The result.
   * @throws {LlamaError} `not-cached` in mode `only`; otherwise as `runJob`.
   */
  async run(
    job: Job,
    options: RunJobOptions,
    runOnce: (job: Job, options: RunJobOptions) => Promise<JobResult>,
  ): Promise<JobResult> {
    const { mode, functionName } = this.#options;
    if (this.#hasChanged) {
      if (mode === "only") throw notCached("the function changed during the run");
      return await runOnce(job, options);
    }
    let looked = this.#looked.get(job);
    if (looked === undefined) {
      looked = await this.#lookUp(job, options);
      if (mode !== "refresh" && mode !== "verify" && looked.entry !== undefined) {
        // As `runJob` does before it sends anything.
        checkOutputs(job.outputs);
        // Objects that are there are those that the job would write again.
        if (options.noClobber) await checkReplacesNothing(job.outputs);
        const hit = await this.#receive(job, looked.entry, options);
        if (hit instanceof LlamaError) {
          const why = `of the kept result, ${hit.message}`;
          looked = { ...looked, entry: undefined, why, hasWritten: true };
        } else return hit;
      }
      this.#looked.set(job, looked);
    }
    const { key, parts, entry, hasWritten = false } = looked;
    const { delivery } = options;
    const use: CacheUse = entry !== undefined && mode === "refresh"
      ? { state: "refreshed" }
      : { state: "miss", why: looked.why };
    const isCompared = entry !== undefined && mode === "verify";
    // A job that is compared and fails says nothing about the kept result.
    if (delivery && !isCompared) delivery.cache = use;
    if (mode === "only") throw notCached(looked.why);
    const kinds = (this.#options.runner.features ?? ownFeatures).contents;
    let isSame = true;
    let payload: string | undefined;
    let version: string | undefined;
    const watched = watch(options.live);
    const result = await runOnce(job, {
      ...options,
      mayHaveWritten: hasWritten,
      live: watched.live,
      onRequest: async (request) => {
        isSame = sameInputs(parts, await this.#hashes.sent(request, kinds));
      },
      onInvoked: (invocation) => ({ payload, version } = invocation),
    });
    if (payload === undefined || !isSame) {
      // A function's first job is sent without links, since it may not accept them.
      if (!isSame && !haveLinks(parts)) {
        this.#cannotKeep(1, "an input changed while it was being sent");
      }
      return isCompared ? watched.shown(result) : { ...watched.shown(result), cache: use };
    }
    if (options.live) payload = await this.#wholePayload(payload, result);
    if (payload === undefined) return watched.shown(result);
    if (version !== undefined && version !== this.#first.version) {
      // An alias may lead to two versions at a time; the key names one of them.
      use.why = `version ${version} of the function ran it`;
      if (delivery) delivery.cache = use;
    } else if (isCompared) {
      if (delivery) delivery.cache = use;
      const now = readAnswer(functionName, payload, this.#options.runner.features);
      const found = [
        ...await differences(entry.response, now, kinds),
        ...await this.#replaced(looked.objects ?? []),
      ];
      use.state = found.length === 0 ? "same" : "impure";
      use.why = found.length === 0
        ? undefined
        : `differs from the kept result: ${found.join(", ")}`;
      if (use.state === "same" && haveOtherEtags(entry.response, now)) {
        await this.#keep({ key, parts, payload, result });
      }
    } else if (succeeded(result)) {
      await this.#keep({ key, parts, payload, result });
    }
    return { ...watched.shown(result), cache: use };
  }

  /** Writes what is pending, and tells the user what could not be kept. */
  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
    if (this.#reason === undefined || this.#options.signal?.aborted) return;
    const { why, hint } = this.#reason;
    this.#options.notice(`${countText(this.#unkept, "result")} could not be kept: ${why}`, hint);
  }

  get #first(): FunctionIdentity {
    return this.#options.first;
  }

  async #lookUp(job: Job, options: RunJobOptions): Promise<Looked> {
    const { functionName, runner, place, mode } = this.#options;
    const { signal, spans } = options;
    using _span = spans?.span("cache");
    const parts: KeyParts = {
      ...await this.#hashes.of(job, options.sharedFiles, signal),
      function: this.#first.identity,
      args: job.args,
      outputs: job.outputs.map(({ remote }) => remote),
      uploads: new Map(
        job.outputs.flatMap(({ remote, local }) => isS3Url(local) ? [[remote, local]] : []),
      ),
    };
    const key = keyOf(parts);
    if (this.#unreadable !== undefined) {
      return { key, parts, entry: undefined, why: "kept results cannot be read" };
    }
    let entry: Entry | undefined;
    let why: string | undefined;
    let objects: readonly Output[] | undefined;
    try {
      const bytes = await place.results.read(key, maxEntryBytes, signal);
      entry = bytes && parseEntry(bytes, key, functionName, runner.features);
      why = entry && this.#whyOutdated(entry);
      if (entry !== undefined && why === undefined) {
        const found = await this.#findOutputs(parts, entry, signal);
        if (typeof found === "string") why = found;
        else objects = found;
      }
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      if (!(error instanceof LlamaError)) throw error;
      why = error.message;
      // An entry that is damaged or too large says nothing about the others.
      if (error.code !== "protocol" && error.code !== "too-large") this.#cannotRead(error);
    }
    if (why !== undefined) return { key, parts, entry: undefined, why };
    if (entry === undefined && mode !== "refresh" && this.#options.explains) {
      why = this.#options.history?.whyMissed(key, parts, this.#first.lastModified);
    }
    return { key, parts, entry, why, objects };
  }

  /** Returns a result's outputs in S3, or why one of them is no longer what the job has written. */
  async #findOutputs(
    { uploads = new Map() }: KeyParts,
    { response: { outputs } }: Entry,
    signal: AbortSignal | undefined,
  ): Promise<readonly Output[] | string> {
    const found = await mapConcurrently([...uploads], lookConcurrency, async ([remote, url]) => {
      const { u, t, n } = (Object.hasOwn(outputs, remote) ? outputs[remote] : undefined) ?? {};
      if (u !== url || t === undefined) return `it does not say what the job wrote to ${url}`;
      const object = await this.#identifyOutput(url);
      if (typeof object === "string") return object;
      return object.etag === t && object.size === n
        ? object
        : `output ${url} has changed since it was kept`;
    }, signal);
    const why = found.find((each) => typeof each === "string");
    return why ?? found.filter((each) => typeof each !== "string");
  }

  /** Returns an object, or why it cannot be found. */
  async #identifyOutput(url: string): Promise<Output | string> {
    try {
      return { ...await this.#options.identifyObject(url), url };
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      return `output ${url}: ${error.message}`;
    }
  }

  /** Returns the outputs in S3 that a job has replaced by others. */
  async #replaced(objects: readonly Output[]): Promise<string[]> {
    const changed = await mapConcurrently(objects, lookConcurrency, async (before) => {
      const after = await this.#identifyOutput(before.url);
      if (typeof after === "string") return [after];
      const isSame = before.sha256 !== undefined && after.sha256 !== undefined
        ? before.sha256 === after.sha256
        : before.etag === after.etag && before.size === after.size;
      return isSame ? [] : [`output ${JSON.stringify(before.url)}`];
    });
    return changed.flat();
  }

  /**
   * Reports whether a job has a kept result that {@linkcode Memo.run} would use.
   *
   * @throws What the file system throws if an input cannot be read.
   */
  async has(job: Job, options: RunJobOptions): Promise<boolean> {
    return (await this.#lookUp(job, options)).entry !== undefined;
  }

  /** Returns why an entry is not used although it is whole. */
  #whyOutdated({ created, response }: Entry): string | undefined {
    const { lifetimeMilliseconds } = this.#options.place.results;
    const age = this.#now() - created;
    if (age > lifetimeMilliseconds) return "the kept result has expired";
    // Its objects are at most half a lifetime older than it is.
    return age > lifetimeMilliseconds / 2 && objectsOf(response).length > 0
      ? "the files of the kept result are about to expire"
      : undefined;
  }

  #cannotRead(error: LlamaError): void {
    if (this.#unreadable !== undefined) return;
    // Without s3:ListBucket, S3 says this for results that are not there, too.
    if (error.code !== "credentials") this.#unreadable = error;
    this.#options.notice(`kept results cannot be read: ${error.message}`, error.hint);
  }

  /** Writes the outputs of a kept result; returns the error if its objects are gone. */
  async #receive(
    job: Job,
    { response, billedMilliseconds, memory, arch }: Entry,
    options: RunJobOptions,
  ): Promise<JobResult | LlamaError> {
    const start = performance.now();
    const { runner, place } = this.#options;
    const transfer = options.transfer ?? { sentBytes: 0, receivedBytes: 0 };
    // The times and the memory are those of another invocation.
    const { status, stdout, stderr, outputs } = response;
    const received = await receive({ ...runner, store: place.objects }, job, {
      status,
      stdout,
      stderr,
      outputs,
    }, { ...options, transfer });
    // Any other cause than the entry's own, such as a full disk, would fail the job as well.
    const lost = received.outputErrors.find(({ cause }) =>
      cause === undefined || cause instanceof LlamaError
    );
    if (lost !== undefined) {
      received[Symbol.dispose]();
      return lost;
    }
    const cost = (await this.#options.meter()).costOf({
      elapsedMilliseconds: billedMilliseconds,
      times: { e2e: billedMilliseconds * 1e6 },
      environment: { memory, arch },
    });
    const cache: CacheUse = {
      state: "hit",
      savedMilliseconds: billedMilliseconds,
      savedDollars: memory === undefined ? undefined : cost.dollars,
    };
    const { delivery } = options;
    // Only llama's runtime can have sent the response that was kept.
    if (delivery) Object.assign(delivery, { isLlama: true, cache });
    return {
      ...options.live === undefined ? received : await play(received, options.live, runner),
      logTail: undefined,
      requestId: undefined,
      elapsedMilliseconds: performance.now() - start,
      cache,
    };
  }

  /** Returns a response with the output that was streamed before it; undefined if that is too large. */
  async #wholePayload(payload: string, result: JobResult): Promise<string | undefined> {
    const { functionName, runner, place, signal } = this.#options;
    const blob = async (bytes: Uint8Array, file: string | undefined): Promise<Blob> => {
      return file === undefined
        ? inlineBlob(bytes).blob
        : { r: await place.objects.putFile(file, signal) };
    };
    const response = readAnswer(functionName, payload, runner.features);
    try {
      return JSON.stringify({
        ...response,
        stdout: await blob(result.stdout, result.stdoutFile),
        stderr: await blob(result.stderr, result.stderrFile),
      });
    } catch (error) {
      if (isAbort(error, signal) || !(error instanceof LlamaError)) throw error;
      // The job itself has succeeded.
      this.#cannotKeep(1, error.message, error.hint);
      return undefined;
    }
  }

  async #keep({ key, parts, payload, result }: {
    readonly key: string;
    readonly parts: KeyParts;
    readonly payload: string;
    readonly result: JobResult;
  }): Promise<void> {
    const { isReadOnly, functionName, runner, place, history } = this.#options;
    if (isReadOnly) return;
    if (this.#unwritable !== undefined) return this.#cannotKeep(1, this.#unwritable);
    const { billedMilliseconds, memory } = (await this.#options.meter()).costOf(result);
    const arch = result.environment?.arch;
    const cost = { billedMilliseconds, memory, arch };
    const bytes = formatEntry(key, payload, cost, this.#now());
    if (bytes.length > maxEntryBytes) return this.#cannotKeep(1, "its output is too large");
    const objects = place.keepObject === undefined
      ? []
      : objectsOf(readAnswer(functionName, payload, runner.features));
    const line = history?.line(key, parts, this.#first.lastModified);
    this.#pending.push({ key, bytes, objects, line });
    this.#pendingBytes += bytes.length;
    if (this.#pending.length >= batchResults || this.#pendingBytes >= batchBytes) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), batchMilliseconds);
    if (this.#batches >= mostBatches) await this.#writing;
  }

  /** Starts to write what is pending, after what is being written. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (batch.length === 0) return;
    this.#batches++;
    this.#writing = this.#writing.then(() => this.#write(batch)).then(() => void this.#batches--);
  }

  /** Writes a batch, unless the function is no longer the one that the keys name. Never rejects. */
  async #write(batch: readonly Pending[]): Promise<void> {
    const { place, history, functionName, signal } = this.#options;
    if (signal?.aborted) return;
    if (this.#unwritable !== undefined) return this.#cannotKeep(batch.length, this.#unwritable);
    let written = 0;
    try {
      // A numbered version never changes; `NAME:$LATEST` names its version, too, and does.
      const { version } = this.#first;
      const isFixed = version !== "$LATEST" && functionName.endsWith(`:${version}`);
      const { revision } = isFixed ? this.#first : await this.#options.identify(signal);
      if (revision !== this.#first.revision) {
        this.#hasChanged = true;
        throw new LlamaError("config", `${functionName} changed during the run`, {
          hint: "run it again: the jobs that ran before the change may run once more",
        });
      }
      await mapConcurrently(batch, writeConcurrency, async ({ key, bytes, objects }) => {
        for (const blob of objects) await place.keepObject?.(blob, signal);
        await place.results.write(key, bytes, signal);
        written++;
      }, signal);
      history?.append(batch.flatMap(({ line }) => line ?? []));
    } catch (error) {
      if (isAbort(error, signal)) return;
      const hint = error instanceof LlamaError ? error.hint : undefined;
      this.#cannotKeep(batch.length - written, messageOf(error), hint);
      // The next ones would fail as well, each after its own retries.
      this.#unwritable ??= messageOf(error);
    }
  }

  #cannotKeep(count: number, why: string, hint?: string): void {
    this.#reason ??= { why, hint };
    this.#unkept += count;
  }
}

/** Reports whether S3 tells the objects of equal results apart, as those that KMS encrypts. */
function haveOtherEtags(before: Response, now: Response): boolean {
  return Object.entries(now.outputs).some(([remote, { t }]) => before.outputs[remote]?.t !== t);
}

/** Has a job keep the output that it streams. */
function watch(live: RunJobOptions["live"]): {
  readonly live: RunJobOptions["live"];
  /** Returns the result as it would have been. */
  readonly shown: (result: JobResult) => JobResult;
} {
  let isKept = true;
  return {
    live: live && (() => {
      const sinks = live();
      isKept = sinks.isKept ?? false;
      return { ...sinks, isKept: true };
    }),
    // The result still removes its files when it is disposed of.
    shown: (result) => isKept ? result : { ...result, ...noStreams },
  };
}

/** The output of a result that has passed it on. */
const noStreams = {
  stdout: new Uint8Array(),
  stdoutFile: undefined,
  stderr: new Uint8Array(),
  stderrFile: undefined,
};

/** Passes the output of a kept result on, as if it had been streamed. */
async function play(
  received: Received,
  live: () => LiveSinks,
  runner: Pick<JobRunner, "outputFiles">,
): Promise<Received> {
  await using job = new LiveJob(live(), runner);
  const { stdout, stdoutFile, stderr, stderrFile } = received;
  const kept = await job.finish({
    stdout: { bytes: stdout, file: stdoutFile, size: stdout.length },
    stderr: { bytes: stderr, file: stderrFile, size: stderr.length },
  });
  const files = [kept.stdout.file, kept.stderr.file].filter((file) => file !== undefined);
  return {
    ...received,
    stdout: kept.stdout.bytes,
    stdoutFile: kept.stdout.file,
    stderr: kept.stderr.bytes,
    stderrFile: kept.stderr.file,
    [Symbol.dispose]: () => {
      for (const file of files.splice(0)) removeOutput(file);
    },
  };
}

/** Returns the error for a job that would have to run, and must not. */
function notCached(why: string | undefined): LlamaError {
  return new LlamaError("not-cached", `no kept result: ${why ?? "this job was not kept"}`, {
    hint: "run it without -cache-only",
  });
}
