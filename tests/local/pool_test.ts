import assert from "node:assert/strict";
import type { Invocation, InvocationResult } from "../../lib/local/invocation.ts";
import {
  type EnvironmentEvents,
  Pool,
  PoolClosedError,
  type PooledEnvironment,
} from "../../lib/local/pool.ts";

/** An environment whose every step the test takes. */
class FakeEnvironment implements PooledEnvironment {
  readonly finished = Promise.resolve();
  isReady = false;
  isOver = false;
  invocation: Invocation | undefined;
  #result: PromiseWithResolvers<InvocationResult> | undefined;

  constructor(readonly functionName: string, readonly events: EnvironmentEvents) {}

  invoke(invocation: Invocation): Promise<InvocationResult> {
    assert(!this.isOver);
    assert.equal(this.invocation, undefined, "one invocation at a time");
    this.isReady = false;
    this.invocation = invocation;
    this.#result = Promise.withResolvers();
    return this.#result.promise;
  }

  /** Answers, and lets the pool see it. */
  async answer(): Promise<void> {
    const payload = new TextEncoder().encode(this.invocation?.requestId ?? "");
    this.invocation = undefined;
    this.#result?.resolve({ payload, isError: false, logTail: undefined });
    await turn();
  }

  ask(): void {
    this.isReady = true;
    this.events.onReady(this);
  }

  end(): void {
    this.isOver = true;
    this.events.onEnd(this);
  }
}

/** Lets all that is resolved already take its course. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function setup(concurrency: number) {
  const environments: FakeEnvironment[] = [];
  let onStart = () => {};
  const pool = new Pool({
    concurrency,
    start(functionName, events) {
      const environment = new FakeEnvironment(functionName, events);
      environments.push(environment);
      onStart();
      return environment;
    },
  });
  const run = (functionName: string, requestId: string, signal?: AbortSignal) =>
    pool.run(
      functionName,
      { requestId, payload: new Uint8Array(), wantsLog: false },
      signal,
    ).then(({ payload }) => new TextDecoder().decode(payload));
  /** What runs where, in the order in which environments were started. */
  const state = () =>
    environments.map(({ functionName, invocation, isOver }) =>
      `${functionName}:${isOver ? "over" : invocation?.requestId ?? "-"}`
    );
  /** Waits until so many were started. */
  const started = async (count: number) => {
    while (environments.length < count) await new Promise<void>((resolve) => onStart = resolve);
    await turn();
  };
  const at = (index: number) => {
    const environment = environments[index];
    assert(environment);
    return environment;
  };
  return { pool, run, state, at, started };
}

Deno.test("calls run concurrently up to the limit, and more wait in order", async () => {
  const { run, state, at, pool } = setup(2);
  const calls = ["1", "2", "3", "4"].map((id) => run("f", id));
  assert.deepEqual(state(), ["f:1", "f:2"]);
  await at(1).answer();
  assert.equal(await calls[1], "2");
  at(1).ask();
  assert.deepEqual(state(), ["f:1", "f:3"]);
  await at(0).answer();
  at(0).ask();
  assert.deepEqual(state(), ["f:4", "f:3"]);
  await at(0).answer();
  await at(1).answer();
  assert.deepEqual(await Promise.all(calls), ["1", "2", "3", "4"]);
  await pool.close();
});

Deno.test("a call waits for a runtime that is about to ask rather than starting another", async () => {
  const { run, state, at, pool } = setup(8);
  const first = run("f", "1");
  await at(0).answer();
  await first;
  const second = run("f", "2");
  assert.deepEqual(state(), ["f:-"]);
  at(0).ask();
  assert.deepEqual(state(), ["f:2"]);
  await at(0).answer();
  await second;
  await pool.close();
});

Deno.test("a call waits for a limited time only", async () => {
  const { run, state, at, pool, started } = setup(8);
  const first = run("f", "1");
  await at(0).answer();
  await first;
  const second = run("f", "2");
  await started(2);
  assert.deepEqual(state(), ["f:-", "f:2"]);
  await at(1).answer();
  await second;
  await pool.close();
});

Deno.test("the most recently used environment is used first", async () => {
  const { run, state, at, pool } = setup(3);
  const calls = ["1", "2", "3"].map((id) => run("f", id));
  for (const index of [2, 0, 1]) {
    await at(index).answer();
    at(index).ask();
  }
  await Promise.all(calls);
  const next = run("f", "4");
  assert.deepEqual(state(), ["f:-", "f:4", "f:-"]);
  await at(1).answer();
  await next;
  await pool.close();
});

Deno.test("the least recently used idle environment of another function makes room", async () => {
  const { run, state, at, pool } = setup(2);
  const calls = [run("f", "1"), run("g", "2")];
  for (const index of [1, 0]) {
    await at(index).answer();
    at(index).ask();
  }
  await Promise.all(calls);
  const other = run("h", "3");
  assert.deepEqual(state(), ["f:-", "g:over", "h:3"]);
  await at(2).answer();
  await other;
  await pool.close();
});

Deno.test("alternating calls to two functions do not end each other's environments", async () => {
  const { run, state, at, pool } = setup(1);
  const calls = [run("f", "1"), run("g", "2"), run("f", "3")];
  await at(0).answer();
  at(0).ask();
  assert.deepEqual(state(), ["f:3"]);
  await at(0).answer();
  at(0).ask();
  assert.deepEqual(state(), ["f:over", "g:2"]);
  await at(1).answer();
  assert.deepEqual(await Promise.all(calls), ["1", "2", "3"]);
  await pool.close();
});

Deno.test("an environment that ends makes room for another", async () => {
  const { run, state, at, pool } = setup(1);
  const calls = [run("f", "1"), run("f", "2")];
  at(0).end();
  await turn();
  assert.deepEqual(state(), ["f:over", "f:2"]);
  await at(0).answer();
  await at(1).answer();
  await Promise.all(calls);
  await pool.close();
});

Deno.test("a caller that disconnects while waiting is dropped", async () => {
  const { run, state, at, pool } = setup(1);
  const gone = new AbortController();
  const calls = [run("f", "1"), run("f", "2", gone.signal), run("f", "3")];
  const left = assert.rejects(async () => await calls[1], { message: "gone" });
  gone.abort(new Error("gone"));
  await left;
  await at(0).answer();
  at(0).ask();
  assert.deepEqual(state(), ["f:3"]);
  await at(0).answer();
  await Promise.all([calls[0], calls[2]]);
  await pool.close();
});

Deno.test("a caller that disconnects later does not stop a running invocation", async () => {
  const { run, state, at, pool } = setup(1);
  const gone = new AbortController();
  const call = run("f", "1", gone.signal);
  gone.abort(new Error("gone"));
  assert.deepEqual(state(), ["f:1"]);
  await at(0).answer();
  assert.equal(await call, "1");
  await pool.close();
});

Deno.test("a function that cannot be started fails its own call only", async () => {
  const pool = new Pool({
    concurrency: 1,
    start() {
      throw new Error("no such handler");
    },
  });
  const invocation = { requestId: "1", payload: new Uint8Array(), wantsLog: false };
  await assert.rejects(pool.run("f", invocation), { message: "no such handler" });
  await assert.rejects(pool.run("f", invocation), { message: "no such handler" });
  await pool.close();
});

Deno.test("closing ends all environments and rejects waiting calls", async () => {
  const { run, state, at, pool } = setup(1);
  const running = run("f", "1");
  const waiting = assert.rejects(async () => await run("f", "2"), PoolClosedError);
  await pool.close();
  await waiting;
  assert.deepEqual(state(), ["f:over"]);
  await assert.rejects(async () => await run("f", "3"), PoolClosedError);
  await at(0).answer();
  await running;
});
