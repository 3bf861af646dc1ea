/**
 * How many files the jobs of a process read and write at once.
 *
 * @module
 */

import { Semaphore } from "../async/concurrency.ts";
import { descriptorBudget } from "../system/descriptors.ts";

let places: Semaphore | undefined;

/**
 * Waits until files may be opened, as there are descriptors for them. Whoever has a turn must not
 * wait for another one.
 *
 * @param signal Ends the wait.
 * @param count How many files.
 * @returns The turn, given back when it is disposed of.
 * @throws The signal's reason.
 */
export async function fileTurn(signal: AbortSignal | undefined, count = 1): Promise<Disposable> {
  const most = descriptorBudget().files;
  if (most === Infinity) return { [Symbol.dispose]() {} };
  places ??= new Semaphore(most);
  return await places.acquire(signal, count);
}
