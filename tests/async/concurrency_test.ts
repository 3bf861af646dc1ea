import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { mapConcurrently, unlessAborted } from "../../lib/async/concurrency.ts";
import { poolMap } from "../../lib/async/pool_map.ts";
import { Semaphore } from "../../lib/async/semaphore.ts";

/** Work that the test completes explicitly. */
class Gates {
  readonly started: number[] = [];
  readonly #gates = new Map<number, PromiseWithResolvers<void>>();
  work = async (item: number): Promise<number> => {
    this.started.push(item);
    await this.#gate(item).promise;
    return item * 10;
  };
  open(item: number): void {
    this.#gate(item).resolve();
  }
  fail(item: number, error: Error): void {
    this.#gate(item).reject(error);
  }
  #gate(item: number): PromiseWithResolvers<void> {
    const gate = this.#gates.get(item) ?? Promise.withResolvers<void>();
    this.#gates.set(item, gate);
    return gate;
  }
}

/** Lets everything that is ready to run, run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

Deno.test("mapConcurrently keeps the order and obeys the limit", async () => {
  let running = 0;
  let most = 0;
  const results = await mapConcurrently([5, 1, 4, 2, 3], 2, async (item, index) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < item; i++) await Promise.resolve();
    running--;
    return [item, index];
  });
  assert.deepEqual(results, [[5, 0], [1, 1], [4, 2], [2, 3], [3, 4]]);
  assert.equal(most, 2);
});

Deno.test("mapConcurrently starts no calls after a failure, and waits for those in flight", async () => {
  const gates = new Gates();
  const done = mapConcurrently([0, 1, 2, 3], 2, gates.work);
  let settled = false;
  done.catch(() => {}).finally(() => settled = true);
  gates.fail(0, new Error("first"));
  await settle();
  assert.equal(settled, false);
  gates.open(1);
  await assert.rejects(done, /first/);
  assert.deepEqual(gates.started, [0, 1]);
});

Deno.test("a semaphore grants its permits, then one by one in FIFO order", async () => {
  const semaphore = new Semaphore(1);
  const first = await semaphore.acquire();
  const order: string[] = [];
  const second = semaphore.acquire().then((permit) => (order.push("second"), permit));
  const third = semaphore.acquire().then((permit) => (order.push("third"), permit));
  await settle();
  assert.deepEqual(order, []);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  assert.deepEqual(order, ["second", "third"]);
});

Deno.test("raising a semaphore grants more permits at once", async () => {
  const semaphore = new Semaphore(1);
  await semaphore.acquire();
  const waiting = [semaphore.acquire(), semaphore.acquire()];
  semaphore.raise(Number.MAX_SAFE_INTEGER);
  await Promise.all(waiting);
  await semaphore.acquire();
  semaphore.raise(1);
  await semaphore.acquire();
});

Deno.test("aborting a wait for a semaphore loses no permit", async () => {
  const semaphore = new Semaphore(1);
  const first = await semaphore.acquire();
  const controller = new AbortController();
  const waiting = semaphore.acquire(controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  first[Symbol.dispose]();
  (await semaphore.acquire())[Symbol.dispose]();
});

Deno.test("raising a semaphore admits its waiters", async () => {
  const semaphore = new Semaphore(1);
  await semaphore.acquire();
  const waiting = [semaphore.acquire(), semaphore.acquire()];
  semaphore.raise(2);
  await waiting[0];
  semaphore.raise(Number.MAX_SAFE_INTEGER);
  await waiting[1];
  semaphore.raise(1);
  await Promise.all([semaphore.acquire(), semaphore.acquire()]);
});

Deno.test("poolMap yields results in order of completion", async () => {
  const gates = new Gates();
  const results = poolMap([1, 2, 3], 2, gates.work);
  const first = results.next();
  await settle();
  assert.deepEqual(gates.started, [1, 2]);
  gates.open(2);
  assert.equal((await first).value, 20);
  const second = results.next();
  await settle();
  gates.open(3);
  assert.equal((await second).value, 30);
  gates.open(1);
  assert.equal((await results.next()).value, 10);
  assert.equal((await results.next()).done, true);
});

Deno.test("poolMap holds a bounded window of an endless source, however slow the consumer", async () => {
  let taken = 0;
  function* endless() {
    for (;;) yield taken++;
  }
  const results = poolMap(endless(), 4, (item) => Promise.resolve(item));
  for (let i = 0; i < 10; i++) {
    await results.next();
    await settle();
    assert(taken <= i + 6, `${taken} taken for ${i + 1} results`);
  }
  await results.return();
});

Deno.test("poolMap works on the first item while the source waits for the second", async () => {
  const second = Promise.withResolvers<number>();
  async function* slow() {
    yield 1;
    yield await second.promise;
  }
  const results = poolMap(slow(), 8, (item) => Promise.resolve(item));
  assert.equal((await results.next()).value, 1);
  second.resolve(2);
  assert.equal((await results.next()).value, 2);
  assert.equal((await results.next()).done, true);
});

Deno.test("leaving poolMap's loop aborts the work and closes the source", async () => {
  let closed = false;
  const aborted: number[] = [];
  function* source() {
    try {
      for (let i = 0;; i++) yield i;
    } finally {
      closed = true;
    }
  }
  const work = (item: number, signal: AbortSignal) =>
    new Promise<number>((resolve) => {
      if (item === 0) resolve(0);
      signal.addEventListener("abort", () => {
        aborted.push(item);
        resolve(item);
      });
    });
  for await (const _ of poolMap(source(), 3, work)) break;
  assert(closed);
  assert.deepEqual(aborted.filter((item) => item > 0), [1, 2]);
});

Deno.test("a failing source ends poolMap after the results that were ready", async () => {
  function* source() {
    yield 1;
    throw new Error("no more input");
  }
  const results = poolMap(source(), 3, (item) => Promise.resolve(item));
  assert.equal((await results.next()).value, 1);
  await assert.rejects(results.next(), /no more input/);
});

Deno.test("an abort ends poolMap although the source never answers", async () => {
  const controller = new AbortController();
  async function* silent(): AsyncGenerator<number> {
    await new Promise(() => {});
    yield 0;
  }
  const next = poolMap(silent(), 3, (item) => Promise.resolve(item), controller.signal).next();
  await settle();
  controller.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
});

Deno.test("unlessAborted ends with its signal, and the work continues for others", async () => {
  const work = Promise.withResolvers<string>();
  const leaves = new AbortController();
  const left = unlessAborted(work.promise, leaves.signal);
  const stays = unlessAborted(work.promise, undefined);
  leaves.abort("gone");
  await assert.rejects(left, (reason) => reason === "gone");
  work.resolve("done");
  assert.equal(await stays, "done");
});

Deno.test("work that fails after all waits have ended is not an unhandled rejection", async () => {
  const work = Promise.withResolvers<never>();
  await assert.rejects(
    unlessAborted(work.promise, AbortSignal.abort("gone")),
    (reason) => reason === "gone",
  );
  work.reject(new Error("late"));
  // An unhandled rejection would end the test's process now.
  await new Promise((resolve) => setTimeout(resolve));
});

Deno.test("a permit is taken at once only if it is free and nobody waits for it", async () => {
  const places = new Semaphore(1);
  const first = places.tryAcquire();
  assert(first);
  assert.equal(places.tryAcquire(), undefined);
  const waits = places.acquire();
  first[Symbol.dispose]();
  assert.equal(places.tryAcquire(), undefined);
  (await waits)[Symbol.dispose]();
  assert(places.tryAcquire());
});

Deno.test("poolMap leaves permits of its semaphore to others only when no item needs them", async () => {
  const places = new Semaphore(2);
  const gates = new Gates();
  const all = Array.fromAsync(poolMap([0, 1, 2], places, gates.work));
  await settle();
  assert.equal(places.tryAcquire(), undefined);
  gates.open(0);
  await settle();
  // The last two items run.
  assert.equal(places.tryAcquire(), undefined);
  gates.open(1);
  await settle();
  const free = places.tryAcquire();
  assert(free);
  assert.equal(places.tryAcquire(), undefined);
  gates.open(2);
  assert.deepEqual(await all, [0, 10, 20]);
});

const endings: Readonly<Record<string, (room: Semaphore) => Promise<unknown>>> = {
  "all results": async (room) => await Array.fromAsync(poolMap([1, 2, 3], room, identity)),
  "an early end": async (room) => {
    for await (const _ of poolMap([1, 2, 3], room, identity)) break;
  },
  "a failure of the work": (room) =>
    assert.rejects(
      Array.fromAsync(poolMap([1, 2, 3], room, () => Promise.reject(new Error("no")))),
    ),
  "a failure of the source": (room) =>
    assert.rejects(Array.fromAsync(poolMap(failingSource(), room, identity))),
  "an abort": async (room) => {
    const stop = new AbortController();
    const results = Array.fromAsync(
      poolMap([1, 2, 3], room, async (item) => {
        if (item === 2) stop.abort(new Error("stopped"));
        return await identity(item);
      }, stop.signal),
    );
    await assert.rejects(results, /stopped/);
  },
};

function identity(item: number): Promise<number> {
  return Promise.resolve(item);
}

async function* failingSource(): AsyncGenerator<number> {
  yield await identity(1);
  throw new Error("no more");
}

for (const [ending, run] of Object.entries(endings)) {
  Deno.test(`after ${ending}, poolMap has given back the permits of its semaphore`, async () => {
    const room = new Semaphore(2);
    await run(room);
    await settle();
    using _one = room.tryAcquire() ?? assert.fail("both are held");
    using _other = room.tryAcquire() ?? assert.fail("one is held");
    assert.equal(room.tryAcquire(), undefined);
  });
}

Deno.test("poolMap handles what has arrived before it begins many more items", async () => {
  let begun = 0;
  let sawAtFirst = 0;
  const work = async () => {
    begun++;
    await setImmediate();
    sawAtFirst ||= begun;
  };
  await Array.fromAsync(poolMap(Array(1000).keys(), 1000, work));
  assert.equal(begun, 1000);
  assert(sawAtFirst < 20, `${sawAtFirst} items were begun before the first one went on`);
});
