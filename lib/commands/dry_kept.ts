/**
 * Counts the jobs of `llama xargs -dry-run` that have kept results.
 *
 * @module
 */

import { Semaphore } from "../async/semaphore.ts";
import type { Job } from "../jobs/job.ts";

/** The maximum number of concurrent look-ups. */
const lookUpsAtOnce = 32;

/** Looks up the kept results of many jobs at once. */
export class KeptCount {
  readonly #isKept: (job: Job) => Promise<boolean>;
  readonly #signal: AbortSignal;
  readonly #turns = new Semaphore(lookUpsAtOnce);
  readonly #pending = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #count = 0;

  /** @param isKept Reports whether a job has a kept result. */
  constructor(isKept: (job: Job) => Promise<boolean>, signal: AbortSignal) {
    this.#isKept = isKept;
    this.#signal = signal;
  }

  /** Starts the look-up of a job, once there is room for it. */
  async add(job: Job): Promise<void> {
    const turn = await this.#turns.acquire(this.#signal);
    const looked = this.#look(job).finally(() => {
      turn[Symbol.dispose]();
      this.#pending.delete(looked);
    });
    this.#pending.add(looked);
  }

  async #look(job: Job): Promise<void> {
    try {
      if (await this.#isKept(job)) this.#count++;
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /**
   * Waits for all look-ups.
   *
   * @returns The number of jobs with kept results.
   * @throws What the first look-up that failed threw.
   */
  async end(): Promise<number> {
    await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#count;
  }
}
