/**
 * Work that ends at a certain time.
 *
 * @module
 */

import { isAbort } from "../errors.ts";
import { maxTimerMilliseconds } from "../limits.ts";

/** The time was up before the work was done. */
export class TimeUp extends Error {
  override readonly name = "TimeUp";
}

/**
 * Does work until a certain time.
 *
 * @param end The time, as `performance.now()` has it; undefined for as long as it takes.
 * @param signal Ends the work early.
 * @param work The work; gets a signal that is aborted at the end too.
 * @returns What it returns.
 * @throws {TimeUp} If the time was up.
 * @throws The signal's reason; at once whatever else the work throws.
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
