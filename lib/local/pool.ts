/**
 * Which invocation runs in which environment, and when.
 *
 * @module
 */

import type { Invocation, InvocationResult } from "./invocation.ts";

/**
 * How long a call may be passed over by later ones for whose function an environment is warm, in
 * milliseconds. Without it, two functions in turn would end each other's environments each time.
 */
const patienceMilliseconds = 250;

/**
 * How long a runtime that has answered is expected to take until it asks again, in milliseconds.
 * For so long a call waits for it rather than have another one started.
 */
const settlingMilliseconds = 20;

/** What a pool needs of an execution environment. */
export interface PooledEnvironment {
  /** The function that it runs. */
  readonly functionName: string;
  /** Whether its runtime waits for an invocation. */
  readonly isReady: boolean;
  /** Whether it takes no more invocations. */
  readonly isOver: boolean;
  /** Resolves when nothing is left of it. */
  readonly finished: Promise<void>;
  /** Runs an invocation; never fails. */
  invoke(invocation: Invocation): Promise<InvocationResult>;
  /** Ends it before the next line runs. */
  end(): void;
}

/** What an environment tells its pool. */
export interface EnvironmentEvents {
  /** Its runtime waits for an invocation, and there is none for it yet. */
  readonly onReady: (environment: PooledEnvironment) => void;
  /** It is over. */
  readonly onEnd: (environment: PooledEnvironment) => void;
}

/** What a pool is made of. */
export interface PoolOptions {
  /** The most environments at once. */
  readonly concurrency: number;
  /**
   * Starts an environment.
   *
   * @param functionName The function it is for.
   * @param events What it must call.
   * @returns The environment.
   * @throws What fails the call that it was meant for.
   */
  readonly start: (functionName: string, events: EnvironmentEvents) => PooledEnvironment;
}

interface Call {
  readonly functionName: string;
  readonly invocation: Invocation;
  readonly since: number;
  readonly result: PromiseWithResolvers<InvocationResult>;
  /** Stops listening for a caller that goes away. */
  readonly placed: () => void;
}

/** The pool was closed while a call was waiting. */
export class PoolClosedError extends Error {
  override readonly name = "PoolClosedError";
}

/** All environments, and the calls that wait for one. */
export class Pool {
  readonly #options: PoolOptions;
  /** Those that take up room. */
  readonly #environments = new Set<PooledEnvironment>();
  /** Those of them that wait for an invocation, the most recently used last. */
  readonly #idle = new Set<PooledEnvironment>();
  /** Those that have answered and are about to wait again. */
  readonly #settling = new Map<PooledEnvironment, ReturnType<typeof setTimeout>>();
  /** Those that are not quite gone. */
  readonly #ending = new Set<Promise<void>>();
  /** The calls of each function that wait, the oldest first. */
  readonly #waiting = new Map<string, Set<Call>>();
  #isClosed = false;

  /** @param options How many environments, and how to start one. */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Runs an invocation when there is an environment for it.
   *
   * @param functionName The function.
   * @param invocation The invocation.
   * @param signal Ends the wait for an environment; what runs then goes on, as on Lambda.
   * @returns How it ended.
   * @throws {PoolClosedError} If the pool is closed, or whatever `start` throws.
   */
  run(
    functionName: string,
    invocation: Invocation,
    signal?: AbortSignal,
  ): Promise<InvocationResult> {
    if (this.#isClosed) return Promise.reject(new PoolClosedError("closed"));
    const result = Promise.withResolvers<InvocationResult>();
    const leave = () => {
      this.#remove(call);
      result.reject(signal?.reason);
    };
    const call: Call = {
      functionName,
      invocation,
      since: performance.now(),
      result,
      placed: () => signal?.removeEventListener("abort", leave),
    };
    let calls = this.#waiting.get(functionName);
    if (!calls) this.#waiting.set(functionName, calls = new Set());
    calls.add(call);
    this.#dispatch();
    if (calls.has(call)) {
      if (signal?.aborted) leave();
      else signal?.addEventListener("abort", leave, { once: true });
    }
    return result.promise;
  }

  /** Ends all environments, and the calls that wait. */
  async close(): Promise<void> {
    this.closeSync();
    while (this.#ending.size > 0) await Promise.allSettled([...this.#ending]);
  }

  /** {@linkcode Pool.close}, before the next line runs; only what is no process is left for later. */
  closeSync(): void {
    this.#isClosed = true;
    for (const calls of this.#waiting.values()) {
      for (const call of calls) {
        call.placed();
        call.result.reject(new PoolClosedError("closed"));
      }
    }
    this.#waiting.clear();
    for (const environment of this.#environments) environment.end();
  }

  #dispatch(): void {
    while (!this.#isClosed && this.#place());
  }

  /** Finds an environment for one call; false if there is none for any. */
  #place(): boolean {
    const mayStart = this.#environments.size < this.#options.concurrency || this.#idle.size > 0;
    if (!mayStart || this.#waiting.size === 0) return false;
    const oldest = this.#oldest((name) => this.#waitingFor(name) > this.#settlingFor(name));
    const isImpatient = oldest !== undefined &&
      performance.now() - oldest.since > patienceMilliseconds;
    const warm = isImpatient ? oldest : this.#oldest((name) => this.#idleFor(name) !== undefined);
    const call = warm ?? oldest;
    if (!call) return false;
    this.#remove(call);
    call.placed();
    try {
      const environment = this.#idleFor(call.functionName) ?? this.#start(call.functionName);
      this.#idle.delete(environment);
      this.#execute(call, environment);
    } catch (error) {
      call.result.reject(error);
    }
    return true;
  }

  /** The call that waits longest, of the functions that are asked for. */
  #oldest(isWanted: (functionName: string) => boolean): Call | undefined {
    let oldest: Call | undefined;
    for (const [name, calls] of this.#waiting) {
      const [first] = calls;
      if (first && (!oldest || first.since < oldest.since) && isWanted(name)) oldest = first;
    }
    return oldest;
  }

  #waitingFor(functionName: string): number {
    return this.#waiting.get(functionName)?.size ?? 0;
  }

  #settlingFor(functionName: string): number {
    let count = 0;
    for (const environment of this.#settling.keys()) {
      if (environment.functionName === functionName) count++;
    }
    return count;
  }

  /** The most recently used idle environment of a function. */
  #idleFor(functionName: string): PooledEnvironment | undefined {
    let latest: PooledEnvironment | undefined;
    for (const environment of this.#idle) {
      if (environment.functionName === functionName) latest = environment;
    }
    return latest;
  }

  #start(functionName: string): PooledEnvironment {
    if (this.#environments.size >= this.#options.concurrency) {
      // Nobody waits for an idle environment now, or someone has waited long enough to replace it.
      const [leastRecentlyUsed] = this.#idle;
      leastRecentlyUsed?.end();
    }
    const environment = this.#options.start(functionName, {
      onReady: (ready) => {
        clearTimeout(this.#settling.get(ready));
        this.#settling.delete(ready);
        this.#idle.add(ready);
        this.#dispatch();
      },
      onEnd: (ended) => {
        clearTimeout(this.#settling.get(ended));
        this.#settling.delete(ended);
        this.#idle.delete(ended);
        this.#environments.delete(ended);
        // In a turn of its own: it may have been ended to make room for a call.
        queueMicrotask(() => this.#dispatch());
      },
    });
    this.#environments.add(environment);
    const finished = environment.finished.finally(() => this.#ending.delete(finished));
    this.#ending.add(finished);
    return environment;
  }

  async #execute(call: Call, environment: PooledEnvironment): Promise<void> {
    call.result.resolve(await environment.invoke(call.invocation));
    if (environment.isOver) return;
    if (environment.isReady) {
      this.#idle.add(environment);
      this.#dispatch();
      return;
    }
    this.#settling.set(
      environment,
      setTimeout(() => {
        this.#settling.delete(environment);
        this.#dispatch();
      }, settlingMilliseconds),
    );
  }

  #remove(call: Call): void {
    const calls = this.#waiting.get(call.functionName);
    calls?.delete(call);
    if (calls?.size === 0) this.#waiting.delete(call.functionName);
  }
}
