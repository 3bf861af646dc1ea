/**
 * Maps a stream of items with bounded concurrency.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { onAbort } from "./on_abort.ts";
import { Semaphore } from "./semaphore.ts";

/**
 * After so many items, whatever has arrived is handled first. Without such turns, a source that is
 * always ready has all items begun before the first result is looked at: a thousand requests with 50 kB
 * each took twice the memory, and more time.
 */
const itemsPerTurn = 8;

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
  /** The permits of items that are read, and whose results are not consumed. */
  const held = new Set<Disposable>();
  const give = (permit: Disposable) => {
    if (held.delete(permit)) permit[Symbol.dispose]();
  };
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
      for (let count = 1;; count++) {
        const permit = await room.acquire(inner);
        held.add(permit);
        const next = await iterator.next();
        if (next.done) {
          give(permit);
          return;
        }
        if (inner.aborted) break;
        start(next.value, permit);
        if (count % itemsPerTurn === 0) await setImmediate();
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

  try {
    // A source that is waiting for its own input may not notice the abort. While there is this listener,
    // the feeder's waits share it, which takes an eighth of the time of adding one for each.
    using _listening = onAbort(inner, () => changed.resolve());
    while (feeding || running.size > 0 || ready.length > 0) {
      signal?.throwIfAborted();
      const first = ready.shift();
      if (first) {
        yield first.result;
        // Only when the result is consumed, so that a slow consumer holds up the source.
        give(first.permit);
      } else if (failures.length > 0) break;
      else {
        await changed.promise;
        changed = Promise.withResolvers();
      }
    }
    if (failures.length > 0) throw failures[0];
  } finally {
    ended.abort(new DOMException("The results are no longer wanted", "AbortError"));
    await Promise.all(running);
    if (signal?.aborted !== true) await feeder;
    for (const permit of held) give(permit);
  }
}
