/**
 * Assigns invocations to execution environments.
 *
 * @module
 */

import type { Invocation, InvocationResult } from "./invocation.ts";

/**
 * How long later calls to functions with a warm environment may overtake a call, in milliseconds.
 * Without this, alternating calls to two functions would end each other's environments every time.
 */
const patienceMilliseconds = 250;

/**
 * How long a call waits for a runtime that has just answered to ask again, in milliseconds, before
 * another environment is started.
 */
const settlingMilliseconds = 20;

/** An execution environment, as a pool sees it. */
export interface PooledEnvironment {
  /** The function that it runs. */
  readonly functionName: string;
  /** Whether its runtime is waiting for an invocation. */
  readonly isReady: boolean;
  /** Whether it has ended and takes no more invocations. */
  readonly isOver: boolean;
  /** Resolves when its process and its directory are gone. */
  readonly finished: Promise<void>;
  /** Runs an invocation; never rejects. */
  invoke(invocation: Invocation): Promise<InvocationResult>;
  /** Ends it synchronously. */
  end(): void;
}

/** The events of an environment. */
export interface EnvironmentEvents {
  /** Its runtime requests an invocation and none is assigned. */
  readonly onReady: (environment: PooledEnvironment) => void;
  /** It has ended. */
  readonly onEnd: (environment: PooledEnvironment) => void;
}

/** Options for {@linkcode Pool}. */
export interface PoolOptions {
  /** The maximum number of environments. */
  readonly concurrency: number;
  /**
   * Starts an environment.
   *
   * @param functionName The function.
   * @param events The callbacks for its events.
   * @returns The environment.
   * @throws The error with which the call fails.
   */
  readonly start: (functionName: string, events: EnvironmentEvents) => PooledEnvironment;
}

interface Call {
  readonly functionName: string;
  readonly invocation: Invocation;
  readonly since: number;
  readonly result: PromiseWithResolvers<InvocationResult>;
  /** Stops listening for the caller's disconnect. */
  readonly placed: () => void;
}

/** The pool was closed while a call was waiting. */
export class PoolClosedError extends Error {
  override readonly name = "PoolClosedError";
}

/** A pool of environments, with a queue of calls. */
export class Pool {
  readonly #options: PoolOptions;
  /** The environments that count against the maximum. */
  readonly #environments = new Set<PooledEnvironment>();
  /** Those that wait for an invocation, the most recently used last. */
  readonly #idle = new Set<PooledEnvironment>();
  /** Those that have answered and are about to wait again. */
  readonly #settling = new Map<PooledEnvironment, ReturnType<typeof setTimeout>>();
  /** Those whose processes and directories are not gone yet. */
  readonly #ending = new Set<Promise<void>>();
  /** The waiting calls of each function, oldest first. */
  readonly #waiting = new Map<string, Set<Call>>();
  #isClosed = false;

  /** @param options The maximum number of environments, and how to start one. */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Runs an invocation when there is an environment for it.
   *
   * @param functionName The function.
   * @param invocation The invocation.
   * @param signal Aborts the wait for an environment; a running invocation continues, as on Lambda.
   * @returns The result.
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

  /** Ends all environments and rejects the waiting calls. */
  async close(): Promise<void> {
    this.closeSync();
    while (this.#ending.size > 0) await Promise.allSettled([...this.#ending]);
  }

  /** Like {@linkcode Pool.close}, but kills the processes synchronously and does not wait. */
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

  /** Assigns one waiting call to an environment; returns false if none can be assigned. */
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

  /** Returns the oldest waiting call of the wanted functions. */
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

  /** Returns the most recently used idle environment of a function. */
  #idleFor(functionName: string): PooledEnvironment | undefined {
    let latest: PooledEnvironment | undefined;
    for (const environment of this.#idle) {
      if (environment.functionName === functionName) latest = environment;
    }
    return latest;
  }

  #start(functionName: string): PooledEnvironment {
    if (this.#environments.size >= this.#options.concurrency) {
      // No call waits for this idle environment, or another call has waited long enough to replace it.
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
        // In a microtask, since it may have been ended to make room for a call.
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
