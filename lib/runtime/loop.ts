/**
 * The runtime's main loop: takes invocations one at a time, and runs a command for each.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../environment.ts";
import { messageOf } from "../errors.ts";
import { LazyStore } from "../store/lazy.ts";
import type { S3Files } from "../store/s3_files.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Invocation, RuntimeApi } from "./api.ts";
import { commandEnvironment } from "./command_environment.ts";
import { findFunctionCommand, type FunctionCommand } from "./function_command.ts";
import type { Host } from "./host.ts";
import type { JobError } from "./job_error.ts";
import type { LiveResponse } from "./live_response.ts";
import type { Log } from "./log.ts";
import { Workspace } from "./workspace.ts";

/** Options for {@linkcode runLoop}. */
export interface LoopOptions {
  /** The program's arguments: an image's `CMD`, or none. */
  args: readonly string[];
  /** The environment variables. */
  environment: Environment;
  /** The function's log. */
  log: Log;
  /** Standard input, read only under the emulator; its end means that the emulator is gone. */
  stdin: { read(buffer: Uint8Array): Promise<number | null> };
  /** Ends the runtime and its command. */
  signal: AbortSignal;
}

/**
 * Runs the loop.
 *
 * @returns The process's exit status: 0 if it was told to end, 1 if it could not continue. The
 * caller must exit then, since a read of standard input may be pending.
 */
export async function runLoop(api: RuntimeApi, options: LoopOptions): Promise<number> {
  return await new Runtime(api, options).run();
}

/** The lazily loaded parts that run an invocation. */
interface Jobs {
  readonly runInvocation: typeof import("./invocation.ts").runInvocation;
  readonly host: Host;
}

/** Loads S3's code on demand: it doubles the runtime's size, and few jobs need it. */
async function openStore(
  url: string,
  environment: Environment,
  functionArn: string | undefined,
): Promise<ObjectStore> {
  const { accountOfArn, openStore } = await import("../store/open.ts");
  return openStore(url, { environment, bucketOwner: accountOfArn(functionArn) });
}

/** As {@linkcode openStore}, for the user's own objects. */
async function openS3(environment: Environment): Promise<S3Files> {
  return (await import("./open_s3.ts")).openS3(environment);
}

/** Loads what explains failures when there is one. */
async function jobErrorOf(thrown: unknown, temporary: string): Promise<JobError> {
  return (await import("./to_job_error.ts")).toJobError(thrown, temporary);
}

/**
 * The delay before the rest of the runtime is loaded under the emulator, in milliseconds: loading
 * would hold up the first request, but may overlap with its answer.
 */
const requestMilliseconds = 1;

class Runtime {
  readonly #api: RuntimeApi;
  readonly #options: LoopOptions;
  readonly #temporary: string;
  readonly #isLocal: boolean;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  #store: ObjectStore | undefined;
  #s3: Promise<S3Files> | undefined;
  #workspace: Workspace | undefined;
  #host: Host | undefined;

  constructor(api: RuntimeApi, options: LoopOptions) {
    this.#api = api;
    this.#options = options;
    this.#temporary = options.environment["TMPDIR"] || "/tmp";
    this.#isLocal = Boolean(options.environment["LLAMA_LOCAL"]);
    this.#signal = AbortSignal.any([options.signal, this.#end.signal]);
  }

  async run(): Promise<number> {
    if (this.#isLocal) void this.#watchParent();
    // Ends at once, whatever the loop is doing: the signal has already killed the command's group.
    const { promise: ended, resolve } = Promise.withResolvers<number>();
    const end = () => resolve(0);
    if (this.#signal.aborted) end();
    this.#signal.addEventListener("abort", end, { once: true });
    try {
      return await Promise.race([this.#loop(), ended]);
    } catch (error) {
      if (this.#signal.aborted) return 0;
      this.#options.log("ERROR", messageOf(error));
      return 1;
    } finally {
      this.#signal.removeEventListener("abort", end);
      this.#cleanUp();
    }
  }

  async #loop(): Promise<number> {
    const { args, environment, log } = this.#options;
    let command: FunctionCommand;
    try {
      // Only a shell has such an option.
      const isShell = args.some((word) => /^-\w*c/.test(word));
      const words = isShell ? (await import("./shell_form.ts")).passArguments(args) : args;
      command = findFunctionCommand(words, environment, Deno.cwd());
    } catch (thrown) {
      const error = await jobErrorOf(thrown, this.#temporary);
      log("ERROR", `start: ${error.type}: ${error.message}`);
      await this.#api.fail(undefined, error, this.#signal);
      return 1;
    }
    // On Lambda, a function has a whole processor while it starts, but as little as 7 % of one in its
    // first invocation. Locally there is no difference, and an invocation is waiting.
    const loading = this.#isLocal
      ? delay(requestMilliseconds).then(() => this.#load())
      : Promise.resolve(await this.#load());
    // The life of the process so far, except for the time to load its program.
    let initMs: number | undefined = performance.now();
    for (;; initMs = undefined) {
      const [invocation, jobs] = await Promise.all([this.#api.next(this.#signal), loading]);
      const workspace = this.#workspace = new Workspace(this.#temporary, jobs.host.owner);
      const canGoOn = await this.#invoke(jobs, command, invocation, workspace, initMs);
      if (!canGoOn) return 1;
      // In the background: the answer is sent, and the next job need not wait.
      this.#workspace = undefined;
      workspace.remove().catch((error) => {
        log("WARN", `cannot clean up: ${messageOf(error)}`, { requestId: invocation.id });
      });
    }
  }

  async #load(): Promise<Jobs> {
    const [{ runInvocation }, { prepareHost }] = await Promise.all([
      import("./invocation.ts"),
      import("./host.ts"),
    ]);
    const { environment, log } = this.#options;
    const temporary = this.#temporary;
    const host = this.#host = await prepareHost({ isLocal: this.#isLocal, temporary, log });
    if (!this.#isLocal) {
      // Few jobs are streamed, but their first byte is waited for.
      await import("./live_response.ts");
      const { warmUp } = await import("./warm_up.ts");
      await warmUp(temporary, environment, host, this.#signal);
    }
    return { runInvocation, host };
  }

  /** @returns Whether further jobs can run. */
  async #invoke(
    { runInvocation, host }: Jobs,
    command: FunctionCommand,
    { id, text, traceId, functionArn, received, deadline }: Invocation,
    workspace: Workspace,
    initMs: number | undefined,
  ): Promise<boolean> {
    const { environment, log } = this.#options;
    const url = environment["LLAMA_OBJECT_STORE"];
    const store = () =>
      url
        ? this.#store ??= new LazyStore(url, () => openStore(url, environment, functionArn))
        : undefined;
    let live: LiveResponse | undefined;
    const openLive = async () => {
      const { LiveResponse } = await import("./live_response.ts");
      return live = new LiveResponse({
        post: (body) => this.#api.respondLive(id, body, this.#signal),
        hasStore: Boolean(url),
      });
    };
    try {
      const answer = await runInvocation(text, {
        ...host,
        requestId: id,
        functionName: environment["AWS_LAMBDA_FUNCTION_NAME"],
        command,
        ...await commandEnvironment(environment, { traceId, isLocal: this.#isLocal }),
        searchPath: environment["PATH"],
        workspace,
        store,
        s3: () => this.#s3 ??= openS3(environment),
        initMs,
        received,
        deadline,
        memoryMb: Number(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) || undefined,
        openLive,
        signal: this.#signal,
      });
      // Before the answer, at which Lambda ends the invocation's part of the log.
      log("INFO", answer.summary, { requestId: id });
      if (live) await live.end("r", answer.text);
      else await this.#api.respond(id, answer.text, this.#signal);
      return true;
    } catch (thrown) {
      this.#signal.throwIfAborted();
      const error = await jobErrorOf(thrown, this.#temporary);
      log("ERROR", error.message, { requestId: id, errorType: error.type });
      if (live) await live.end("x", JSON.stringify(error.payload()));
      else await this.#api.fail(id, error, this.#signal);
      return !error.isLast;
    } finally {
      live?.[Symbol.dispose]();
    }
  }

  /** The emulator holds the other end of standard input, which closes even if SIGKILL ends it. */
  async #watchParent(): Promise<void> {
    const buffer = new Uint8Array(256);
    try {
      while (await this.#options.stdin.read(buffer) !== null);
    } catch (error) {
      this.#options.log("ERROR", `standard input: ${messageOf(error)}`);
    }
    this.#end.abort();
  }

  #cleanUp(): void {
    const { environment, log } = this.#options;
    try {
      const id = environment["LLAMA_ENVIRONMENT"];
      if (this.#isLocal && id) this.#host?.endAll(`LLAMA_ENVIRONMENT=${id}`);
      this.#workspace?.removeSync();
    } catch (error) {
      log("WARN", `cannot clean up: ${messageOf(error)}`);
    }
  }
}
