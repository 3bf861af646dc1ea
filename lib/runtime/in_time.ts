/**
 * Runs work with a deadline.
 *
 * @module
 */

import { isAbort } from "../errors.ts";
import { maxTimerMilliseconds } from "../limits.ts";

/** The deadline passed before the work was done. */
export class TimeUp extends Error {
  override readonly name = "TimeUp";
}

/**
 * Runs work until a deadline.
 *
 * @param end The deadline, by `performance.now()`; undefined for none.
 * @param signal Aborts the work.
 * @param work The work; its signal is aborted at the deadline too.
 * @returns The work's result.
 * @throws {TimeUp} If the deadline passed.
 * @throws The signal's reason, or the work's failure.
 */
export async function inTime<T>(
  end: number | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort(new TimeUp());
  const timer = end === undefined
    ? undefined
    : setTimeout(abort, Math.min(Math.max(end - performance.now(), 0), maxTimerMilliseconds));
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await work(controller.signal);
  } catch (error) {
    signal.throwIfAborted();
    throw isAbort(error, controller.signal) ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
