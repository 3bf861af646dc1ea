/**
 * One execution environment: a runtime process that works at one invocation at a time.
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
import type { Delivery, Invocation, InvocationResult } from "./invocation.ts";
import { reportLine, startLine } from "./log.ts";
import { removeTree } from "../files/run_directory.ts";
import { RuntimeProcess } from "./runtime_process.ts";

/**
 * How long a runtime may take until it asks for its first invocation. Lambda gives it 10 seconds;
 * here it may have to be compiled from source first, on a machine that is busy with others.
 */
const initSeconds = 30;

/** What an environment is made of. */
export interface EnvironmentOptions {
  /** The environment's id. */
  readonly id: string;
  /** What a runtime must know to speak for this environment. */
  readonly secret: string;
  /** The function. */
  readonly definition: FunctionDefinition;
  /** The function's folder. */
  readonly taskRoot: string;
  /** The runtime's program and arguments, those of the function included. */
  readonly command: readonly string[];
  /** All variables of the runtime process. */
  readonly variables: Readonly<Record<string, string>>;
  /** What it is handed by its standard input. */
  readonly keys?: Environment | undefined;
  /** The environment's own directory, which goes with it. */
  readonly directory: string;
  /** Gets each line of the log. */
  readonly onLog: ((line: string) => void) | undefined;
  /** The runtime asks for an invocation, and there is none for it yet. */
  readonly onReady: (environment: ExecutionEnvironment) => void;
  /** The environment is over; called once. */
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
  /** What the runtime got, and when, by `performance.now()`. */
  delivered: { readonly delivery: Delivery; readonly at: number } | undefined;
}

/** A runtime process and the invocation it works at. */
export class ExecutionEnvironment {
  /** The environment's id. */
  readonly id: string;
  /** The function that it runs. */
  readonly functionName: string;
  /** Resolves when nothing is left of it: no process, no directory. */
  readonly finished: Promise<void>;
  readonly #options: EnvironmentOptions;
  readonly #process: RuntimeProcess | undefined;
  readonly #spawnFailure: string | undefined;
  readonly #spawnedAt = performance.now();
  #initMilliseconds: number | undefined;
  #poll: PromiseWithResolvers<Delivery | undefined> | undefined;
  #current: Current | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** From the hand-over of an invocation until its log is complete. */
  #isBusy = false;
  #isOver = false;

  /**
   * Starts a runtime. One that cannot be started fails the first invocation.
   *
   * @param options What the environment is made of.
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

  /** Whether its runtime waits for an invocation. */
  get isReady(): boolean {
    return this.#poll !== undefined && !this.#isBusy;
  }

  /** Whether it takes no more invocations. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Whether a caller of the Runtime API may speak for this environment.
   *
   * @param secret What it gave.
   * @returns True for the environment's own secret.
   */
  accepts(secret: string): boolean {
    const [given, own] = [Buffer.from(secret), Buffer.from(this.#options.secret)];
    return given.length === own.length && timingSafeEqual(given, own);
  }

  /**
   * Has the runtime work at an invocation, once it is ready. One at a time.
   *
   * @param invocation The invocation.
   * @returns How it ended. Failures of all kinds are answers too.
   */
  async invoke(invocation: Invocation): Promise<InvocationResult> {
    this.#isBusy = true;
    try {
      return await this.#invoke(invocation);
    } finally {
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
    // The lines of its start belong to the first invocation of an environment.
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
    // Both the answer and the log come from the runtime, by different ways.
    await log.drain(wantsLog ? 2 : 0, 20);
    this.#writeReport(current, status, ended, isCold);
    return { payload, isError, logTail: wantsLog ? log.tail() : undefined };
  }

  /**
   * The runtime asks for its next invocation.
   *
   * @returns The invocation, or undefined if there will be none for this question.
   */
  next(): Promise<Delivery | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    // A runtime asks once at a time; an older question is one whose connection broke.
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
   * The invocation that the runtime works at.
   *
   * @param requestId The id that the runtime gave.
   * @returns Whether it is that one.
   */
  isWorkingAt(requestId: string): boolean {
    return this.#current?.delivered !== undefined &&
      this.#current.invocation.requestId === requestId;
  }

  /**
   * The runtime answers the current invocation.
   *
   * @param payload The function's answer, or its error.
   * @param isError Whether it is an error.
   */
  answer(payload: Uint8Array<ArrayBuffer>, isError: boolean): void {
    this.#settle({ payload, isError, status: isError ? "error" : undefined });
  }

  /**
   * The current invocation fails for a reason that Lambda itself finds.
   *
   * @param failure The reason.
   */
  answerWith(failure: Failure): void {
    this.#fail(failure, "error");
  }

  /**
   * The runtime cannot start; the environment is over.
   *
   * @param payload Its own words.
   */
  failInit(payload: Uint8Array<ArrayBuffer>): void {
    this.#settle({ payload, isError: true, status: "error" });
    this.end();
  }

  /** Ends the environment with every process that came of it, before the next line runs. */
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
    // A runtime that asks again before it answers has lost the connection on which it was told.
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
    // It runs on after the answer: a runtime that does not come back is of no use either.
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
    // What cannot be removed now goes with the run's directory.
    await removeTree(this.#options.directory).catch(() => {});
  }
}
