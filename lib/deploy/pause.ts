/**
 * Waiting, as an argument: what waits between two looks gets one that does not in its tests.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits.
 *
 * @param milliseconds How long.
 * @param signal Ends the wait.
 * @throws The signal's reason.
 */
export type Pause = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/**
 * The clock's own wait.
 *
 * @param milliseconds How long.
 * @param signal Ends the wait.
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
