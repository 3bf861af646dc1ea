/**
 * Limits a command's time so that its results can still be sent.
 *
 * @module
 */

import type { Load } from "./load.ts";

/** The memory in MB at which Lambda gives a function one full processor. */
export const wholeProcessorMb = 1769;

/** The time to read the outputs and answer on a full processor, in milliseconds. */
const answerMs = 40;

/** The additional time per file, and per byte (hashed and sent at 40 MB/s). */
const fileMs = 0.3;
const byteMs = 1 / 40_000;

/** The maximum time between SIGTERM and SIGKILL, in milliseconds. */
const longestGraceMs = 2000;

/** Options for {@linkcode TimeLimit}. Times are in milliseconds, by `performance.now()`. */
export interface TimeLimitOptions {
  /** The request's timeout, in seconds. */
  timeout: number | undefined;
  /** When the request was received. */
  received: number;
  /** When Lambda ends the function; ignored if past. */
  deadline: number | undefined;
  /** The function's memory in MB, which determines its share of a processor. */
  memoryMb: number | undefined;
}

/**
 * The end of a job: at the request's `timeout`, or some time before Lambda's deadline, at which all
 * results would be lost. That time is the reserve: a tenth of the function's timeout, 0.1 to 2 s;
 * more with little memory or much to send, but at most half of the timeout.
 */
export class TimeLimit {
  /** The command's deadline; undefined for none. */
  readonly end: number | undefined;
  /** The deadline for uploads, after which the answer is sent without them. */
  readonly answerBy: number | undefined;
  readonly #deadline: number | undefined;
  readonly #asked: number;
  readonly #mostMs: number;
  readonly #share: number;
  #reserveMs = longestGraceMs;

  /** @param options The job's limits. */
  constructor({ timeout, received, deadline, memoryMb }: TimeLimitOptions) {
    const asked = this.#asked = timeout === undefined ? Infinity : received + timeout * 1000;
    const totalMs = deadline === undefined ? 0 : deadline - received;
    this.#share = Math.min((memoryMb ?? wholeProcessorMb) / wholeProcessorMb, 1);
    this.#mostMs = totalMs / 2;
    let own = Infinity;
    if (deadline !== undefined && totalMs > 0) {
      this.#deadline = deadline;
      const usual = Math.min(Math.max(totalMs / 10, 100), 2000);
      this.#reserveMs = Math.min(Math.max(usual, answerMs / this.#share), this.#mostMs);
      own = deadline - this.#reserveMs;
      this.answerBy = deadline - this.#reserveMs / 3;
    }
    const end = Math.min(asked, own);
    this.end = end === Infinity ? undefined : end;
  }

  /** Whether the function's timeout ends the command, rather than the request's. */
  get isFunctions(): boolean {
    return this.#deadline !== undefined && this.#deadline - this.#reserveMs < this.#asked;
  }

  /** The time between SIGTERM and SIGKILL. */
  get graceMs(): number {
    return Math.min(this.#reserveMs / 4, longestGraceMs);
  }

  /**
   * Returns the milliseconds until this is to be called again; 0 if the time is up. The reserve grows
   * with the amount to send, which is checked after half of the time, and then each time half of the
   * rest has passed.
   *
   * @param now The time.
   * @param weigh Returns the amount to send so far.
   */
  async left(now: number, weigh: () => Promise<Load>): Promise<number> {
    const asked = Math.max(this.#asked - now, 0);
    if (this.#deadline === undefined) return asked;
    const rest = this.#deadline - now;
    if (rest <= this.#reserveMs) return 0;
    if (rest > this.#mostMs) return Math.min(rest - this.#mostMs, asked);
    const { files, bytes } = await weigh();
    const sendMs = (answerMs + files * fileMs + bytes * byteMs) / this.#share;
    this.#reserveMs = Math.min(Math.max(this.#reserveMs, sendMs), this.#mostMs);
    // Timers are not exact: a remaining millisecond is not worth another check.
    const left = rest - Math.max(this.#reserveMs, rest / 2);
    return left < 1 ? 0 : Math.min(left, asked);
  }
}
