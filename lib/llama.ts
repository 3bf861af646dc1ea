/**
 * llama as a library: a connection to Lambda and a store, and jobs that run over it.
 *
 * @module
 */

import { type Account, findAccount } from "./aws/account.ts";
import { AwsClient } from "./aws/client.ts";
import { serviceUrl } from "./aws/endpoint.ts";
import { accountOf, KnownFunctions } from "./aws/known_functions.ts";
import { Lambda } from "./aws/api/lambda_invoke.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { LlamaError } from "./errors.ts";
import { OutputFiles } from "./jobs/big_output.ts";
import { hashSharedFiles } from "./jobs/log/identity.ts";
import { encodeInputs, expandInputs, findInputs } from "./jobs/inputs.ts";
import type { Job, JobResult } from "./jobs/job.ts";
import { type JobOutcome, mapJobs, type MapJobsOptions } from "./jobs/map.ts";
import { nameOfFunction, novelFor } from "./jobs/negotiation.ts";
import { unsupportedFeatures } from "./jobs/older_runtime.ts";
import { type JobRunner, runJob, type RunJobOptions, type Transfer } from "./jobs/run.ts";
import { SharedFiles } from "./jobs/shared_files.ts";
import type { BlobSource } from "./store/blob.ts";
import type { LocalLambda } from "./local/mod.ts";
import type { LocalOptions } from "./local/start.ts";
import { noteDirectory } from "./store/known_objects.ts";
import { openStoreWith } from "./store/open.ts";
import type { ObjectStore } from "./store/store.ts";
import { descriptorBudget } from "./system/descriptors.ts";
import { printableLine } from "./text/printable.ts";
import type { Spans } from "./spans.ts";
import { isOlder, version } from "./version.ts";

/** A path on this machine, and what it is called in the job's directory. */
export interface FileMapping {
  /** The path on this machine. */
  readonly local: string;
  /** The relative path in the job's directory. */
  readonly remote: string;
}

/** How a {@linkcode Llama} reaches Lambda and the store. */
export interface LlamaOptions {
  /** Run the functions on this machine instead of in AWS. @default {undefined} */
  readonly local?: LocalOptions | undefined;
  /** The object store's URL, or a store. @default {LLAMA_OBJECT_STORE} */
  readonly store?: string | ObjectStore | undefined;
  /** The AWS region. @default {AWS_REGION, AWS_DEFAULT_REGION, or the profile's} */
  readonly region?: string | undefined;
  /** The profile of the AWS CLI's files. @default {the environment's credentials, AWS_PROFILE} */
  readonly profile?: string | undefined;
  /** The most requests to S3 at once. @default {32} */
  readonly s3Concurrency?: number | undefined;
  /**
   * How long the store's bucket keeps an object, in days; 0 if it keeps them for ever.
   * @default {LLAMA_OBJECT_LIFETIME_DAYS, or 31}
   */
  readonly objectLifetimeDays?: number | undefined;
  /**
   * The account that the store's bucket must belong to: S3 refuses requests to another one.
   * `LLAMA_BUCKET_OWNER` wins over it. @default {any}
   */
  readonly bucketOwner?: string | undefined;
  /**
   * How often an invocation is repeated that may have run: its answer was lost, or Lambda failed.
   * With 0 no job ever runs twice. @default {8}
   */
  readonly invokeRetries?: number | undefined;
  /** Asks for the code of an MFA device; gets the device's serial number. @default {undefined} */
  readonly mfaCode?: ((serial: string) => Promise<string>) | undefined;
  /** Told what a person would want to know while a run goes on. @default {undefined} */
  readonly onNotice?: ((message: string, hint?: string) => void) | undefined;
  /** Gets a line for each request to AWS and each answer. @default {undefined} */
  readonly debug?: ((line: string) => void) | undefined;
  /** The environment variables. @default {those of the process} */
  readonly environment?: Environment | undefined;
}

/** How many requests were sent. Those that functions send themselves are not in it. */
export interface RequestTotals {
  /** Invocations. */
  readonly lambda: number;
  /** GET and HEAD requests to S3. */
  readonly s3Reads: number;
  /** PUT and POST requests to S3. */
  readonly s3Writes: number;
}

/** How {@linkcode Llama.invoke} runs a job. */
export interface InvokeOptions {
  /** Files and directories sent along. @default {[]} */
  readonly files?: readonly FileMapping[] | undefined;
  /** Files brought back; a `remote` that ends in `/` is a directory. @default {[]} */
  readonly outputs?: readonly FileMapping[] | undefined;
  /** The command's standard input: bytes, or a file. @default {empty} */
  readonly stdin?: BlobSource | undefined;
  /** Ask for the function's log. @default {false} */
  readonly logs?: boolean | undefined;
  /** Seconds after which the runtime ends the command. @default {the function's own timeout} */
  readonly timeoutSeconds?: number | undefined;
  /** Is added to while the job runs. @default {undefined} */
  readonly transfer?: Transfer | undefined;
  /** Gets the job's spans. @default {undefined} */
  readonly spans?: Spans | undefined;
  /** Ends the wait. @default {undefined} */
  readonly signal?: AbortSignal | undefined;
}

/** How {@linkcode Llama.map} runs its jobs. */
export interface MapOptions extends MapJobsOptions {
  /** Files and directories sent along with every job. @default {[]} */
  readonly files?: readonly FileMapping[] | undefined;
}

/**
 * From this many bytes on, the files that all jobs of a run share are stored once, instead of
 * being sent along with each.
 */
const sharedInlineBytes = 16 * 1024;

/**
 * Runs UNIX commands in AWS Lambda. Nothing is opened before the first job; close it when done.
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
  readonly #clients: AwsClient[] = [];
  readonly #stores: ObjectStore[] = [];
  readonly #outputFiles: OutputFiles;
  /** What is known of the functions; undefined until there is a connection. */
  #functions: KnownFunctions | undefined;
  /** The functions that are known to have an older runtime. */
  readonly #older = new Set<string>();
  /** The functions whose runtime was replaced by an older one. */
  readonly #replaced = new Set<string>();
  #inFlight = 0;
  #reserved = 0;

  /**
   * Sets up a connection.
   *
   * @param options How Lambda and the store are reached.
   */
  constructor(options: LlamaOptions = {}) {
    this.#options = options;
    this.#environment = options.environment ?? readEnvironment();
    this.#outputFiles = new OutputFiles(this.#environment["TMPDIR"] || "/tmp");
  }

  /** How many requests were sent to AWS, repeated ones included, until now. */
  get requests(): RequestTotals {
    const totals = { lambda: 0, s3Reads: 0, s3Writes: 0 };
    for (const { sent: { lambda, s3 } } of this.#clients) {
      totals.lambda += lambda?.writes ?? 0;
      totals.s3Reads += s3?.reads ?? 0;
      totals.s3Writes += s3?.writes ?? 0;
    }
    return totals;
  }

  /**
   * The region that functions are invoked in.
   *
   * @returns Such as `us-west-2`.
   * @throws {LlamaError} `config` if none is set.
   */
  async region(): Promise<string> {
    return await (await this.#open()).lambda.region();
  }

  /**
   * Whether the functions run on this machine, in llama's emulator, so that nothing is paid. Of one
   * in another process that is known once it has answered.
   */
  get isLocal(): boolean {
    return this.#options.local !== undefined || this.#clients.some(({ isEmulator }) => isEmulator);
  }

  /** How many jobs have been started and have not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Runs one command and waits for it.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @param args The arguments, as they are.
   * @param options Files, standard input, logs, signal.
   * @returns What came of it, whatever the command's exit status.
   * @throws {LlamaError} If the command could not be run or its answer did not arrive.
   */
  async invoke(
    functionName: string,
    args: readonly string[],
    options: InvokeOptions = {},
  ): Promise<JobResult> {
    const { files = [], outputs = [], stdin, ...runOptions } = options;
    const inputs = await expandInputs(files);
    return await this.run({ functionName, args, stdin, inputs, outputs }, runOptions);
  }

  /**
   * Runs one job and waits for it.
   *
   * @param job The job.
   * @param options Logs, timeout, what went to and fro, spans, signal.
   * @returns What came of it, whatever the command's exit status.
   * @throws {LlamaError} If the command could not be run or its answer did not arrive.
   */
  run(
    job: Job,
    options: Pick<InvokeOptions, "logs" | "timeoutSeconds" | "transfer" | "spans" | "signal"> = {},
  ): Promise<JobResult> {
    const { logs, timeoutSeconds, transfer, spans, signal } = options;
    return this.#run(job, { logs, timeoutSeconds, transfer, spans, signal });
  }

  /**
   * Runs one command for each line, many at once.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @param templates The arguments, in the language of Go's text/template: `{{.Line}}` is the
   * line, `{{.Idx}}` its number, `{{.I .Line}}` sends the file of that name along, `{{.O "x"}}`
   * brings one back.
   * @param lines The lines; the next is asked for only when there is room for its job, or as far
   * ahead as the options say.
   * @param options How many at once, shared files, logs, signal; repeats, limits, a log to go on
   * with, and where results are put.
   * @returns What came of each line, in the order in which they ended.
   * @throws {LlamaError} `usage` or `template` before anything is run; `input` if a shared file or
   * the job log cannot be read. After the last outcome: `halted` if `halt` or `maxDollars` ended the
   * run; `usage` if the run that is resumed ran something else; `config`, `credentials` and
   * `no-such-function`, which all jobs would meet; `output` if the job log or results cannot be
   * written. What else goes wrong with one job is in its outcome.
   */
  async *map(
    functionName: string,
    templates: readonly string[],
    lines: Iterable<string> | AsyncIterable<string>,
    options: MapOptions = {},
  ): AsyncGenerator<JobOutcome, void, undefined> {
    const { files = [], concurrency = 100, signal } = options;
    let sharedFiles: SharedFiles | undefined;
    const connection = {
      prepare: async () => {
        this.#reserve(concurrency);
        sharedFiles = await this.#share(functionName, files, signal);
      },
      hashShared: () => hashSharedFiles([...sharedFiles?.inputs.values() ?? []], signal),
      run: (job: Job, runOptions: RunJobOptions) => this.#run(job, { ...runOptions, sharedFiles }),
      region: () => this.region(),
      isLocal: () => this.isLocal,
      isLlama: (signal: AbortSignal) => this.#isLlama(functionName, signal),
      notice: (message: string, hint?: string) => this.#options.onNotice?.(message, hint),
    };
    yield* mapJobs(connection, functionName, templates, lines, options);
  }

  /**
   * Ends what was opened: connections, and Lambda on this machine with all its processes.
   *
   * @returns When nothing is left.
   */
  async close(): Promise<void> {
    // What is being opened must be there to be closed; why it could not be is the jobs' error.
    await this.#runner?.catch(() => {});
    this.#runner = undefined;
    await this.#local?.close();
    this.#closeAll();
  }

  /** The same at once and without waiting, for a process that is about to exit. */
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
      // A note that says otherwise is wrong: the function is another one by now.
      if (error instanceof LlamaError && error.affectsAll) {
        this.#functions?.forget(job.functionName);
      }
      throw error;
    } finally {
      this.#inFlight--;
    }
  }

  /** Takes note of a function that has answered as llama's do. */
  async #learn(functionName: string): Promise<void> {
    const known = this.#functions;
    if (known === undefined) return;
    // The note itself, or the change to it, is written when the connection is closed.
    await known.load(functionName);
    known.learn(functionName, { isLlama: true });
  }

  /**
   * Whether a function is known to be llama's: by the note of functions, or else by Lambda's word.
   * Does not fail: what goes wrong here, the jobs themselves meet and report.
   */
  async #isLlama(functionName: string, signal: AbortSignal): Promise<boolean> {
    if (this.#options.local) return true;
    try {
      await this.#open();
      if ((await this.#functions?.load(functionName))?.isLlama) return true;
      const [client] = this.#clients;
      if (client === undefined || signal.aborted) return false;
      // Loaded by those alone whose function is not known yet.
      const { looksLikeLlama } = await import("./deploy/owned_functions.ts");
      if (!await looksLikeLlama(client, functionName, signal)) return false;
      this.#functions?.learn(functionName, { isLlama: true });
      return true;
    } catch {
      return this.isLocal;
    }
  }

  /** Says once of each function that its runtime does not do all that is asked of it. */
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

  /** Says that a function's runtime is of another version than this llama, once of each difference. */
  #noticeOtherVersion(functionName: string, runtime = version): void {
    // A function may answer with anything in its place.
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

  /** Says once of each function that its runtime was replaced by an older one meanwhile. */
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
    mappings: readonly FileMapping[],
    signal: AbortSignal | undefined,
  ): Promise<SharedFiles | undefined> {
    if (mappings.length === 0) return undefined;
    const inputs = await expandInputs(mappings);
    const found = await findInputs(inputs);
    const runner = await this.#open();
    const shared = new SharedFiles(inputs, async (novel) => {
      const options = { store: runner.store, budgetBytes: sharedInlineBytes, novel, signal };
      return (await encodeInputs(found, undefined, 0, options)).files;
    });
    await shared.get(await novelFor(runner, functionName));
    return shared;
  }

  #reserve(connections: number): void {
    this.#reserved = Math.max(this.#reserved, connections);
    for (const client of this.#clients) client.reserve(this.#reserved);
  }

  #open(): Promise<JobRunner> {
    return this.#runner ??= this.#options.local
      ? this.#openLocal(this.#options.local)
      : Promise.resolve(this.#openAws());
  }

  #openAws(): JobRunner {
    const { store = this.#environment["LLAMA_OBJECT_STORE"] } = this.#options;
    const client = this.#client(findAccount(this.#environment, this.#options));
    this.#functions = new KnownFunctions({
      directory: noteDirectory(this.#environment),
      place: async () => {
        const [location, key] = await Promise.all([client.location(), client.accessKeyId()]);
        const { host } = new URL(serviceUrl(location, "lambda"));
        return `${host} ${location.region} ${accountOf(key)}`;
      },
    });
    return {
      lambda: new Lambda(client, this.#options.invokeRetries),
      functions: this.#functions,
      onReplacedRuntime: (functionName) => this.#noticeReplacedRuntime(functionName),
      store: typeof store === "string"
        ? store === "" ? undefined : this.#openStore(store, client)
        : store,
      outputFiles: this.#outputFiles,
    };
  }

  async #openLocal(options: LocalOptions): Promise<JobRunner> {
    const { store, invokeRetries } = this.#options;
    if (typeof store === "object") {
      throw new LlamaError("usage", "local functions need a store that has a URL", {
        hint: "pass the store's URL, such as file:///DIR",
      });
    }
    // A store that was asked for is the user's own, reached with the user's credentials.
    const account = findAccount(this.#environment, this.#options);
    const named = store ? this.#openStore(store, this.#client(account)) : undefined;
    // Loaded by those alone who run functions on this machine.
    const { startLocal } = await import("./local/start.ts");
    const local = await startLocal(options, { ...account, store }, this.#environment);
    this.#local = local;
    // The functions' runtime is this llama's own, and gone with this process.
    this.#functions = new KnownFunctions({ directory: undefined, place: () => this.region() });
    const client = this.#client({
      credentials: () => Promise.resolve(local.credentials),
      location: () =>
        Promise.resolve({ region: local.region, endpoints: { lambda: local.endpoint } }),
    }, descriptorBudget().localConnections);
    return {
      lambda: new Lambda(client, invokeRetries),
      functions: this.#functions,
      store: named ?? this.#openStore(local.storeUrl, client),
      outputFiles: this.#outputFiles,
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
