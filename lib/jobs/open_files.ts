/**
 * Limits how many files the jobs of a process have open.
 *
 * @module
 */

import { Semaphore } from "../async/semaphore.ts";
import { descriptorBudget } from "../system/descriptors.ts";

let places: Semaphore | undefined;

/**
 * Waits until there are descriptors for opening files. The holder of a turn must not wait for another
 * one, which could deadlock.
 *
 * @param signal Cancels the wait.
 * @param count The number of files.
 * @returns The turn, released when disposed.
 */
export async function fileTurn(signal: AbortSignal | undefined, count = 1): Promise<Disposable> {
  const most = descriptorBudget().files;
  if (most === Infinity) return { [Symbol.dispose]() {} };
  places ??= new Semaphore(most);
  return await places.acquire(signal, count);
}
