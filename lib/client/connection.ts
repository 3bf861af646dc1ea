/**
 * The connection of a client: to Lambda or the emulator, to the object store, and to the user's data
 * in S3.
 *
 * @module
 */

import { type Account, findAccount } from "../aws/account.ts";
import { Lambda } from "../aws/api/lambda_invoke.ts";
import { AwsClient } from "../aws/client.ts";
import { compressionPays, compressModeOf } from "../aws/compress_mode.ts";
import { KnownFunctions, knownFunctionsOf } from "../aws/known_functions.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { namesOf, ownFeatures } from "../features.ts";
import { OutputFiles } from "../jobs/big_output.ts";
import { ObjectChecks } from "../jobs/object_checks.ts";
import type { JobRunner } from "../jobs/run_options.ts";
import { type CompressMode, localBucketVariable } from "../limits.ts";
import type { LocalLambda } from "../local/mod.ts";
import type { LocalOptions } from "../local/start.ts";
import { noteDirectory } from "../store/known_objects.ts";
import { openStoreWith } from "../store/open.ts";
import type { S3Files } from "../store/s3_files.ts";
import type { ObjectStore } from "../store/store.ts";
import { descriptorBudget } from "../system/descriptors.ts";
import type { LlamaOptions, RequestTotals } from "./options.ts";

/** What an open connection offers. */
export interface Connected {
  /** Runs jobs. */
  readonly runner: JobRunner;
  /** The client of Lambda, or of the emulator. */
  readonly client: AwsClient;
  /** What is known about the functions. */
  readonly functions: KnownFunctions;
  /** The emulator, if the functions run on this machine. */
  readonly local?: LocalLambda | undefined;
  /** Whether the store is the emulator's, and ends with it. */
  readonly isStoreTemporary: boolean;
}

/** What a connection needs from its owner. */
export interface ConnectionHooks {
  /** Called for a function whose runtime was replaced by an older one. */
  readonly onReplacedRuntime: (functionName: string) => void;
  /** Looks up an object in S3. */
  readonly findObject: NonNullable<JobRunner["findObject"]>;
}

/** A connection, which is opened when it is first used. Close it when done. */
export class Connection {
  readonly #options: LlamaOptions;
  readonly #environment: Environment;
  readonly #hooks: ConnectionHooks;
  readonly #outputFiles: OutputFiles;
  readonly #clients: AwsClient[] = [];
  readonly #stores: ObjectStore[] = [];
  #opening: Promise<Connected> | undefined;
  #opened: Connected | undefined;
  /** Set before the connection is open, so that a process that exits meanwhile ends it. */
  #local: LocalLambda | undefined;
  #openingS3: Promise<S3Files> | undefined;
  #reserved = 0;

  /**
   * @param options How to reach Lambda and the store.
   * @param environment The environment variables.
   * @param hooks What it needs from its owner.
   */
  constructor(options: LlamaOptions, environment: Environment, hooks: ConnectionHooks) {
    this.#options = options;
    this.#environment = environment;
    this.#hooks = hooks;
    this.#outputFiles = new OutputFiles(environment["TMPDIR"] || "/tmp");
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

  /** Whether the functions run on this machine; of an emulator elsewhere, once it has responded. */
  get isLocal(): boolean {
    return this.#options.local !== undefined || this.#clients.some(({ isEmulator }) => isEmulator);
  }

  /** The connection if it is open. */
  get opened(): Connected | undefined {
    return this.#opened;
  }

  /**
   * Opens the connection; later calls return the same one.
   *
   * @throws {LlamaError} `usage` or `config`.
   */
  open(): Promise<Connected> {
    return this.#opening ??= this.#open();
  }

  /** Opens the user's objects in S3. */
  s3(): Promise<S3Files> {
    return this.#openingS3 ??= this.#openS3();
  }

  /** Makes room for so many concurrent requests. */
  reserve(connections: number): void {
    this.#reserved = Math.max(this.#reserved, connections);
    for (const client of this.#clients) client.reserve(this.#reserved);
  }

  /** Closes everything, and ends the emulator on this machine with all its processes. */
  async close(): Promise<void> {
    // Wait for an open in progress, so that it is closed too; its failure is reported by the jobs.
    await this.#opening?.catch(() => {});
    await this.#local?.close();
    this.#closeAll();
  }

  /** Closes everything without waiting, for a process that is about to exit. */
  closeSync(): void {
    this.#local?.closeSync();
    this.#closeAll();
  }

  #closeAll(): void {
    this.#opened?.functions.save();
    this.#opening =
      this.#opened =
      this.#local =
      this.#openingS3 =
        undefined;
    for (const each of this.#stores.splice(0)) each[Symbol.dispose]();
    for (const each of this.#clients.splice(0)) each[Symbol.dispose]();
    this.#outputFiles[Symbol.dispose]();
  }

  async #open(): Promise<Connected> {
    const { local } = this.#options;
    return this.#opened = local ? await this.#openLocal(local) : await this.#openAws();
  }

  async #openAws(): Promise<Connected> {
    const { store = this.#environment["LLAMA_OBJECT_STORE"] } = this.#options;
    const mode = this.#compressMode();
    const client = this.#client(findAccount(this.#environment, this.#options));
    const functions = knownFunctionsOf(client, noteDirectory(this.#environment));
    const runner = {
      ...await this.#runner(client, functions, mode),
      onReplacedRuntime: this.#hooks.onReplacedRuntime,
      objectChecks: this.#objectChecks(client),
      store: typeof store === "string"
        ? store === "" ? undefined : this.#openStore(store, client)
        : store,
    };
    return { runner, client, functions, isStoreTemporary: false };
  }

  async #openLocal(options: LocalOptions): Promise<Connected> {
    const { store } = this.#options;
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
    const { startLocal } = await import("../local/start.ts");
    const local = await startLocal(options, { ...account, store: url }, this.#environment);
    this.#local = local;
    const location = { region: local.region, endpoints: { lambda: local.endpoint } };
    const client = this.#client({
      credentials: () => Promise.resolve(local.credentials),
      location: () => Promise.resolve(location),
    }, descriptorBudget().localConnections);
    // The runtime is this llama's own and ends with this process: nothing to remember.
    const functions = new KnownFunctions({
      directory: undefined,
      place: () => Promise.resolve(local.region),
    });
    const runner = {
      ...await this.#runner(client, functions, mode),
      // The first job, too, is like any other.
      presumed: namesOf(ownFeatures),
      store: named ?? this.#openStore(local.storeUrl, client),
    };
    return { runner, client, functions, local, isStoreTemporary: named === undefined };
  }

  /** Returns the parts of a runner that do not depend on where the functions run. */
  async #runner(
    client: AwsClient,
    functions: KnownFunctions,
    mode: CompressMode,
  ): Promise<Omit<JobRunner, "store">> {
    return {
      lambda: new Lambda(client, this.#options.invokeRetries),
      functions,
      findObject: this.#hooks.findObject,
      outputFiles: this.#outputFiles,
      compresses: await this.#compresses(mode, client),
    };
  }

  #objectChecks(client: AwsClient): ObjectChecks {
    return new ObjectChecks({
      storageOf: async (functionName) => {
        const { getFunction } = await import("../aws/api/lambda_functions.ts");
        // Not all users may ask; the runtime checks, too.
        const found = await getFunction(client, functionName).catch(() => undefined);
        return found?.ephemeralStorage;
      },
      region: async () => (await client.location()).region,
      notice: (message, hint) => this.#options.onNotice?.(message, hint),
    });
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

  async #openS3(): Promise<S3Files> {
    const { local: emulator } = await this.open();
    const { store, s3Concurrency, local } = this.#options;
    const isAway = local === undefined || (typeof store === "string" && store.startsWith("s3:"));
    const { openS3Files } = await import("../store/s3_open.ts");
    return openS3Files({
      client: isAway ? this.#client(findAccount(this.#environment, this.#options)) : undefined,
      localBucket: emulator?.bucket ?? (this.#environment[localBucketVariable] || undefined),
      concurrency: s3Concurrency,
      onDenied: (action, url) =>
        `your credentials need ${action} on arn:aws:s3:::${url.slice("s3://".length)}`,
    });
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
