/**
 * How long a command may run, so that its results can still be sent.
 *
 * @module
 */

import type { Load } from "./load.ts";

/** The memory at which Lambda gives a function one whole processor, in MB. */
export const wholeProcessorMb = 1769;

/** What reading the outputs and answering takes of a whole processor, in milliseconds. */
const answerMs = 40;

/** The same for one file more, and for one byte: at 40 MB/s they are hashed and sent. */
const fileMs = 0.3;
const byteMs = 1 / 40_000;

/** The longest that a command has between SIGTERM and SIGKILL, in milliseconds. */
const longestGraceMs = 2000;

/** What limits a job. All times are in milliseconds, as `performance.now()` has them. */
export interface TimeLimitOptions {
  /** The seconds that the request gives it. */
  timeout: number | undefined;
  /** When the request was received. */
  received: number;
  /** When Lambda ends the function; one that is past already is not believed. */
  deadline: number | undefined;
  /** The function's memory in MB, by which Lambda gives it a part of a processor. */
  memoryMb: number | undefined;
}

/**
 * The end of a job: at the request's `timeout`, or before Lambda's deadline, at which Lambda ends
 * the function and everything that the command made is lost. What is kept back before the deadline
 * is the reserve: a tenth of the function's time, 0.1 to 2 s, more with little memory or much to
 * send, and half the time at most.
 */
export class TimeLimit {
  /** When the command must have ended at the latest; undefined if it has all the time it wants. */
  readonly end: number | undefined;
  /** When the answer must be on its way, whatever the store does. */
  readonly answerBy: number | undefined;
  readonly #deadline: number | undefined;
  readonly #asked: number;
  readonly #mostMs: number;
  readonly #share: number;
  #reserveMs = longestGraceMs;

  /** @param options What limits the job. */
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

  /** Whether the function's own time ends the command, and not the request's `timeout`. */
  get isFunctions(): boolean {
    return this.#deadline !== undefined && this.#deadline - this.#reserveMs < this.#asked;
  }

  /** How long the command has between SIGTERM and SIGKILL. */
  get graceMs(): number {
    return Math.min(this.#reserveMs / 4, longestGraceMs);
  }

  /**
   * Returns how long the command may go on until this is asked again. The reserve grows with what
   * there is to send, at which it looks after half the time, and whenever half of the rest is over.
   *
   * @param now The time.
   * @param weigh Tells what there is to send so far.
   * @returns Milliseconds; 0 if its time is up.
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
    // Timers are not exact, and the last millisecond is not worth another look.
    const left = rest - Math.max(this.#reserveMs, rest / 2);
    return left < 1 ? 0 : Math.min(left, asked);
  }
}
