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

/** A weighted semaphore with a FIFO queue. */
export class Semaphore {
  #count: number;
  #free: number;
  readonly #waiting = new Set<{ weight: number; enter: () => void }>();

  /** @param count The total weight of permits. */
  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /**
   * Raises the total weight of permits; a smaller value is ignored.
   *
   * @param count The new total weight.
   */
  raise(count: number): void {
    const more = Math.max(0, count - this.#count);
    this.#count += more;
    this.#release(more);
  }

  /**
   * Waits for a permit.
   *
   * @param signal Aborts the wait.
   * @param weight The permit's weight, capped at the total.
   * @returns A permit, which is released when it is disposed of.
   * @throws The signal's reason.
   */
  async acquire(signal?: AbortSignal, weight = 1): Promise<Disposable> {
    signal?.throwIfAborted();
    const taken = Math.min(weight, this.#count);
    // FIFO, so heavy waiters are not starved.
    if (this.#waiting.size === 0 && taken <= this.#free) {
      this.#free -= taken;
    } else {
      await new Promise<void>((resolve, reject) => {
        const waiting = {
          weight: taken,
          enter: () => {
            signal?.removeEventListener("abort", leave);
            resolve();
          },
        };
        const leave = () => {
          this.#waiting.delete(waiting);
          this.#release(0);
          reject(signal?.reason);
        };
        this.#waiting.add(waiting);
        signal?.addEventListener("abort", leave, { once: true });
      });
    }
    return { [Symbol.dispose]: () => this.#release(taken) };
  }

  /**
   * Takes a permit that is free and that nobody waits for.
   *
   * @returns The permit, which is released when it is disposed of; undefined if there is none.
   */
  tryAcquire(): Disposable | undefined {
    if (this.#waiting.size > 0 || this.#free < 1) return undefined;
    this.#free--;
    return { [Symbol.dispose]: () => this.#release(1) };
  }

  #release(weight: number): void {
    this.#free += weight;
    for (const next of this.#waiting) {
      if (next.weight > this.#free) return;
      this.#waiting.delete(next);
      this.#free -= next.weight;
      next.enter();
    }
  }
}

/**
 * Maps a source with at most `limit` concurrent calls, and yields the results as they complete.
 * Holds at most `limit` items and results, however long the source and however slow the consumer.
 * Leaving the loop early aborts the calls in flight.
 *
 * @param source The items; the next is requested only when there is room for it.
 * @param limit The maximum number of concurrent calls, or a semaphore for them.
 * @param work Called with each item; its signal is aborted when the loop is left.
 * @param signal Aborts the work.
 * @returns The results, in order of completion.
 * @throws The failure of the source or the work, after the results that were ready before it.
 */
export async function* poolMap<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  limit: number | Semaphore,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  const ended = new AbortController();
  const inner = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const room = typeof limit === "number" ? new Semaphore(limit) : limit;
  const ready: { result: R; permit: Disposable }[] = [];
  const failures: unknown[] = [];
  const running = new Set<Promise<void>>();
  let changed = Promise.withResolvers<void>();

  const start = (item: T, permit: Disposable) => {
    const task = work(item, inner).then(
      (result) => void ready.push({ result, permit }),
      (error) => void failures.push(error),
    ).then(() => {
      running.delete(task);
      changed.resolve();
    });
    running.add(task);
  };

  let feeding = true;
  const feed = async () => {
    const iterator = Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : source[Symbol.iterator]();
    try {
      for (;;) {
        const permit = await room.acquire(inner);
        const next = await iterator.next();
        if (next.done) {
          permit[Symbol.dispose]();
          return;
        }
        if (inner.aborted) break;
        start(next.value, permit);
      }
      await iterator.return?.();
    } catch (error) {
      await iterator.return?.();
      failures.push(error);
    }
  };
  const feeder = feed().finally(() => {
    feeding = false;
    changed.resolve();
  });

  // A source that is waiting for its own input may not notice the abort.
  const wake = () => changed.resolve();
  signal?.addEventListener("abort", wake, { once: true });
  try {
    while (feeding || running.size > 0 || ready.length > 0) {
      signal?.throwIfAborted();
      const first = ready.shift();
      if (first) {
        // Released only when the result is consumed, so that a slow consumer holds up the source.
        using _permit = first.permit;
        yield first.result;
      } else if (failures.length > 0) break;
      else {
        await changed.promise;
        changed = Promise.withResolvers();
      }
    }
    if (failures.length > 0) throw failures[0];
  } finally {
    signal?.removeEventListener("abort", wake);
    ended.abort(new DOMException("The results are no longer wanted", "AbortError"));
    await Promise.all(running);
    if (signal?.aborted !== true) await feeder;
  }
}
