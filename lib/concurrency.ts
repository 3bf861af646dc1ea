/**
 * Several things at once, but not too many.
 *
 * @module
 */

/**
 * Runs work on each item, at most `limit` at once. After the first failure no more is started.
 *
 * @param items What to work on.
 * @param limit How many at once.
 * @param work The work; gets the item and its index.
 * @param signal Ends it early; work in flight gets it from the caller.
 * @returns The results in the order of the items, once all have ended.
 * @throws The first failure, once all work in flight has ended.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
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
