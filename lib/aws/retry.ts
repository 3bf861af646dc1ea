/**
 * Retries of failed calls to AWS.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { ErrorCode } from "../errors.ts";
import { CallError } from "./call_error.ts";

/** The retry policy of a kind of call. */
export interface RetryPolicy {
  /** The maximum number of retries of a call that may have had its effect. */
  readonly maxRetries: number;
  /** The maximum number of attempts, whatever failed. @default {Infinity} */
  readonly maxAttempts?: number | undefined;
}

/** Options for {@linkcode withRetries}. */
export interface RetryOptions extends RetryPolicy {
  /** Aborts the work, including pauses. */
  signal?: AbortSignal | undefined;
  /** Aborts the work, including pauses, while it certainly had no effect. @default {signal} */
  unsent?: AbortSignal | undefined;
  /** Called before each pause. */
  onRetry?: ((error: CallError, pauseMilliseconds: number) => void) | undefined;
  /** Returns a random number from 0 to 1. @default {Math.random} */
  random?: () => number;
  /** Returns the time in milliseconds. @default {performance.now} */
  now?: () => number;
  /** Waits. @default {a timer} */
  sleep?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/**
 * How long a call that certainly had no effect is retried, in milliseconds since its first failure
 * with that code. A server may restart or the network recover; a function is pending for a minute or
 * two after a deployment; concurrency is free again at the latest after Lambda's maximum timeout.
 */
export const patience: Readonly<Partial<Record<ErrorCode, number>>> = {
  network: 30_000,
  service: 300_000,
  throttled: 900_000,
};

/** The maximum of the first pause; it doubles with each further pause. */
const firstPauseMilliseconds = 100;

/** The maximum pause, unless the service asks for a longer one. */
export const longestPauseMilliseconds = 20_000;

/** The maximum pause that a service may ask for. */
const longestAskedMilliseconds = 60_000;

/**
 * Retries a call until it succeeds, fails permanently, or has failed too often, with exponential
 * backoff and full jitter:
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param attempt Makes the call; its argument is the number of the attempt, from 1.
 * @returns The call's result.
 * @throws {CallError} The last failure.
 * @throws The signal's reason; any other error of an attempt, without a retry.
 */
export async function withRetries<T>(
  attempt: (number: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { maxRetries, maxAttempts = Infinity, signal, unsent = signal, onRetry } = options;
  const {
    random = Math.random,
    now = () => performance.now(),
    sleep = (milliseconds, signal) => delay(milliseconds, undefined, signal ? { signal } : {}),
  } = options;
  let since: Map<ErrorCode, number> | undefined;
  let retries = 0;
  for (let number = 1;; number++) {
    signal?.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof CallError)) throw error;
      if (error.retryable === "never" || number >= maxAttempts) throw error.after(number);
      const longest = Math.min(
        firstPauseMilliseconds * 2 ** (number - 1),
        longestPauseMilliseconds,
      );
      let pause = Math.max(
        random() * longest,
        Math.min(error.afterMilliseconds ?? 0, longestAskedMilliseconds),
      );
      if (error.retryable === "maybe") {
        if (retries++ >= maxRetries) throw error.after(number);
      } else {
        since ??= new Map();
        const first = since.get(error.code) ?? now();
        since.set(error.code, first);
        const left = first + (patience[error.code] ?? 0) - now();
        if (left <= 0) throw error.after(number);
        pause = Math.min(pause, left);
      }
      const ends = error.retryable === "unsent" && retries === 0 ? unsent : signal;
      ends?.throwIfAborted();
      onRetry?.(error, pause);
      try {
        await sleep(pause, ends);
      } catch (failure) {
        ends?.throwIfAborted();
        throw failure;
      }
    }
  }
}
