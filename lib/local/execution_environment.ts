/**
 * An execution environment: a runtime process that handles one invocation at a time.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { Environment } from "../environment.ts";
import { reasonOf } from "../errors.ts";
import type { FunctionDefinition } from "../functions/definition.ts";
import {
  type Failure,
  initTimedOut,
  invalidEntrypoint,
  runtimeExited,
  timedOut,
} from "./failures.ts";
import type { Delivery, Invocation, InvocationResult, LiveCaller } from "./invocation.ts";
import { reportLine, startLine } from "./log.ts";
import { removeTree } from "../files/run_directory.ts";
import { RuntimeProcess } from "./runtime_process.ts";

/**
 * The time for a runtime to request its first invocation. Lambda allows 10 seconds; here it may have
 * to be compiled from source first, on a busy machine.
 */
const initSeconds = 30;

/** Options for {@linkcode ExecutionEnvironment}. */
export interface EnvironmentOptions {
  /** The environment's id. */
  readonly id: string;
  /** The secret that authenticates the runtime. */
  readonly secret: string;
  /** The function. */
  readonly definition: FunctionDefinition;
  /** The function's folder. */
  readonly taskRoot: string;
  /** The runtime's program and arguments, including the function's command. */
  readonly command: readonly string[];
  /** All variables of the runtime process. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that it reads from standard input. */
  readonly keys?: Environment | undefined;
  /** The environment's directory, which is removed at its end. */
  readonly directory: string;
  /** Receives each line of the log. */
  readonly onLog: ((line: string) => void) | undefined;
  /** Called when the runtime requests an invocation and none is assigned. */
  readonly onReady: (environment: ExecutionEnvironment) => void;
  /** Called once when the environment has ended. */
  readonly onEnd: (environment: ExecutionEnvironment) => void;
}

interface Answer {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly isError: boolean;
  /** For the log's last line. */
  readonly status?: string | undefined;
}

interface Current {
  readonly invocation: Invocation;
  readonly answer: PromiseWithResolvers<Answer>;
  /** What was delivered to the runtime, and when, by `performance.now()`. */
  delivered: { readonly delivery: Delivery; readonly at: number } | undefined;
}

/** A runtime process and its current invocation. */
export class ExecutionEnvironment {
  /** The environment's id. */
  readonly id: string;
  /** The function that it runs. */
  readonly functionName: string;
  /** Resolves when its process and its directory are gone. */
  readonly finished: Promise<void>;
  readonly #options: EnvironmentOptions;
  readonly #process: RuntimeProcess | undefined;
  readonly #spawnFailure: string | undefined;
  readonly #spawnedAt = performance.now();
  #initMilliseconds: number | undefined;
  #poll: PromiseWithResolvers<Delivery | undefined> | undefined;
  #current: Current | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether an invocation was assigned and its log is not complete yet. */
  #isBusy = false;
  #isOver = false;

  /**
   * Starts a runtime. If it cannot be started, the first invocation fails.
   */
  constructor(options: EnvironmentOptions) {
    const { id, command, variables, keys, taskRoot, directory, onLog } = options;
    this.#options = options;
    this.id = id;
    this.functionName = options.definition.name;
    try {
      Deno.mkdirSync(directory, { mode: 0o700 });
      this.#process = new RuntimeProcess({ id, command, variables, keys, cwd: taskRoot, onLog });
    } catch (error) {
      this.#spawnFailure = reasonOf(error);
    }
    this.finished = this.#finish();
  }

  /** Whether its runtime is waiting for an invocation. */
  get isReady(): boolean {
    return this.#poll !== undefined && !this.#isBusy;
  }

  /** Whether it has ended and takes no more invocations. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Reports whether a secret is this environment's.
   */
  accepts(secret: string): boolean {
    const [given, own] = [Buffer.from(secret), Buffer.from(this.#options.secret)];
    return given.length === own.length && timingSafeEqual(given, own);
  }

  /**
   * Runs an invocation when the runtime is ready. Only one may run at a time. Failures are results,
   * too; this never rejects.
   */
  async invoke(invocation: Invocation): Promise<InvocationResult> {
    this.#isBusy = true;
    // Lambda would let the command run on. Here it uses the user's own machine.
    const end = () => this.end();
    const gone = invocation.live?.gone;
    gone?.addEventListener("abort", end);
    if (gone?.aborted) end();
    try {
      return await this.#invoke(invocation);
    } finally {
      gone?.removeEventListener("abort", end);
      this.#isBusy = false;
    }
  }

  async #invoke(invocation: Invocation): Promise<InvocationResult> {
    const current: Current = {
      invocation,
      answer: Promise.withResolvers(),
      delivered: undefined,
    };
    this.#current = current;
    const isCold = this.#initMilliseconds === undefined;
    const log = this.#process?.log;
    // The log lines of the start belong to the first invocation.
    if (!isCold) log?.begin();
    clearTimeout(this.#timer);
    if (this.#spawnFailure !== undefined) {
      const [program = ""] = this.#options.command;
      this.#fail(invalidEntrypoint(invocation.requestId, program, this.#spawnFailure), "error");
      this.end();
    } else if (this.#poll) {
      this.#deliver();
    } else {
      this.#timer = setTimeout(() => {
        this.#fail(initTimedOut(invocation.requestId, initSeconds), "timeout");
        this.end();
      }, initSeconds * 1000);
    }
    const { payload, isError, status } = await current.answer.promise;
    const { wantsLog } = invocation;
    if (!log || !(wantsLog || log.isWatched)) return { payload, isError, logTail: undefined };
    const ended = performance.now();
    // The answer and the log arrive over different connections.
    await log.drain(wantsLog ? 2 : 0, 20);
    this.#writeReport(current, status, ended, isCold);
    return { payload, isError, logTail: wantsLog ? log.tail() : undefined };
  }

  /**
   * Handles the runtime's request for its next invocation.
   *
   * @returns The invocation; undefined if this request is obsolete.
   */
  next(): Promise<Delivery | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    // A runtime has one pending request at a time; the connection of an older one broke.
    this.#poll?.resolve(undefined);
    const poll = Promise.withResolvers<Delivery | undefined>();
    this.#poll = poll;
    this.#initMilliseconds ??= performance.now() - this.#spawnedAt;
    if (this.#current) {
      this.#deliver();
    } else {
      clearTimeout(this.#timer);
      if (!this.#isBusy) this.#options.onReady(this);
    }
    return poll.promise;
  }

  /**
   * Reports whether an id is that of the current invocation.
   */
  isWorkingAt(requestId: string): boolean {
    return this.#current?.delivered !== undefined &&
      this.#current.invocation.requestId === requestId;
  }

  /**
   * Returns the caller that reads the current invocation's response as it is made, if it does.
   */
  liveCaller(requestId: string): LiveCaller | undefined {
    return this.isWorkingAt(requestId) ? this.#current?.invocation.live : undefined;
  }

  /**
   * Completes the current invocation with the runtime's answer.
   *
   * @param payload The function's answer, or its error.
   * @param isError Whether it is an error.
   */
  answer(payload: Uint8Array<ArrayBuffer>, isError: boolean): void {
    this.#settle({ payload, isError, status: isError ? "error" : undefined });
  }

  /**
   * Completes the current invocation with a failure that Lambda itself detects.
   */
  answerWith(failure: Failure): void {
    this.#fail(failure, "error");
  }

  /**
   * Handles a runtime's init error, and ends the environment.
   *
   * @param payload The runtime's error.
   */
  failInit(payload: Uint8Array<ArrayBuffer>): void {
    this.#settle({ payload, isError: true, status: "error" });
    this.end();
  }

  /** Ends the environment and kills all its processes, synchronously. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#process?.kill();
    this.#poll?.resolve(undefined);
    this.#poll = undefined;
    this.#options.onEnd(this);
  }

  #deliver(): void {
    if (!this.#current || !this.#poll) return;
    // A runtime that asks again before answering has lost the connection of the first delivery.
    this.#current.delivered ??= this.#begin(this.#current.invocation);
    this.#poll.resolve(this.#current.delivered.delivery);
    this.#poll = undefined;
  }

  #begin(invocation: Invocation): NonNullable<Current["delivered"]> {
    const { definition: { timeout } } = this.#options;
    const { requestId } = invocation;
    const log = this.#process?.log;
    clearTimeout(this.#timer);
    log?.platform(startLine(requestId));
    // Not cleared by the answer: a runtime that does not ask again is of no use.
    this.#timer = setTimeout(() => {
      if (this.#current) {
        const words = `Task timed out after ${timeout.toFixed(2)} seconds`;
        log?.platform(`${new Date().toISOString()} ${requestId} ${words}`);
        this.#process?.usedMemory();
        this.#fail(timedOut(requestId, timeout), "timeout");
      }
      this.end();
    }, timeout * 1000);
    const delivery = { invocation, deadline: Date.now() + timeout * 1000 };
    return { delivery, at: performance.now() };
  }

  #fail(failure: Failure, status: string): void {
    const payload = new TextEncoder().encode(JSON.stringify(failure));
    this.#settle({ payload, isError: true, status });
  }

  #settle(answer: Answer): void {
    const current = this.#current;
    this.#current = undefined;
    current?.answer.resolve(answer);
  }

  #writeReport(
    { invocation: { requestId }, delivered }: Current,
    status: string | undefined,
    ended: number,
    isCold: boolean,
  ): void {
    const process = this.#process;
    if (!process) return;
    if (!delivered) process.log.platform(startLine(requestId));
    process.log.platform(`END RequestId: ${requestId}`);
    process.log.platform(reportLine({
      requestId,
      milliseconds: delivered === undefined ? 0 : ended - delivered.at,
      initMilliseconds: isCold ? this.#initMilliseconds ?? ended - this.#spawnedAt : undefined,
      memory: this.#options.definition.memory,
      usedMemory: process.usedMemory(),
      status,
    }));
  }

  async #finish(): Promise<void> {
    if (this.#process) {
      const status = await this.#process.status;
      this.end();
      await this.#process.close();
      const requestId = this.#current?.invocation.requestId;
      if (requestId !== undefined) this.#fail(runtimeExited(requestId, status), "error");
    }
    // Anything left is removed with the run's directory.
    await removeTree(this.#options.directory).catch(() => {});
  }
}
