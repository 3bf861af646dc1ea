/**
 * The first jobs of a run on a function that may not be llama's.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { LlamaError } from "../errors.ts";

/** The maximum number of jobs started before the function is known to be llama's. */
const maxTrialJobs = 4;

/** The delay before the user is told why the other jobs wait. */
const silentMilliseconds = 5000;

/**
 * What a job revealed about its function: that it is llama's; nothing, since the job did not run; or
 * nothing, although it may have run.
 */
export type TrialResult = "llama" | "not-run" | "failed";

/** Options for {@linkcode Trial}. */
export interface TrialOptions {
  /** The function, for messages. */
  readonly functionName: string;
  /**
   * Asks Lambda whether the function is llama's. Called once, when a job has to wait. Must not throw.
   *
   * @param signal Aborted when the result is no longer needed.
   * @returns False if Lambda does not tell.
   */
  readonly lookUp: (signal: AbortSignal) => Promise<boolean>;
  /** Tells the user why so few jobs run. */
  readonly notice: (message: string) => void;
  /** Waits; rejects if the signal is aborted. @default {a timer} */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Lets a few jobs start, and the others once the function is known to be llama's, from a job's
 * response or from Lambda. Any other function might do arbitrary work for each request, and bill it.
 */
export class Trial implements Disposable {
  readonly #options: TrialOptions;
  /** Aborted when it no longer matters whether the function is llama's. */
  readonly #over = new AbortController();
  #started = 0;
  #failed = 0;
  #lastFailure: LlamaError | undefined;
  #lookUp: "due" | "under-way" | "in-vain" = "due";
  #changed = Promise.withResolvers<void>();

  /** @param options The function and how to look it up. */
  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /**
   * Waits until another job may start.
   *
   * @param signal Cancels the wait, without an error.
   * @throws {LlamaError} If all jobs of the trial have failed, so that no other may start.
   */
  async admit(signal: AbortSignal): Promise<void> {
    if (this.#over.signal.aborted) return;
    const wake = () => this.#changed.resolve();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!this.#over.signal.aborted && this.#started >= maxTrialJobs && !signal.aborted) {
        if (this.#lookUp === "due") void this.#ask();
        if (this.#failed >= maxTrialJobs && this.#lookUp === "in-vain") throw this.#failure();
        await this.#changed.promise;
        this.#changed = Promise.withResolvers();
      }
      this.#started++;
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  /**
   * Records how an admitted job ended.
   *
   * @param error The reason, if it failed.
   */
  jobEnded(result: TrialResult, error: LlamaError | undefined): void {
    if (this.#over.signal.aborted) return;
    if (result === "llama") this.#over.abort();
    else if (result === "not-run") this.#started--;
    else {
      this.#failed++;
      this.#lastFailure = error;
    }
    this.#changed.resolve();
  }

  /** Lets all jobs start, and ends the look-up. */
  [Symbol.dispose](): void {
    this.#over.abort();
    this.#changed.resolve();
  }

  async #ask(): Promise<void> {
    this.#lookUp = "under-way";
    const isLlama = await this.#options.lookUp(this.#over.signal);
    this.#lookUp = "in-vain";
    if (isLlama) this.#over.abort();
    this.#changed.resolve();
    if (!isLlama) await this.#tell();
  }

  async #tell(): Promise<void> {
    const { functionName, notice, sleep = wait } = this.#options;
    try {
      await sleep(silentMilliseconds, this.#over.signal);
    } catch (error) {
      if (!this.#over.signal.aborted) throw error;
    }
    if (this.#over.signal.aborted) return;
    const name = JSON.stringify(functionName);
    notice(
      `${name} is not known to be a llama function: ${maxTrialJobs} jobs have started, ` +
        "the others wait until one of them is answered",
    );
  }

  #failure(): LlamaError {
    const name = JSON.stringify(this.#options.functionName);
    const reason = this.#lastFailure?.message ?? "no reason is known";
    return new LlamaError(
      this.#lastFailure?.code ?? "function",
      `the first ${maxTrialJobs} jobs failed, and ${name} may not be a llama function: ${reason}`,
      {
        cause: this.#lastFailure,
        hint: "run one job with `llama invoke` first: then llama knows the function",
      },
    );
  }
}

function wait(milliseconds: number, signal: AbortSignal): Promise<unknown> {
  return delay(milliseconds, undefined, { signal, ref: false });
}
