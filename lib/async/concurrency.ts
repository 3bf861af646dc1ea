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
  if (items.length === 0) return [];
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
 * Waits for work that others wait for too, so that it goes on when one of them leaves.
 *
 * @param work The work.
 * @param signal Ends the wait.
 * @returns What the work gives.
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
    // Also where the signal is aborted already: a failure of the work that nobody sees ends a program.
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Lets a bounded number in at once, or a bounded weight; the others wait their turn. */
export class Semaphore {
  #count: number;
  #free: number;
  readonly #waiting = new Set<{ weight: number; enter: () => void }>();

  /** @param count How many may be in at once. */
  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /**
   * Lets more in from now on; a smaller number changes nothing.
   *
   * @param count How many may be in at once.
   */
  raise(count: number): void {
    const more = Math.max(0, count - this.#count);
    this.#count += more;
    this.#release(more);
  }

  /**
   * Waits to be let in.
   *
   * @param signal Ends the wait.
   * @param weight For how many it counts; one that counts for more than there may be is in alone.
   * @returns A permit, given back when it is disposed of.
   * @throws The signal's reason.
   */
  async acquire(signal?: AbortSignal, weight = 1): Promise<Disposable> {
    signal?.throwIfAborted();
    const taken = Math.min(weight, this.#count);
    // Whoever waits longest is next, or a heavy one would wait for ever.
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
 * Runs work on what a source gives, at most `limit` at once, and gives the results as they come.
 * Holds no more than `limit` items and results, however long the source and however slow whoever
 * takes the results. Leaving the loop early aborts the work in flight.
 *
 * @param source The items; asked for the next only when there is room for it.
 * @param limit How many items are worked on at once.
 * @param work The work on one item; its signal is aborted when the loop is left.
 * @param signal Ends it early.
 * @returns The results, in the order in which they are ready.
 * @throws What the source or the work throws, once the results that were ready before are taken.
 */
export async function* poolMap<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  const ended = new AbortController();
  const inner = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const room = new Semaphore(limit);
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
        if (next.done) return;
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

  // A source that waits for its own input may not notice the abort.
  const wake = () => changed.resolve();
  signal?.addEventListener("abort", wake, { once: true });
  try {
    while (feeding || running.size > 0 || ready.length > 0) {
      signal?.throwIfAborted();
      const first = ready.shift();
      if (first) {
        // The place is free only when the result is taken, or a slow taker would pile them up.
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
