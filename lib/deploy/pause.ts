/**
 * An injectable delay, so that tests of polling code need not wait.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for a time.
 *
 * @param milliseconds The duration.
 * @param signal Aborts the wait.
 * @throws The signal's reason.
 */
export type Pause = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/**
 * Waits by the system's timer.
 *
 * @param milliseconds The duration.
 * @param signal Aborts the wait.
 * @throws The signal's reason.
 */
export const pause: Pause = async (milliseconds, signal) => {
  try {
    await delay(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
};
