/**
 * When a call is repeated, and how long that goes on: the one policy for all of AWS.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { ErrorCode } from "../errors.ts";
import { CallError } from "./call_error.ts";

/** How calls of one kind are repeated. */
export interface RetryPolicy {
  /** How often a call is repeated that may have done its work. */
  readonly maxRepeats: number;
  /** The most attempts of any call, whatever failed. @default {Infinity} */
  readonly maxAttempts?: number | undefined;
}

/** What repeating needs of the outside. */
export interface RetryOptions extends RetryPolicy {
  /** Ends the work, a pause too. */
  signal?: AbortSignal | undefined;
  /** Ends the work, a pause too, as long as it has surely done nothing. @default {signal} */
  unsent?: AbortSignal | undefined;
  /** Told before each pause. */
  onRepeat?: ((error: CallError, pauseMilliseconds: number) => void) | undefined;
  /** From 0 to 1. @default {Math.random} */
  random?: () => number;
  /** The time in milliseconds. @default {performance.now} */
  now?: () => number;
  /** Waits. @default {a timer} */
  sleep?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/**
 * How long a call that surely did nothing is repeated, in milliseconds from its first failure of
 * that kind. A server that is not reached may be a restart or a network that comes back, and a
 * function is pending for a minute or two after a deployment. A place among an account's
 * concurrent invocations is free at the latest when the longest invocation has ended.
 */
export const patience: Readonly<Partial<Record<ErrorCode, number>>> = {
  network: 30_000,
  service: 300_000,
  throttled: 900_000,
};

/** The longest first pause; each further one may be twice as long. */
const firstPauseMilliseconds = 100;

/** No pause is longer, unless the service asks for it. */
export const longestPauseMilliseconds = 20_000;

/** No pause is longer, whatever the service asks for. */
const longestAskedMilliseconds = 60_000;

/**
 * Repeats a call until it succeeds, fails for good, or has failed too often. Pauses grow
 * exponentially with full jitter:
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param attempt Makes the call; gets the number of the attempt, from 1.
 * @param options How often, and a signal.
 * @returns What the call gives.
 * @throws {CallError} The last failure.
 * @throws The signal's reason; at once whatever else the attempt throws.
 */
export async function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { maxRepeats, maxAttempts = Infinity, signal, unsent = signal, onRepeat } = options;
  const {
    random = Math.random,
    now = () => performance.now(),
    sleep = (milliseconds, signal) => delay(milliseconds, undefined, signal ? { signal } : {}),
  } = options;
  const since = new Map<ErrorCode, number>();
  let repeats = 0;
  for (let number = 1;; number++) {
    signal?.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof CallError)) throw error;
      if (error.repeat === "never" || number >= maxAttempts) throw error.after(number);
      const longest = Math.min(
        firstPauseMilliseconds * 2 ** (number - 1),
        longestPauseMilliseconds,
      );
      let pause = Math.max(
        random() * longest,
        Math.min(error.afterMilliseconds ?? 0, longestAskedMilliseconds),
      );
      if (error.repeat === "maybe") {
        if (repeats++ >= maxRepeats) throw error.after(number);
      } else {
        const first = since.get(error.code) ?? now();
        since.set(error.code, first);
        const left = first + (patience[error.code] ?? 0) - now();
        if (left <= 0) throw error.after(number);
        pause = Math.min(pause, left);
      }
      const ends = error.repeat === "unsent" && repeats === 0 ? unsent : signal;
      ends?.throwIfAborted();
      onRepeat?.(error, pause);
      try {
        await sleep(pause, ends);
      } catch (failure) {
        ends?.throwIfAborted();
        throw failure;
      }
    }
  }
}
