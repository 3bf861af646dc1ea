/**
 * The library: a connection to Lambda and an object store, and the jobs that run over it.
 *
 * @module
 */

import { join } from "node:path";
import { Connection } from "./client/connection.ts";
import type {
  InvokeOptions,
  LlamaOptions,
  MapOptions,
  RequestTotals,
  RunOptions,
} from "./client/options.ts";
import { RuntimeNotices } from "./client/runtime_notices.ts";
import { CostMeter } from "./cost/cost.ts";
import { defaultPrices, pricesOf } from "./cost/prices.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { LlamaError } from "./errors.ts";
import { removeIfThere } from "./files/whole.ts";
import { expandInputs } from "./jobs/input_directory.ts";
import { encodeInputs, findInputs } from "./jobs/inputs.ts";
import type { Job, JobResult } from "./jobs/job.ts";
import type { Line } from "./jobs/job_input.ts";
import type { JobOutcome } from "./jobs/map_options.ts";
import { novelFor } from "./jobs/negotiation.ts";
import { runJob } from "./jobs/run.ts";
import type { RunJobOptions } from "./jobs/run_options.ts";
import { type EncodedFiles, SharedFiles } from "./jobs/shared_files.ts";
import { maxSharedInlineBytes } from "./limits.ts";
import type { Memo } from "./memo/memo.ts";
import { FoundObjects } from "./store/found_objects.ts";
import type { IdentifiedObject, ListedObject, S3Object } from "./store/s3_files.ts";
import { showUncaughtHints } from "./terminal/uncaught.ts";

/**
 * Runs UNIX commands in AWS Lambda. Connections are opened by the first job; close the `Llama` when done.
 *
 * @example
 * ```ts
 * await using llama = new Llama({ local: { commands: [{ name: "hello", command: "echo" }] } });
 * const { status, stdout } = await llama.invoke("hello", ["world"]); // 0, "world\n"
 * ```
 */
export class Llama implements AsyncDisposable {
  readonly #options: LlamaOptions;
  readonly #environment: Environment;
  readonly #connection: Connection;
  readonly #objects = new FoundObjects();
  readonly #runtimes: RuntimeNotices;
  #inFlight = 0;

  /**
   * Creates a client. It connects when it is first used.
   *
   * @param options How to reach Lambda and the store.
   */
  constructor(options: LlamaOptions = {}) {
    showUncaughtHints();
    this.#options = options;
    this.#environment = options.environment ?? readEnvironment();
    this.#runtimes = new RuntimeNotices((message, hint) => options.onNotice?.(message, hint));
    this.#connection = new Connection(options, this.#environment, {
      onReplacedRuntime: (functionName) => this.#runtimes.replaced(functionName),
      findObject: (url) => this.findObject(url),
    });
  }

  /** The number of requests sent to AWS so far, including retries. */
  get requests(): RequestTotals {
    return this.#connection.requests;
  }

  /**
   * Returns the region that functions are invoked in.
   *
   * @returns The region, such as `us-west-2`.
   * @throws {LlamaError} `config` if none is set.
   */
  async region(): Promise<string> {
    return await (await this.#connection.open()).runner.lambda.region();
  }

  /**
   * Whether the functions run on this machine, in llama's emulator, at no cost. For an emulator in
   * another process, this is known after its first response.
   */
  get isLocal(): boolean {
    return this.#connection.isLocal;
  }

  /**
   * Looks up an object in S3, once for all jobs that read it.
   *
   * @param url `s3://BUCKET/KEY`.
   * @returns Its size and ETag.
   * @throws {LlamaError} `input` if there is none, or it may not be read; `config`, `credentials` and
   * `network`.
   */
  async findObject(url: string): Promise<S3Object> {
    return await this.#objects.find(url, async () => await (await this.#connection.s3()).find(url));
  }

  async #identifyObject(url: string): Promise<IdentifiedObject> {
    const object = await (await this.#connection.s3()).identify(url);
    // A job is sent with the object that its key names.
    this.#objects.add(url, object);
    return object;
  }

  /**
   * Reads an object in S3, by way of a temporary file.
   *
   * @param url `s3://BUCKET/KEY`.
   * @param signal Ends the download.
   * @returns Its bytes; the file is gone once they have been read.
   * @throws {LlamaError} As {@linkcode Llama.findObject}.
   */
  async openObject(url: string, signal?: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const directory = await Deno.makeTempDir({
      dir: this.#environment["TMPDIR"] || "/tmp",
      prefix: "llama-object-",
    });
    try {
      const path = join(directory, "object");
      const files = await this.#connection.s3();
      await files.read(url, path, await this.findObject(url), signal);
      // It stays readable without its name.
      return (await Deno.open(path)).readable;
    } finally {
      await removeIfThere(directory);
    }
  }

  /**
   * Lists the objects in S3 whose URLs begin with one, and remembers them for the jobs that read them.
   *
   * @param url `s3://BUCKET/PREFIX`.
   * @param signal Ends the listing.
   * @returns Pages of up to 1,000 objects, in the order of their keys.
   * @throws {LlamaError} As {@linkcode Llama.findObject}.
   */
  async *listObjects(
    url: string,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly ListedObject[], void, undefined> {
    for await (const page of (await this.#connection.s3()).list(url, signal)) {
      for (const { url, ...object } of page) this.#objects.add(url, object);
      yield page;
    }
  }

  /** The number of jobs in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Runs one command and waits for it.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @param args The arguments, passed unchanged: unlike `llama invoke` and `map`, this method does
   * not execute templates.
   * @param options Files, standard input, logs, signal.
   * @returns The result, whatever the command's exit status.
   * @throws {LlamaError} If the command could not be run or its response did not arrive.
   */
  async invoke(
    functionName: string,
    args: readonly string[],
    options: InvokeOptions = {},
  ): Promise<JobResult> {
    const { files = [], fileLinks, outputs = [], stdin, ...runOptions } = options;
    const inputs = await expandInputs(files, fileLinks);
    return await this.run({ functionName, args, stdin, inputs, outputs }, runOptions);
  }

  /**
   * Runs one job and waits for it.
   *
   * @param job The job.
   * @param options Logs, timeout, kept results, transferred bytes, spans, signal.
   * @returns The result, whatever the command's exit status.
   * @throws {LlamaError} If the command could not be run or its response did not arrive.
   */
  async run(
    job: Job,
    options: RunOptions = {},
  ): Promise<JobResult> {
    const { onStdout: stdout, onStderr: stderr, cache: _cache, explainCache: _, ...rest } = options;
    const sinks = options.live ?? (stdout || stderr ? { stdout, stderr } : undefined);
    const live = sinks && (() => sinks);
    const runOptions = { ...rest, live };
    const memo = await this.#openMemo(job.functionName, options);
    if (memo === undefined) return await this.#run(job, runOptions);
    try {
      return await memo.run(job, runOptions, (job, options) => this.#run(job, options));
    } finally {
      await memo.close();
    }
  }

  /**
   * Whether a function is known to be pure: its author promises that a command with the same
   * arguments and inputs has the same outputs. Takes no call to AWS: llama learns it when it deploys
   * the function, and whenever it reads the function's tags for another reason.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @returns False if it is not, or nothing is known.
   * @throws {LlamaError} `config` or `credentials` if there is no connection.
   */
  async isPure(functionName: string): Promise<boolean> {
    const { local, functions } = await this.#connection.open();
    return local?.isPure(functionName) ??
      (await functions.load(functionName))?.isPure === true;
  }

  /**
   * Runs one command for each line, many at once.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @param templates The arguments, in the language of Go's text/template: `{{.Line}}` is the
   * line, `{{.Idx}}` its number, `{{.I .Line}}` sends the file of that name along, `{{.O "x"}}`
   * brings one back.
   * @param lines The lines, or lists of their columns, read only when there is room for their jobs,
   * or as far ahead as `readAhead` allows.
   * @param options Concurrency, shared files, logs, signal; retries, limits, a job log to resume
   * from, and a directory for results.
   * @returns The outcomes of the lines, in the order in which the jobs ended.
   * @throws {LlamaError} `usage` or `template` before anything is run; `input` if a shared file or
   * the job log cannot be read. After the last outcome: `halted` if `halt` or `maxDollars` ended the
   * run; `usage` if a job differs from the resumed run's; `config`, `credentials` and
   * `no-such-function`, which would affect all jobs; `output` if the job log or results cannot be
   * written. Any other failure of a job is in its outcome.
   */
  async *map(
    functionName: string,
    templates: readonly string[],
    lines: Iterable<Line> | AsyncIterable<Line>,
    options: MapOptions = {},
  ): AsyncGenerator<JobOutcome, void, undefined> {
    const { concurrency = 100, stragglers = 0, signal } = options;
    const mayRunTwice = this.#options.invokeRetries !== 0;
    if (stragglers > 0 && this.#options.invokeRetries === 0) {
      throw new LlamaError(
        "usage",
        "stragglers cannot be copied: invokeRetries 0 says that no job may run twice",
        { hint: "omit one of them" },
      );
    }
    let shared: { files: SharedFiles; encoded: EncodedFiles } | undefined;
    let memo: Promise<Memo | undefined> | undefined;
    const run = (job: Job, runOptions: RunJobOptions) => this.#run(job, runOptions);
    const connection = {
      prepare: async () => {
        this.#connection.reserve(concurrency);
        shared = await this.#share(functionName, options);
      },
      hashShared: async () => {
        const { hashSharedFiles } = await import("./jobs/log/identity.ts");
        return await hashSharedFiles(
          [...shared?.files.inputs.values() ?? []],
          signal,
          shared?.encoded,
          (url) => this.findObject(url),
        );
      },
      run: async (job: Job, runOptions: RunJobOptions) => {
        const all = { ...runOptions, sharedFiles: shared?.files };
        // By the first job: a run without jobs needs no connection.
        const opened = await (memo ??= this.#openMemo(functionName, options));
        return opened === undefined ? await run(job, all) : await opened.run(job, all, run);
      },
      list: (url: string) => this.listObjects(url, signal),
      region: () => this.region(),
      hasRoom: () => this.#connection.opened?.runner.lambda.hasRoom ?? false,
      isPure: () =>
        mayRunTwice && (this.#connection.opened?.local?.isPure(functionName) ??
          this.#connection.opened?.functions.get(functionName)?.isPure === true),
      isLocal: () => this.isLocal,
      isLlama: (signal: AbortSignal) => this.#isLlama(functionName, signal),
      notice: (message: string, hint?: string) => this.#options.onNotice?.(message, hint),
    };
    // Loaded only for runs: a single job starts sooner without it.
    const { mapJobs } = await import("./jobs/map.ts");
    try {
      yield* mapJobs(connection, functionName, templates, lines, options);
    } finally {
      // The jobs have reported why it could not be opened.
      const opened = await memo?.catch(() => undefined);
      await opened?.close();
      if (options.counts !== undefined) options.counts.unkept = opened?.unkept ?? 0;
    }
  }

  /**
   * Finds out which jobs have kept results. Nothing is run, uploaded or written; it takes a call of
   * GetFunction, and one request to the store per job.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @param options The shared files, and what to do with kept results.
   * @returns A function that reports whether {@linkcode Llama.map} would use a kept result of a job;
   * undefined if it would use none.
   * @throws {LlamaError} As {@linkcode Llama.map}.
   */
  async findKept(
    functionName: string,
    options: Pick<MapOptions, "files" | "fileLinks" | "cache" | "signal"> = {},
  ): Promise<((job: Job) => Promise<boolean>) | undefined> {
    const { files = [], fileLinks, cache, signal } = options;
    if (cache === "refresh" || cache === "verify") return undefined;
    const memo = await this.#openMemo(functionName, { cache, signal });
    if (memo === undefined) return undefined;
    const inputs = await expandInputs(files, fileLinks);
    const sharedFiles = new SharedFiles(inputs, () => {
      throw new Error("a look-up sends no files");
    });
    return (job) => memo.has(job, { sharedFiles, signal });
  }

  /**
   * Closes connections, and ends the emulator on this machine with all its processes.
   *
   * @returns Resolves when everything has ended.
   */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Closes everything without waiting, for a process that is about to exit. */
  closeSync(): void {
    this.#connection.closeSync();
  }

  /** {@linkcode Llama.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(job: Job, options: RunJobOptions): Promise<JobResult> {
    const { functionName } = job;
    this.#inFlight++;
    try {
      const { runner, functions } = await this.#connection.open();
      const result = await runJob(runner, job, options);
      // The note is written when the connection is closed.
      // Loaded by then, since `runJob` has learned from the response.
      functions.learn(functionName, { isLlama: true });
      this.#runtimes.older(job, options.timeoutSeconds, result);
      this.#runtimes.otherVersion(functionName, result.runtime, functions);
      return result;
    } catch (error) {
      // The note is outdated: the function was replaced.
      if (error instanceof LlamaError && error.affectsAll) {
        this.#connection.opened?.functions.forget(functionName);
      }
      throw error;
    } finally {
      this.#inFlight--;
    }
  }

  /**
   * Whether a function is known to be llama's, from the note of functions or else from Lambda. Does
   * not throw: the jobs meet and report the same failures.
   */
  async #isLlama(functionName: string, signal: AbortSignal): Promise<boolean> {
    if (this.#options.local) return true;
    try {
      const { client, functions } = await this.#connection.open();
      if ((await functions.load(functionName))?.isLlama) return true;
      if (signal.aborted) return false;
      // Loaded only for functions that are not known yet.
      const { looksLikeLlama } = await import("./deploy/owned_functions.ts");
      const found = await looksLikeLlama(client, functionName, signal);
      if (!found.isLlama) return false;
      functions.learn(functionName, found);
      return true;
    } catch {
      return this.isLocal;
    }
  }

  /** Opens the kept results of a function, if they are asked for or the function is pure. */
  async #openMemo(
    functionName: string,
    { cache, explainCache, prices = defaultPrices, signal }: Pick<
      MapOptions,
      "cache" | "explainCache" | "prices" | "signal"
    >,
  ): Promise<Memo | undefined> {
    if (cache === "off") return undefined;
    // The job meets and reports the same failures.
    if (cache === undefined && !await this.isPure(functionName).catch(() => false)) {
      return undefined;
    }
    const { runner, client, functions, isStoreTemporary } = await this.#connection.open();
    // Loaded only for runs that use kept results.
    const { openMemo } = await import("./memo/open.ts");
    return await openMemo({
      functionName,
      mode: cache,
      client,
      runner,
      functions,
      isStoreTemporary,
      identifyObject: (url) => this.#identifyObject(url),
      environment: this.#environment,
      explains: explainCache ?? false,
      meter: async () => new CostMeter(pricesOf(prices, await this.region())),
      notice: (message, hint) => this.#options.onNotice?.(message, hint),
      signal,
    });
  }

  /** Encodes the files that all jobs share, once. */
  async #share(
    functionName: string,
    { files: mappings = [], fileLinks, signal }: MapOptions,
  ): Promise<{ files: SharedFiles; encoded: EncodedFiles } | undefined> {
    if (mappings.length === 0) return undefined;
    const inputs = await expandInputs(mappings, fileLinks);
    const found = await findInputs(inputs, undefined, (url) => this.findObject(url));
    const { runner } = await this.#connection.open();
    const objects = found.flatMap(({ object }) => object ?? []);
    if (objects.length > 0) await runner.objectChecks?.check(functionName, objects);
    const files = new SharedFiles(inputs, async (novel) => {
      const options = { store: runner.store, budgetBytes: maxSharedInlineBytes, novel, signal };
      return (await encodeInputs(found, undefined, 0, options)).files;
    });
    return { files, encoded: await files.get(await novelFor(runner, functionName)) };
  }
}
