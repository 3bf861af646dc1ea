/**
 * The library: a connection to Lambda and an object store, and the jobs that run over it.
 *
 * @module
 */

import { join } from "node:path";
import { removeIfThere } from "./files/whole.ts";
import { type Account, findAccount } from "./aws/account.ts";
import { AwsClient } from "./aws/client.ts";
import { compressionPays, compressModeOf } from "./aws/compress_mode.ts";
import { KnownFunctions, knownFunctionsOf } from "./aws/known_functions.ts";
import { CostMeter } from "./cost/cost.ts";
import { defaultPrices, pricesOf } from "./cost/prices.ts";
import { Lambda } from "./aws/api/lambda_invoke.ts";
import type { OutputSink } from "./aws/api/live_output.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { LlamaError } from "./errors.ts";
import { namesOf, ownFeatures } from "./features.ts";
import { ObjectChecks } from "./jobs/object_checks.ts";
import { OutputFiles } from "./jobs/big_output.ts";
import { hashSharedFiles } from "./jobs/log/identity.ts";
import { type CompressMode, localBucketVariable } from "./limits.ts";
import { FoundObjects } from "./store/found_objects.ts";
import type { ListedObject, S3Files, S3Object } from "./store/s3_files.ts";
import { expandInputs, type OutwardLinks } from "./jobs/input_directory.ts";
import { encodeInputs, findInputs } from "./jobs/inputs.ts";
import type { Job, JobResult } from "./jobs/job.ts";
import type { LiveSinks } from "./jobs/live_job.ts";
import type { Line } from "./jobs/job_input.ts";
import { type JobOutcome, mapJobs, type MapJobsOptions } from "./jobs/map.ts";
import { nameOfFunction, novelFor } from "./jobs/negotiation.ts";
import { unsupportedFeatures } from "./jobs/older_runtime.ts";
import { type JobRunner, runJob, type RunJobOptions, type Transfer } from "./jobs/run.ts";
import { type EncodedFiles, SharedFiles } from "./jobs/shared_files.ts";
import type { BlobSource } from "./store/blob.ts";
import type { LocalLambda } from "./local/mod.ts";
import type { LocalOptions } from "./local/start.ts";
import { noteDirectory } from "./store/known_objects.ts";
import { openStoreWith } from "./store/open.ts";
import { showUncaughtHints } from "./terminal/uncaught.ts";
import type { ObjectStore } from "./store/store.ts";
import type { CacheMode, Memo } from "./memo/memo.ts";
import { descriptorBudget } from "./system/descriptors.ts";
import { maxSharedInlineBytes } from "./limits.ts";
import { printableLine } from "./text/printable.ts";
import type { Spans } from "./spans.ts";
import { isOlder, version } from "./version.ts";

/** Maps a path on this machine to a path in the job's directory. */
export interface FileMapping {
  /** The path on this machine. */
  readonly local: string;
  /** The relative path in the job's directory. */
  readonly remote: string;
}

/** Options for {@linkcode Llama}. */
export interface LlamaOptions {
  /** Runs the functions on this machine instead of in AWS. @default {undefined} */
  readonly local?: LocalOptions | undefined;
  /**
   * The object store's URL, or a store. With `local`, functions open the store by its URL.
   * @default {LLAMA_OBJECT_STORE}
   */
  readonly store?: string | ObjectStore | undefined;
  /** The AWS region. @default {AWS_REGION, AWS_DEFAULT_REGION, or the profile's} */
  readonly region?: string | undefined;
  /** The profile of the AWS CLI's files. @default {the environment's credentials, AWS_PROFILE} */
  readonly profile?: string | undefined;
  /** The maximum number of concurrent requests to S3. @default {32} */
  readonly s3Concurrency?: number | undefined;
  /**
   * How long the store's bucket keeps an object, in days; 0 if objects never expire.
   * @default {LLAMA_OBJECT_LIFETIME_DAYS, or 31}
   */
  readonly objectLifetimeDays?: number | undefined;
  /**
   * The account that must own the store's bucket; S3 refuses requests to any other bucket.
   * `LLAMA_BUCKET_OWNER` takes precedence. @default {any}
   */
  readonly bucketOwner?: string | undefined;
  /**
   * Whether files, standard input and output are compressed: `auto` does not on loopback and inside
   * AWS, where the network is fast. @default {LLAMA_COMPRESS, or auto}
   */
  readonly compress?: CompressMode | undefined;
  /**
   * How often an invocation that may have run is retried, since its response was lost or Lambda
   * failed. With 0, no job runs twice. @default {8}
   */
  readonly invokeRetries?: number | undefined;
  /** Asks the user for the code of the MFA device with this serial number. @default {undefined} */
  readonly mfaCode?: ((serial: string) => Promise<string>) | undefined;
  /** Called with messages for the user while a run goes on. @default {undefined} */
  readonly onNotice?: ((message: string, hint?: string) => void) | undefined;
  /** Called with one line per request to AWS and per response. @default {undefined} */
  readonly debug?: ((line: string) => void) | undefined;
  /** The environment variables. @default {those of the process} */
  readonly environment?: Environment | undefined;
}

/** The number of requests sent, not counting those that functions send. */
export interface RequestTotals {
  /** Invocations. */
  readonly lambda: number;
  /** GET and HEAD requests to S3. */
  readonly s3Reads: number;
  /** PUT and POST requests to S3. */
  readonly s3Writes: number;
  /** The bytes of objects that those sent so far. */
  readonly s3WrittenBytes: number;
}

/** Options for {@linkcode Llama.invoke}. */
export interface InvokeOptions {
  /** Files and directories to send along. @default {[]} */
  readonly files?: readonly FileMapping[] | undefined;
  /** What becomes of links in a directory of `files` that lead out of it. @default {"refuse"} */
  readonly fileLinks?: OutwardLinks | undefined;
  /** Files to bring back; a `remote` that ends in `/` is a directory. @default {[]} */
  readonly outputs?: readonly FileMapping[] | undefined;
  /** The command's standard input: bytes, or a file. @default {empty} */
  readonly stdin?: BlobSource | undefined;
  /** Whether to ask for the function's log. @default {false} */
  readonly logs?: boolean | undefined;
  /** Whether the job fails rather than replace an output. @default {false} */
  readonly noClobber?: boolean | undefined;
  /** Seconds after which the runtime ends the command. @default {the function's own timeout} */
  readonly timeoutSeconds?: number | undefined;
  /** What to do with kept results. @default {"on" for a pure function, otherwise "off"} */
  readonly cache?: CacheMode | "off" | undefined;
  /** Whether a result's `cache` says why there was no kept result. @default {false} */
  readonly explainCache?: boolean | undefined;
  /** Counts the bytes sent and received; updated while the job runs. @default {undefined} */
  readonly transfer?: Transfer | undefined;
  /** Receives the job's spans. @default {undefined} */
  readonly spans?: Spans | undefined;
  /**
   * Called with the bytes of standard output, in order and as the command writes them, where the
   * function can stream; at its end otherwise. It is awaited. The result's `stdout` is then empty.
   * @default {undefined}
   */
  readonly onStdout?: OutputSink | undefined;
  /** Like `onStdout`, for standard error. @default {undefined} */
  readonly onStderr?: OutputSink | undefined;
  /** Cancels the wait. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
}

/** Options for {@linkcode Llama.run}. */
export type RunOptions =
  & Pick<
    InvokeOptions,
    | "logs"
    | "noClobber"
    | "timeoutSeconds"
    | "cache"
    | "explainCache"
    | "transfer"
    | "spans"
    | "onStdout"
    | "onStderr"
    | "signal"
  >
  & {
    /** Where the output goes while the command runs, instead of `onStdout` and `onStderr`. */
    readonly live?: LiveSinks | undefined;
  };

/** Options for {@linkcode Llama.map}. */
export interface MapOptions extends MapJobsOptions {
  /** Files and directories to send along with every job. @default {[]} */
  readonly files?: readonly FileMapping[] | undefined;
  /** What becomes of links in a directory of `files` that lead out of it. @default {"refuse"} */
  readonly fileLinks?: OutwardLinks | undefined;
  /**
   * What to do with kept results: use them (`"on"`), never run a job that has none (`"only"`), run
   * all jobs and replace what is kept (`"refresh"`), run all jobs and compare (`"verify"`), or nothing
   * (`"off"`). @default {"on" for a pure function, otherwise "off"}
   */
  readonly cache?: CacheMode | "off" | undefined;
  /** Whether records say why there was no kept result. @default {false} */
  readonly explainCache?: boolean | undefined;
}

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
  #runner: Promise<JobRunner> | undefined;
  #local: LocalLambda | undefined;
  #lambda: Lambda | undefined;
  /** The client of Lambda or of the emulator. */
  #lambdaClient: AwsClient | undefined;
  /** Whether the store is the emulator's, which ends with it. */
  #hasOwnStore = false;
  readonly #clients: AwsClient[] = [];
  readonly #stores: ObjectStore[] = [];
  readonly #outputFiles: OutputFiles;
  readonly #objects = new FoundObjects();
  #openedS3: Promise<S3Files> | undefined;
  /** What is known about the functions; undefined until there is a connection. */
  #functions: KnownFunctions | undefined;
  /** The functions that are known to have an older runtime. */
  readonly #older = new Set<string>();
  /** The functions whose runtime was replaced by an older one. */
  readonly #replaced = new Set<string>();
  #inFlight = 0;
  #reserved = 0;

  /**
   * Creates a client. It connects when it is first used.
   *
   * @param options How to reach Lambda and the store.
   */
  constructor(options: LlamaOptions = {}) {
    showUncaughtHints();
    this.#options = options;
    this.#environment = options.environment ?? readEnvironment();
    this.#outputFiles = new OutputFiles(this.#environment["TMPDIR"] || "/tmp");
  }

  /** The number of requests sent to AWS so far, including retries. */
  get requests(): RequestTotals {
    const totals = { lambda: 0, s3Reads: 0, s3Writes: 0, s3WrittenBytes: 0 };
    for (const { sent: { lambda, s3 } } of this.#clients) {
      totals.lambda += lambda?.writes ?? 0;
      totals.s3Reads += s3?.reads ?? 0;
      totals.s3Writes += s3?.writes ?? 0;
      totals.s3WrittenBytes += s3?.bodyBytes ?? 0;
    }
    return totals;
  }

  /**
   * Returns the region that functions are invoked in.
   *
   * @returns The region, such as `us-west-2`.
   * @throws {LlamaError} `config` if none is set.
   */
  async region(): Promise<string> {
    return await (await this.#open()).lambda.region();
  }

  /**
   * Whether the functions run on this machine, in llama's emulator, at no cost. For an emulator in
   * another process, this is known after its first response.
   */
  get isLocal(): boolean {
    return this.#options.local !== undefined || this.#clients.some(({ isEmulator }) => isEmulator);
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
    return await this.#objects.find(url, async () => await (await this.#s3()).find(url));
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
      const files = await this.#s3();
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
    for await (const page of (await this.#s3()).list(url, signal)) {
      this.#objects.add(page);
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
    await this.#open();
    if (this.#local) return this.#local.isPure(functionName);
    return (await this.#functions?.load(functionName))?.isPure === true;
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
        this.#reserve(concurrency);
        shared = await this.#share(functionName, options);
      },
      hashShared: () =>
        hashSharedFiles(
          [...shared?.files.inputs.values() ?? []],
          signal,
          shared?.encoded,
          (url) => this.findObject(url),
        ),
      run: async (job: Job, runOptions: RunJobOptions) => {
        const all = { ...runOptions, sharedFiles: shared?.files };
        // By the first job: a run without jobs needs no connection.
        const opened = await (memo ??= this.#openMemo(functionName, options));
        return opened === undefined ? await run(job, all) : await opened.run(job, all, run);
      },
      list: (url: string) => this.listObjects(url, signal),
      region: () => this.region(),
      hasRoom: () => this.#lambda?.hasRoom ?? false,
      isPure: () =>
        mayRunTwice && (this.#local?.isPure(functionName) ??
          this.#functions?.get(functionName)?.isPure === true),
      isLocal: () => this.isLocal,
      isLlama: (signal: AbortSignal) => this.#isLlama(functionName, signal),
      notice: (message: string, hint?: string) => this.#options.onNotice?.(message, hint),
    };
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
    // Wait for an open in progress, so that it is closed too; its failure is reported by the jobs.
    await this.#runner?.catch(() => {});
    this.#runner = undefined;
    await this.#local?.close();
    this.#closeAll();
  }

  /** Closes everything without waiting, for a process that is about to exit. */
  closeSync(): void {
    this.#local?.closeSync();
    this.#closeAll();
  }

  /** {@linkcode Llama.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #closeAll(): void {
    this.#functions?.save();
    this.#functions = undefined;
    for (const each of this.#stores.splice(0)) each[Symbol.dispose]();
    for (const each of this.#clients.splice(0)) each[Symbol.dispose]();
    this.#outputFiles[Symbol.dispose]();
  }

  async #run(job: Job, options: RunJobOptions): Promise<JobResult> {
    this.#inFlight++;
    try {
      const result = await runJob(await this.#open(), job, options);
      await this.#learn(job.functionName);
      this.#noticeOlderRuntime(job, options.timeoutSeconds, result);
      this.#noticeOtherVersion(job.functionName, result.runtime);
      return result;
    } catch (error) {
      // The note is outdated: the function was replaced.
      if (error instanceof LlamaError && error.affectsAll) {
        this.#functions?.forget(job.functionName);
      }
      throw error;
    } finally {
      this.#inFlight--;
    }
  }

  /** Notes that a function is llama's, since it responded as such. */
  async #learn(functionName: string): Promise<void> {
    const known = this.#functions;
    if (known === undefined) return;
    // The note is written when the connection is closed.
    await known.load(functionName);
    known.learn(functionName, { isLlama: true });
  }

  /**
   * Whether a function is known to be llama's, from the note of functions or else from Lambda. Does
   * not throw: the jobs meet and report the same failures.
   */
  async #isLlama(functionName: string, signal: AbortSignal): Promise<boolean> {
    if (this.#options.local) return true;
    try {
      await this.#open();
      if ((await this.#functions?.load(functionName))?.isLlama) return true;
      const [client] = this.#clients;
      if (client === undefined || signal.aborted) return false;
      // Loaded only for functions that are not known yet.
      const { looksLikeLlama } = await import("./deploy/owned_functions.ts");
      const found = await looksLikeLlama(client, functionName, signal);
      if (!found.isLlama) return false;
      this.#functions?.learn(functionName, found);
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
    const runner = await this.#open();
    if (this.#lambdaClient === undefined) return undefined;
    // Loaded only for runs that use kept results.
    const { openMemo } = await import("./memo/open.ts");
    return await openMemo({
      functionName,
      mode: cache,
      client: this.#lambdaClient,
      runner,
      functions: this.#functions,
      isStoreTemporary: this.#hasOwnStore,
      environment: this.#environment,
      explains: explainCache ?? false,
      meter: async () => new CostMeter(pricesOf(prices, await this.region())),
      notice: (message, hint) => this.#options.onNotice?.(message, hint),
      signal,
    });
  }

  /** Warns once per function if its runtime does not support everything that a job asks for. */
  #noticeOlderRuntime(job: Job, timeoutSeconds: number | undefined, result: JobResult): void {
    const { functionName } = job;
    const what = unsupportedFeatures(job, timeoutSeconds, result);
    if (what === undefined || this.#older.has(functionName)) return;
    this.#older.add(functionName);
    this.#options.onNotice?.(
      `the runtime of ${functionName} is older than this llama and does not support ${what}`,
      "redeploy the function with this llama's runtime",
    );
  }

  /** Warns once per pair of versions if a function's runtime is of another version than this llama. */
  #noticeOtherVersion(functionName: string, runtime = version): void {
    // The field may hold anything: limit what is shown.
    const theirs = runtime.slice(0, 64);
    const toldOf = `${theirs} ${version}`;
    const known = this.#functions;
    if (theirs === version || !known || known.get(functionName)?.toldOf === toldOf) return;
    known.learn(functionName, { toldOf });
    this.#options.onNotice?.(
      `the runtime of ${functionName} has version ${printableLine(theirs)}, this llama ${version}`,
      isOlder(version, theirs)
        ? "update llama"
        : `update the runtime: llama update-function ${nameOfFunction(functionName)}`,
    );
  }

  /** Warns once per function if its runtime was replaced by an older one during the run. */
  #noticeReplacedRuntime(functionName: string): void {
    if (this.#replaced.has(functionName)) return;
    this.#replaced.add(functionName);
    this.#options.onNotice?.(
      `the runtime of ${functionName} was replaced by an older one: its jobs are sent again ` +
        "without the features that it lacks",
      `update the runtime: llama update-function ${nameOfFunction(functionName)}`,
    );
  }

  /** Encodes the files that all jobs share, once. */
  async #share(
    functionName: string,
    { files: mappings = [], fileLinks, signal }: MapOptions,
  ): Promise<{ files: SharedFiles; encoded: EncodedFiles } | undefined> {
    if (mappings.length === 0) return undefined;
    const inputs = await expandInputs(mappings, fileLinks);
    const found = await findInputs(inputs, undefined, (url) => this.findObject(url));
    const objects = found.flatMap(({ object }) => object ?? []);
    if (objects.length > 0) await (await this.#open()).objectChecks?.check(functionName, objects);
    const runner = await this.#open();
    const files = new SharedFiles(inputs, async (novel) => {
      const options = { store: runner.store, budgetBytes: maxSharedInlineBytes, novel, signal };
      return (await encodeInputs(found, undefined, 0, options)).files;
    });
    return { files, encoded: await files.get(await novelFor(runner, functionName)) };
  }

  #reserve(connections: number): void {
    this.#reserved = Math.max(this.#reserved, connections);
    for (const client of this.#clients) client.reserve(this.#reserved);
  }

  #open(): Promise<JobRunner> {
    return this.#runner ??= this.#options.local
      ? this.#openLocal(this.#options.local)
      : this.#openAws();
  }

  async #openAws(): Promise<JobRunner> {
    const { store = this.#environment["LLAMA_OBJECT_STORE"] } = this.#options;
    const mode = this.#compressMode();
    const client = this.#client(findAccount(this.#environment, this.#options));
    this.#lambdaClient = client;
    this.#functions = knownFunctionsOf(client, noteDirectory(this.#environment));
    return {
      lambda: this.#lambda = new Lambda(client, this.#options.invokeRetries),
      functions: this.#functions,
      onReplacedRuntime: (functionName) => this.#noticeReplacedRuntime(functionName),
      store: typeof store === "string"
        ? store === "" ? undefined : this.#openStore(store, client)
        : store,
      findObject: (url) => this.findObject(url),
      objectChecks: new ObjectChecks({
        storageOf: async (functionName) => {
          const { getFunction } = await import("./aws/api/lambda_functions.ts");
          // Not all users may ask; the runtime checks, too.
          const found = await getFunction(client, functionName).catch(() => undefined);
          return found?.ephemeralStorage;
        },
        region: () => this.region(),
        notice: (message, hint) => this.#options.onNotice?.(message, hint),
      }),
      outputFiles: this.#outputFiles,
      compresses: await this.#compresses(mode, client),
    };
  }

  #compressMode(): CompressMode {
    return this.#options.compress ?? compressModeOf(this.#environment);
  }

  async #compresses(mode: CompressMode, client: AwsClient): Promise<boolean> {
    if (mode !== "auto") return mode === "on";
    // Without a region there is no call either, which says so.
    const location = await client.location().catch(() => undefined);
    return location !== undefined && await compressionPays(this.#environment, location);
  }

  /** Opens the user's objects in S3. */
  #s3(): Promise<S3Files> {
    return this.#openedS3 ??= this.#openS3();
  }

  async #openS3(): Promise<S3Files> {
    await this.#open();
    const { store, s3Concurrency, local } = this.#options;
    const isAway = local === undefined || (typeof store === "string" && store.startsWith("s3:"));
    const { openS3Files } = await import("./store/s3_open.ts");
    return openS3Files({
      client: isAway ? this.#client(findAccount(this.#environment, this.#options)) : undefined,
      localBucket: this.#local?.bucket ?? (this.#environment[localBucketVariable] || undefined),
      concurrency: s3Concurrency,
      onDenied: (action, url) =>
        `your credentials need ${action} on arn:aws:s3:::${url.slice("s3://".length)}`,
    });
  }

  async #openLocal(options: LocalOptions): Promise<JobRunner> {
    const { store, invokeRetries } = this.#options;
    const mode = this.#compressMode();
    const url = typeof store === "object" ? store.url : store;
    if (typeof store === "object" && !/^(file|s3):/.test(store.url)) {
      throw new LlamaError("usage", `functions cannot open the store ${JSON.stringify(url)}`, {
        hint: "pass a store in a directory or in S3, or its URL, such as file:///DIR",
      });
    }
    // A configured store is the user's own and is reached with the user's credentials.
    const account = findAccount(this.#environment, this.#options);
    const named = typeof store === "object"
      ? store
      : store
      ? this.#openStore(store, this.#client(account))
      : undefined;
    // Loaded only to run functions on this machine.
    const { startLocal } = await import("./local/start.ts");
    const local = await startLocal(options, { ...account, store: url }, this.#environment);
    this.#local = local;
    // The runtime is this llama's own and ends with this process: nothing to remember.
    this.#functions = new KnownFunctions({ directory: undefined, place: () => this.region() });
    const client = this.#client({
      credentials: () => Promise.resolve(local.credentials),
      location: () =>
        Promise.resolve({ region: local.region, endpoints: { lambda: local.endpoint } }),
    }, descriptorBudget().localConnections);
    this.#lambdaClient = client;
    this.#hasOwnStore = named === undefined;
    return {
      lambda: this.#lambda = new Lambda(client, invokeRetries),
      functions: this.#functions,
      // The first job, too, is like any other.
      presumed: namesOf(ownFeatures),
      store: named ?? this.#openStore(local.storeUrl, client),
      findObject: (url) => this.findObject(url),
      outputFiles: this.#outputFiles,
      compresses: await this.#compresses(mode, client),
    };
  }

  #openStore(url: string, client: AwsClient): ObjectStore {
    const environment = this.#environment;
    const opened = openStoreWith(url, client, {
      ...this.#options,
      environment,
      noteDirectory: noteDirectory(environment),
    });
    this.#stores.push(opened);
    return opened;
  }

  #client(account: Account, maxConnections?: number): AwsClient {
    const { debug, onNotice } = this.#options;
    const client = new AwsClient({ ...account, maxConnections, debug, onNotice });
    client.reserve(this.#reserved);
    this.#clients.push(client);
    return client;
  }
}
