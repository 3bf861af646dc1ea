/**
 * Bounded concurrency helpers.
 *
 * @module
 */

/**
 * Maps items with at most `limit` concurrent calls. After the first failure no more are started.
 *
 * @param items The items.
 * @param limit The maximum number of concurrent calls.
 * @param work Called with each item and its index.
 * @param signal Ends it early; it is not passed on to calls in flight.
 * @returns The results in the order of the items.
 * @throws The first failure, once all calls in flight have ended.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  if (items.length === 0) return [];
  const [only] = items;
  if (items.length === 1 && only !== undefined) {
    signal?.throwIfAborted();
    return [await work(only, 0)];
  }
  const results: R[] = new Array(items.length);
  const failures: unknown[] = [];
  const entries = items.entries();
  const worker = async () => {
    for (const [index, item] of entries) {
      if (failures.length > 0) return;
      try {
        signal?.throwIfAborted();
        results[index] = await work(item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}

/**
 * Waits for shared work, which continues if the signal ends this wait.
 *
 * @param work The work.
 * @param signal Aborts the wait.
 * @returns The work's result.
 * @throws The work's failure, or the signal's reason.
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    // Even if the signal is already aborted, so that a failure of the work is handled.
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
