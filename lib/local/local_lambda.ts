/**
 * Lambda on this machine.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Credentials } from "../aws/credentials/keys.ts";
import type { Environment } from "../environment.ts";
import { LlamaError, messageOf } from "../errors.ts";
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
import { descriptorBudget } from "../system/descriptors.ts";
import { serveRuntimeApi } from "./runtime_api.ts";
import { SignatureVerifier } from "./signature.ts";
import { hostVariables, runtimeVariables, storeKeys } from "./variables.ts";

/** What a {@linkcode LocalLambda} is made of. */
export interface LocalLambdaOptions {
  /** The functions. */
  readonly functions: readonly LocalFunction[];
  /**
   * Where they were looked for, for callers that ask for another one.
   * @default {"images"}
   */
  readonly functionsFrom?: string | undefined;
  /** The object store; by default a directory that goes with the run. */
  readonly storeUrl?: string | undefined;
  /**
   * What the runtimes need for an S3 store: `AWS_ACCESS_KEY_ID` and the like, and a proxy where
   * there is one. All of it goes to them, and calls may be signed with its key.
   * @default {{}}
   */
  readonly storeEnvironment?: Environment | undefined;
  /** The command that starts the runtime; see `runtimeCommand`. */
  readonly runtimeCommand: readonly string[];
  /**
   * Where to listen, on loopback; port 0 is any free one.
   * @default {{ hostname: "127.0.0.1", port: 0 }}
   */
  readonly listen?: ListenAddress | undefined;
  /**
   * The most environments at once.
   * @default {navigator.hardwareConcurrency}
   */
  readonly concurrency?: number | undefined;
  /** The user's environment, of which runtimes get only what they need. */
  readonly environment: Environment;
  /** Gets each line of all functions' logs. */
  readonly onLog?: ((line: string, functionName: string) => void) | undefined;
}

/** Calls under way get so long at the end to send their answers, in milliseconds. */
const shutdownMilliseconds = 1000;

/** Serves Lambda's Invoke API on loopback, and runs functions in processes of this machine. */
export class LocalLambda implements AsyncDisposable {
  /** The URL of the Invoke API, without a slash at its end. */
  readonly endpoint: string;
  /** The object store that the functions use. */
  readonly storeUrl: string;
  /** What signs calls: made for this run, and good for nothing else. */
  readonly credentials: Credentials;
  /** A region that AWS does not have, so that nothing meant for here works there. */
  readonly region = "local-1";
  readonly #options: LocalLambdaOptions;
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #directory: string;
  readonly #server: InvokeServer;
  /** The Runtime API's own server: `Deno.serve` answers in half the time of Node's. */
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
    this.credentials = {
      // As AWS's own look, since programs that read them may check.
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
   * Starts to listen. No runtime is started before its function is called.
   *
   * @param options Functions, store, and where to listen.
   * @returns The running emulator; close it when done.
   * @throws {LlamaError} `config` if it cannot listen there, or has no place for its files.
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
   * What other programs need in order to call the functions. With an S3 store they need the
   * store's own credentials, which they must have already and which sign their calls too.
   *
   * @returns Environment variables.
   */
  environment(): Record<string, string> {
    const variables = {
      AWS_ENDPOINT_URL_LAMBDA: this.endpoint,
      LLAMA_OBJECT_STORE: this.storeUrl,
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
   * Ends all processes and removes the run's directory before the next line runs: for the end of
   * the program by a signal.
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
    // A caller that does not read its answer must not keep llama from ending.
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, shutdownMilliseconds);
    await Promise.race([Promise.all([stopped, runtimesStopped]), late.promise]);
    clearTimeout(timer);
    this.#server.close();
    this.#runtimeServer.unref();
    await this.#cleaning;
    await removeTree(this.#directory);
  }

  /** Answers a call of the Runtime API, whose path begins with its environment's secret. */
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
      checkHandler(definition.handler, taskRoot, from, definition.environment["PATH"] ?? host.PATH);
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

  #storeCredentials(): Credentials[] {
    const { storeUrl, storeEnvironment = {} } = this.#options;
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } =
      storeEnvironment;
    if (!storeUrl?.startsWith("s3:") || !accessKeyId || !secretAccessKey) return [];
    const sessionToken = storeEnvironment["AWS_SESSION_TOKEN"] || undefined;
    return [{ accessKeyId, secretAccessKey, sessionToken }];
  }
}
