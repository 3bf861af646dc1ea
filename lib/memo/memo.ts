/**
 * Kept results: a job whose function, arguments and inputs are those of an earlier one is not run.
 *
 * @module
 */

import type { FunctionIdentity } from "../aws/api/lambda_identity.ts";
import { isAbort, LlamaError } from "../errors.ts";
import { ownFeatures } from "../features.ts";
import { readAnswer } from "../jobs/foreign_answer.ts";
import { type CacheUse, type Job, type JobResult, succeeded } from "../jobs/job.ts";
import { checkReplacesNothing } from "../jobs/no_clobber.ts";
import { checkOutputs } from "../jobs/outputs.ts";
import { receive } from "../jobs/receive.ts";
import type { RunJobOptions } from "../jobs/run_options.ts";
import type { Blob, Response } from "../protocol.ts";
import { inlineBlob } from "../store/blob.ts";
import { isS3Url } from "../store/s3_url.ts";
import { differences } from "./compare.ts";
import { haveLinks, InputHashes, sameInputs } from "./contents.ts";
import { type Entry, maxEntryBytes, objectsOf, parseEntry } from "./entry.ts";
import { keyOf, type KeyParts } from "./key.ts";
import { play, watch } from "./live_output.ts";
import type { MemoOptions } from "./options.ts";
import { ResultWriter } from "./result_writer.ts";
import { type S3Output, S3Outputs } from "./s3_outputs.ts";

/** A job's key, and what was found under it. */
interface Looked {
  readonly key: string;
  readonly parts: KeyParts;
  readonly entry: Entry | undefined;
  readonly why: string | undefined;
  /** Whether a kept result that turned out to be incomplete has written outputs. */
  readonly hasWritten?: boolean;
  /** The entry's outputs in S3, which are as it says. @default {none} */
  readonly objects?: readonly S3Output[] | undefined;
}

/** The kept results of one function, for one run. Close it to write what is pending. */
export class Memo {
  readonly #options: MemoOptions;
  readonly #now: () => number;
  readonly #hashes: InputHashes;
  readonly #outputs: S3Outputs;
  readonly #writer: ResultWriter;
  /** A job that is retried is looked up once. */
  readonly #looked = new WeakMap<Job, Looked>();
  /** Why no more results are read. */
  #unreadable: LlamaError | undefined;

  /** @param options The function, where its results are kept, and what to do with them. */
  constructor(options: MemoOptions) {
    this.#options = options;
    this.#hashes = new InputHashes(options.identifyObject);
    this.#now = options.now ?? Date.now;
    this.#outputs = new S3Outputs(options.identifyObject);
    this.#writer = new ResultWriter(options);
  }

  /** The number of results that should have been kept and were not. */
  get unkept(): number {
    return this.#writer.unkept;
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
    if (this.#writer.hasChanged) {
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
        this.#writer.cannotKeep(1, "an input changed while it was being sent");
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
        ...await this.#outputs.replaced(looked.objects ?? []),
      ];
      use.state = found.length === 0 ? "same" : "impure";
      use.why = found.length === 0
        ? undefined
        : `differs from the kept result: ${found.join(", ")}`;
      if (use.state === "same" && haveOtherEtags(entry.response, now)) {
        await this.#writer.keep({ key, parts, payload, result });
      }
    } else if (succeeded(result)) {
      await this.#writer.keep({ key, parts, payload, result });
    }
    return { ...watched.shown(result), cache: use };
  }

  /** Writes what is pending, and tells the user what could not be kept. */
  async close(): Promise<void> {
    await this.#writer.close();
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
    let objects: readonly S3Output[] | undefined;
    try {
      const bytes = await place.results.read(key, maxEntryBytes, signal);
      entry = bytes && parseEntry(bytes, key, functionName, runner.features);
      why = entry && this.#whyOutdated(entry);
      if (entry !== undefined && why === undefined) {
        const found = await this.#outputs.find(parts, entry, signal);
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
      this.#writer.cannotKeep(1, error.message, error.hint);
      return undefined;
    }
  }
}

/** Reports whether S3 tells the objects of equal results apart, as those that KMS encrypts. */
function haveOtherEtags(before: Response, now: Response): boolean {
  return Object.entries(now.outputs).some(([remote, { t }]) => before.outputs[remote]?.t !== t);
}

/** Returns the error for a job that would have to run, and must not. */
function notCached(why: string | undefined): LlamaError {
  return new LlamaError("not-cached", `no kept result: ${why ?? "this job was not kept"}`, {
    hint: "run it without -cache-only",
  });
}
