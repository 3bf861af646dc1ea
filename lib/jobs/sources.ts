/**
 * Adapters between the input and the jobs.
 *
 * @module
 */

/** Groups lines into lists of `count`; the last list may be shorter. */
export async function* chunked<T>(
  lines: Iterable<T> | AsyncIterable<T>,
  count: number,
): AsyncGenerator<T[], void, undefined> {
  let chunk: T[] = [];
  for await (const line of lines) {
    chunk.push(line);
    if (chunk.length < count) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Options for {@linkcode readAhead}. */
export interface ReadAheadOptions<T> {
  /** The maximum number of items to read ahead. */
  readonly items: number;
  /** The maximum total size of these items; a single item may exceed it. */
  readonly size: number;
  /** Returns the size of an item. */
  readonly sizeOf: (item: T) => number;
  /** Called when an item was read. */
  readonly onRead?: () => void;
  /** Called when the end of the source is reached. */
  readonly onEnd?: () => void;
  /** Ends the iteration at once, without an error, even while the source is waiting for input. */
  readonly stop: AbortSignal;
}

/**
 * Reads a source ahead, up to a limit, so that its end is known early.
 *
 * @returns The same items.
 * @throws What the source throws, after the items before it.
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
    // The source may wait for input that never comes; its errors no longer matter.
    if (stop.aborted) closed.catch(() => {});
    else await closed;
  }
}
