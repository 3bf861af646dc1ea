/**
 * The runtime's loop: takes invocations one by one, and runs a command for each.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../environment.ts";
import { messageOf } from "../errors.ts";
import { LazyStore } from "../store/lazy.ts";
import type { ObjectStore } from "../store/store.ts";
import { killMarked } from "../processes.ts";
import type { Invocation, RuntimeApi } from "./api.ts";
import { commandEnvironment } from "./command_environment.ts";
import { findFunctionCommand, type FunctionCommand } from "./function_command.ts";
import { type JobError, toJobError } from "./job_error.ts";
import { Workspace } from "./workspace.ts";

/** What the loop needs of its process. */
export interface LoopOptions {
  /** The program's own arguments: an image's `CMD`, or none. */
  args: readonly string[];
  /** The environment variables. */
  environment: Environment;
  /** Takes a line for the log. */
  log: (line: string) => void;
  /** Standard input, at whose end the emulator is gone; read only under the emulator. */
  stdin: { read(buffer: Uint8Array): Promise<number | null> };
  /** Ends the runtime, and the command that it runs. */
  signal: AbortSignal;
}

/**
 * Runs the loop.
 *
 * @param api Where invocations come from.
 * @param options What it needs of its process.
 * @returns The process's exit status: 0 if it was told to end, 1 if it could not go on. End the
 * process then: a read of standard input may be under way.
 */
export async function runLoop(api: RuntimeApi, options: LoopOptions): Promise<number> {
  return await new Runtime(api, options).run();
}

type Jobs = typeof import("./invocation.ts");

/** What runs an invocation: most of the runtime. */
const loadJobs = (): Promise<Jobs> => import("./invocation.ts");

/** What S3 takes is as much code again, and few jobs need it. */
async function openStore(
  url: string,
  environment: Environment,
  functionArn: string | undefined,
): Promise<ObjectStore> {
  const { accountOfArn, openStore } = await import("../store/open.ts");
  return openStore(url, { environment, bucketOwner: accountOfArn(functionArn) });
}

/**
 * How long the first request to Lambda has for getting out, in milliseconds, before the rest of the
 * runtime is loaded, which would hold it up. Its answer is on its way meanwhile.
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
  #workspace: Workspace | undefined;

  constructor(api: RuntimeApi, options: LoopOptions) {
    this.#api = api;
    this.#options = options;
    this.#temporary = options.environment["TMPDIR"] || "/tmp";
    this.#isLocal = Boolean(options.environment["LLAMA_LOCAL"]);
    this.#signal = AbortSignal.any([options.signal, this.#end.signal]);
  }

  async run(): Promise<number> {
    if (this.#isLocal) void this.#watchParent();
    // Whatever the loop is busy with, the end comes at once: the signal has killed the command's
    // group by now.
    const { promise: ended, resolve } = Promise.withResolvers<number>();
    const end = () => resolve(0);
    if (this.#signal.aborted) end();
    this.#signal.addEventListener("abort", end, { once: true });
    try {
      return await Promise.race([this.#loop(), ended]);
    } catch (error) {
      if (this.#signal.aborted) return 0;
      this.#options.log(`llama: ${messageOf(error)}`);
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
      command = findFunctionCommand(args, environment, Deno.cwd());
    } catch (thrown) {
      const error = toJobError(thrown, this.#temporary);
      log(`llama: start: ${error.type}: ${error.message}`);
      await this.#api.fail(undefined, error, this.#signal);
      return 1;
    }
    // Of the process's whole life so far, all but what the system took to load its program.
    let initMs: number | undefined = performance.now();
    const loading = delay(requestMilliseconds).then(loadJobs);
    for (;; initMs = undefined) {
      const [invocation, jobs] = await Promise.all([this.#api.next(this.#signal), loading]);
      const workspace = this.#workspace = new Workspace(this.#temporary);
      await this.#invoke(jobs, command, invocation, workspace, initMs);
      // The answer is out, and the next job need not wait for this.
      this.#workspace = undefined;
      workspace.remove().catch((error) => {
        log(`llama: request ${invocation.id}: files are left: ${messageOf(error)}`);
      });
    }
  }

  async #invoke(
    { runInvocation }: Jobs,
    command: FunctionCommand,
    { id, text, traceId, functionArn, received, deadline }: Invocation,
    workspace: Workspace,
    initMs: number | undefined,
  ): Promise<void> {
    const { environment, log } = this.#options;
    const url = environment["LLAMA_OBJECT_STORE"];
    const store = () =>
      url
        ? this.#store ??= new LazyStore(url, () => openStore(url, environment, functionArn))
        : undefined;
    try {
      const answer = await runInvocation(text, {
        functionName: environment["AWS_LAMBDA_FUNCTION_NAME"],
        command,
        ...commandEnvironment(environment, { traceId, isLocal: this.#isLocal }),
        searchPath: environment["PATH"],
        workspace,
        store,
        initMs,
        received,
        deadline,
        memoryMb: Number(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) || undefined,
        isMemoryBound: !this.#isLocal,
        signal: this.#signal,
      });
      // Before the answer, with which Lambda ends the invocation's part of the log.
      log(`llama: request ${id}: ${answer.summary}`);
      await this.#api.respond(id, answer.text, this.#signal);
    } catch (thrown) {
      this.#signal.throwIfAborted();
      const error: JobError = toJobError(thrown, this.#temporary);
      log(`llama: request ${id}: ${error.type}: ${error.message}`);
      await this.#api.fail(id, error, this.#signal);
    }
  }

  /** The emulator holds the other end of standard input, so its end comes even by SIGKILL. */
  async #watchParent(): Promise<void> {
    const buffer = new Uint8Array(256);
    try {
      while (await this.#options.stdin.read(buffer) !== null);
    } catch (error) {
      this.#options.log(`llama: standard input: ${messageOf(error)}`);
    }
    this.#end.abort();
  }

  #cleanUp(): void {
    const { environment, log } = this.#options;
    try {
      const id = environment["LLAMA_ENVIRONMENT"];
      if (this.#isLocal && id) killMarked(`LLAMA_ENVIRONMENT=${id}`, [Deno.pid]);
      this.#workspace?.removeSync();
    } catch (error) {
      log(`llama: files are left: ${messageOf(error)}`);
    }
  }
}
