import assert from "node:assert/strict";
import { chunked, readAhead, type ReadAheadOptions } from "../../lib/jobs/sources.ts";

/** Lets everything that is ready to run, run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

const never = new AbortController().signal;

function options(more: Partial<ReadAheadOptions<string>> = {}): ReadAheadOptions<string> {
  return { items: 0, size: 1000, sizeOf: (text) => text.length, stop: never, ...more };
}

/** A source that counts what was taken of it, and knows when it was closed. */
class Source {
  taken = 0;
  closed = false;
  *endless() {
    try {
      for (;;) yield `line ${this.taken++}`;
    } finally {
      this.closed = true;
    }
  }
}

Deno.test("lines are put together, and the last ones too", async () => {
  const lines = ["a", "b", "c", "d", "e"];
  assert.deepEqual(await Array.fromAsync(chunked(lines, 2)), [["a", "b"], ["c", "d"], ["e"]]);
  assert.deepEqual(await Array.fromAsync(chunked(lines, 5)), [lines]);
  assert.deepEqual(await Array.fromAsync(chunked([], 3)), []);
});

Deno.test("reading ahead yields all items in order, and reports the end", async () => {
  for (const items of [0, 1, 3, 100]) {
    let read = 0;
    let ended = false;
    const lines = Array.from({ length: 20 }, (_, i) => String(i));
    const all = await Array.fromAsync(
      readAhead(lines, options({ items, onRead: () => read++, onEnd: () => ended = true })),
    );
    assert.deepEqual(all, lines);
    assert.deepEqual([read, ended], [20, true]);
  }
});

Deno.test("without reading ahead, nothing is read before it is requested", async () => {
  const source = new Source();
  const items = readAhead(source.endless(), options());
  await settle();
  assert.equal(source.taken, 0);
  for (let i = 1; i < 5; i++) {
    await items.next();
    await settle();
    assert.equal(source.taken, i);
  }
  await items.return();
  assert(source.closed);
});

Deno.test("an endless source is read no further ahead than the bounds", async () => {
  for (
    const [bounds, most] of [[{ items: 5 }, 6], [{ items: 1000, size: 30 }, 6]] as const
  ) {
    const source = new Source();
    const items = readAhead(source.endless(), options(bounds));
    for (let i = 1; i < 50; i++) {
      await items.next();
      await settle();
      assert(source.taken >= i && source.taken <= i + most, `${source.taken} after ${i}`);
    }
    await items.return();
    assert(source.closed);
  }
});

Deno.test("a failing source fails after its earlier items", async () => {
  function* source() {
    yield "a";
    yield "b";
    throw new Error("broken");
  }
  const items = readAhead(source(), options({ items: 10 }));
  await settle();
  assert.equal((await items.next()).value, "a");
  assert.equal((await items.next()).value, "b");
  await assert.rejects(items.next(), /broken/);
});

Deno.test("a stop ends it at once, even while the source waits for input that never comes", async () => {
  const stop = new AbortController();
  async function* source() {
    yield "a";
    yield await new Promise<string>(() => {});
  }
  const items = readAhead(source(), options({ stop: stop.signal }));
  assert.equal((await items.next()).value, "a");
  const next = items.next();
  await settle();
  stop.abort();
  assert.equal((await next).done, true);
});
