/**
 * The emulator of Lambda.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Credentials } from "../aws/credentials/keys.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, messageOf } from "../errors.ts";
import type { FunctionDefinition } from "../functions/definition.ts";
import { ExecutionEnvironment } from "./execution_environment.ts";
import { checkHandler, type LocalFunction } from "./functions.ts";
import { functionArn, InvokeApi } from "./invoke_api.ts";
import { InvokeServer, type ListenAddress } from "./invoke_server.ts";
import { type EnvironmentEvents, Pool } from "./pool.ts";
import {
  makeRunDirectory,
  removeStaleDirectories,
  removeTree,
  removeTreeSync,
} from "../files/run_directory.ts";
import { localBucketVariable } from "../limits.ts";
import { descriptorBudget } from "../system/descriptors.ts";
import { serveRuntimeApi } from "./runtime_api.ts";
import { SignatureVerifier } from "./signature.ts";
import { hostVariables, runtimeVariables, storeKeys } from "./variables.ts";

/** Options for {@linkcode LocalLambda}. */
export interface LocalLambdaOptions {
  /** The functions. */
  readonly functions: readonly LocalFunction[];
  /**
   * The directory that was searched for them, for the message about an unknown function.
   * @default {"images"}
   */
  readonly functionsFrom?: string | undefined;
  /** The object store. @default {a directory that is removed at the end} */
  readonly storeUrl?: string | undefined;
  /**
   * The variables that runtimes need for an S3 store: `AWS_ACCESS_KEY_ID` and the like, and proxies.
   * All are passed to the runtimes, and calls may be signed with the key.
   * @default {{}}
   */
  readonly storeEnvironment?: Environment | undefined;
  /** The command that starts the runtime; see `runtimeCommand`. */
  readonly runtimeCommand: readonly string[];
  /**
   * The loopback address to listen on; port 0 for any free one.
   * @default {{ hostname: "127.0.0.1", port: 0 }}
   */
  readonly listen?: ListenAddress | undefined;
  /**
   * The maximum number of execution environments.
   * @default {navigator.hardwareConcurrency}
   */
  readonly concurrency?: number | undefined;
  /** The user's environment variables; runtimes get only those they need. */
  readonly environment: Environment;
  /** Receives each line of all functions' logs. */
  readonly onLog?: ((line: string, functionName: string) => void) | undefined;
}

/** The time for calls in flight to send their answers on shutdown, in milliseconds. */
const shutdownMilliseconds = 1000;

/** The directory of the emulator's bucket, unless the environment names another. */
const defaultBucket = "s3";

/** Serves Lambda's Invoke API on loopback, and runs functions in local processes. */
export class LocalLambda implements AsyncDisposable {
  /** The URL of the Invoke API, without a final slash. */
  readonly endpoint: string;
  /** The object store that the functions use. */
  readonly storeUrl: string;
  /** The directory that is the bucket `s3://local/`. */
  readonly bucket: string;
  /** The credentials that sign calls, generated for this run. */
  readonly credentials: Credentials;
  /** A region that AWS does not have, so that calls meant for the emulator fail on AWS. */
  readonly region = "local-1";
  readonly #options: LocalLambdaOptions;
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #directory: string;
  readonly #server: InvokeServer;
  /** The Runtime API's server: `Deno.serve` is twice as fast as Node's. */
  readonly #runtimeServer: Deno.HttpServer<Deno.NetAddr>;
  readonly #pool: Pool;
  readonly #environments = new Map<string, ExecutionEnvironment>();
  readonly #cleaning: Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(options: LocalLambdaOptions, directory: string, server: InvokeServer) {
    const { functions } = options;
    this.#server = server;
    this.#options = options;
    this.#directory = directory;
    this.#functions = new Map(functions.map((each) => [each.name, each]));
    this.storeUrl = options.storeUrl ?? pathToFileURL(join(directory, "store")).href;
    this.bucket = resolve(options.environment[localBucketVariable] || defaultBucket);
    this.credentials = {
      // In AWS's format, which programs may check.
      accessKeyId: `AKIA${randomBytes(8).toString("hex").toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString("base64"),
    };
    this.#pool = new Pool({
      concurrency: Math.min(
        options.concurrency ?? navigator.hardwareConcurrency,
        descriptorBudget().environments,
      ),
      start: (name, events) => this.#start(name, events),
    });
    const api = new InvokeApi({
      functions: this.#functions,
      functionsFrom: options.functionsFrom ?? "images",
      pool: this.#pool,
      verifier: new SignatureVerifier([this.credentials, ...this.#storeCredentials()]),
      region: this.region,
      pathOf: (definition) => this.#pathOf(definition),
    });
    this.#runtimeServer = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      onError: (error) => new Response(messageOf(error), { status: 500 }),
    }, (request) => this.#serveRuntime(request));
    server.serve((request) => api.serve(request));
    this.endpoint = `http://${server.host}`;
    this.#cleaning = removeStaleDirectories(resolve(directory, ".."));
  }

  /**
   * Starts the emulator. Runtimes are started when their function is called.
   *
   * @param options The functions, store and address.
   * @returns The running emulator; close it when done.
   * @throws {LlamaError} `config` if it cannot listen there or cannot create its directory.
   */
  static async start(options: LocalLambdaOptions): Promise<LocalLambda> {
    const { concurrency, listen = { hostname: "127.0.0.1", port: 0 } } = options;
    if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1)) {
      throw new LlamaError(
        "config",
        `\`concurrency\` must be a positive integer: current value is ${concurrency}`,
      );
    }
    if (!/^(localhost|::1|127(\.\d+){3})$/.test(listen.hostname)) {
      throw new LlamaError("config", `${listen.hostname} is not a loopback host`);
    }
    const directory = makeRunDirectory(resolve(options.environment["TMPDIR"] || "/tmp"));
    try {
      return new LocalLambda(options, directory, await InvokeServer.listen(listen));
    } catch (error) {
      removeTreeSync(directory);
      throw error;
    }
  }

  /**
   * Reports whether a function is pure, by its definition.
   *
   * @param name Its name.
   */
  isPure(name: string): boolean {
    const definition = this.#functions.get(name)?.definition;
    return definition !== undefined && !(definition instanceof LlamaError) &&
      definition.pure === true;
  }

  /**
   * Returns the environment variables that other programs need to call the functions. With an S3
   * store, they must already have the store's credentials, which sign their calls, too.
   */
  environment(): Record<string, string> {
    const variables = {
      AWS_ENDPOINT_URL_LAMBDA: this.endpoint,
      LLAMA_OBJECT_STORE: this.storeUrl,
      [localBucketVariable]: this.bucket,
    };
    if (this.#storeCredentials().length > 0) return variables;
    return {
      ...variables,
      AWS_ACCESS_KEY_ID: this.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: this.credentials.secretAccessKey,
      AWS_SESSION_TOKEN: "",
      AWS_REGION: this.region,
      AWS_EC2_METADATA_DISABLED: "true",
    };
  }

  /** Ends all environments, stops listening, and removes the run's directory. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /**
   * Ends all processes and removes the run's directory synchronously, for when a signal ends the
   * program.
   */
  closeSync(): void {
    this.#pool.closeSync();
    removeTreeSync(this.#directory);
  }

  /** {@linkcode LocalLambda.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const stopped = this.#server.shutdown();
    await this.#pool.close();
    const runtimesStopped = this.#runtimeServer.shutdown();
    // A caller that does not read its answer must not keep llama from exiting.
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, shutdownMilliseconds);
    await Promise.race([Promise.all([stopped, runtimesStopped]), late.promise]);
    clearTimeout(timer);
    this.#server.close();
    this.#runtimeServer.unref();
    await this.#cleaning;
    await removeTree(this.#directory);
  }

  /** Answers a call of the Runtime API, whose path begins with the environment's secret. */
  async #serveRuntime(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, secret = "", id = "", path = ""] = /^\/([0-9a-f]{32})\/([0-9a-f-]{36})(\/.*)$/
      .exec(pathname) ?? [];
    const environment = this.#environments.get(id);
    if (!environment?.accepts(secret)) return new Response(null, { status: 403 });
    return await serveRuntimeApi(request, path, environment, {
      functionArn: functionArn(this.region, environment.functionName),
    });
  }

  #start(name: string, events: EnvironmentEvents): ExecutionEnvironment {
    const found = this.#functions.get(name);
    if (!found) throw new LlamaError("no-such-function", `no function ${JSON.stringify(name)}`);
    const { definition, directory: taskRoot, from } = found;
    if (definition instanceof LlamaError) throw definition;
    const { environment, runtimeCommand, storeEnvironment = {}, onLog } = this.#options;
    const host = hostVariables(environment);
    if (definition.handler !== undefined) {
      checkHandler(definition.handler, taskRoot, from, this.#pathOf(definition));
    }
    const id = crypto.randomUUID();
    const secret = randomBytes(16).toString("hex");
    const directory = join(this.#directory, id);
    const started = new ExecutionEnvironment({
      id,
      secret,
      definition,
      taskRoot,
      command: [...runtimeCommand, ...(definition.command ?? [])],
      directory,
      variables: runtimeVariables({
        host,
        definition,
        taskRoot,
        id,
        directory,
        runtimeApi: `127.0.0.1:${this.#runtimeServer.addr.port}/${secret}/${id}`,
        region: this.region,
        storeUrl: this.storeUrl,
        bucket: this.bucket,
        storeEnvironment,
      }),
      keys: storeKeys(this.storeUrl, storeEnvironment),
      onLog: onLog && ((line) => onLog(line, name)),
      onReady: events.onReady,
      onEnd: (ended) => {
        this.#environments.delete(id);
        events.onEnd(ended);
      },
    });
    this.#environments.set(id, started);
    return started;
  }

  /** Returns the search path for a function's programs. */
  #pathOf({ environment }: FunctionDefinition): string {
    return environment["PATH"] ?? hostVariables(this.#options.environment).PATH;
  }

  #storeCredentials(): Credentials[] {
    const { storeUrl, storeEnvironment = {} } = this.#options;
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } =
      storeEnvironment;
    if (!storeUrl?.startsWith("s3:") || !accessKeyId || !secretAccessKey) return [];
    const sessionToken = storeEnvironment["AWS_SESSION_TOKEN"] || undefined;
    return [{ accessKeyId, secretAccessKey, sessionToken }];
  }
}
