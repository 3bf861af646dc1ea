/**
 * What stands between the input and the jobs.
 *
 * @module
 */

/**
 * Puts several lines into each job.
 *
 * @param lines The lines.
 * @param count How many a job gets; the last one gets those that are left.
 * @returns Lists of lines.
 */
export async function* chunked(
  lines: Iterable<string> | AsyncIterable<string>,
  count: number,
): AsyncGenerator<string[], void, undefined> {
  let chunk: string[] = [];
  for await (const line of lines) {
    chunk.push(line);
    if (chunk.length < count) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** How far a source is read ahead of who takes from it. */
export interface ReadAheadOptions<T> {
  /** How many items are read before they are asked for. */
  readonly items: number;
  /** How large they may be together; one is read however large. */
  readonly size: number;
  /** How large an item is. */
  readonly sizeOf: (item: T) => number;
  /** An item was read. */
  readonly onRead?: () => void;
  /** The source's end was seen. */
  readonly onEnd?: () => void;
  /** Ends it at once and without an error, even while the source waits for its own input. */
  readonly stop: AbortSignal;
}

/**
 * Reads a source before its items are asked for, so that its end is known early, but no further
 * than a bound.
 *
 * @param source The items.
 * @param options How far.
 * @returns The same items.
 * @throws What the source throws, once the items before are taken.
 */
export async function* readAhead<T>(
  source: Iterable<T> | AsyncIterable<T>,
  options: ReadAheadOptions<T>,
): AsyncGenerator<T, void, undefined> {
  const { stop } = options;
  const iterator = Symbol.asyncIterator in source
    ? source[Symbol.asyncIterator]()
    : source[Symbol.iterator]();
  const queue: T[] = [];
  let size = 0;
  let wanted = false;
  let left = false;
  let ended = false;
  const failures: unknown[] = [];
  let readable = Promise.withResolvers<void>();
  let room = Promise.withResolvers<void>();

  const isFull = () =>
    !(wanted && queue.length === 0) && (queue.length >= options.items || size >= options.size);
  const read = async () => {
    while (!left) {
      if (isFull()) {
        await room.promise;
        room = Promise.withResolvers();
        continue;
      }
      const { done, value } = await iterator.next();
      if (done) break;
      if (left) return;
      queue.push(value);
      size += options.sizeOf(value);
      options.onRead?.();
      readable.resolve();
    }
    if (!left) options.onEnd?.();
  };
  const reading = read().catch((error) => void failures.push(error)).finally(() => {
    ended = true;
    readable.resolve();
  });
  const wake = () => readable.resolve();
  stop.addEventListener("abort", wake, { once: true });
  try {
    while (!stop.aborted) {
      const item = queue.shift();
      if (item === undefined) {
        if (ended) break;
        wanted = true;
        room.resolve();
        await readable.promise;
        readable = Promise.withResolvers();
        continue;
      }
      wanted = false;
      size -= options.sizeOf(item);
      room.resolve();
      yield item;
    }
    if (!stop.aborted && failures.length > 0) throw failures[0];
  } finally {
    stop.removeEventListener("abort", wake);
    left = true;
    room.resolve();
    const closed = reading.then(() => iterator.return?.());
    // A source may wait for input that never comes; what it still says concerns nobody.
    if (stop.aborted) closed.catch(() => {});
    else await closed;
  }
}
