import assert from "node:assert/strict";
import { AdaptiveLimit, type Admission } from "../../../lib/aws/api/throttle.ts";

Deno.test("there is no limit until a call is throttled", async () => {
  const limit = new AdaptiveLimit();
  await Promise.all(Array.from({ length: 1000 }, () => limit.enter()));
  assert.equal(limit.inFlight, 1000);
  assert.equal(limit.limit, Infinity);
});

Deno.test("a partly throttled burst shows the limit", async () => {
  const limit = new AdaptiveLimit();
  const burst = await Promise.all(Array.from({ length: 50 }, () => limit.enter()));
  for (const admission of burst.slice(10)) admission.end("throttled");
  assert.equal(limit.limit, 8);
  assert.equal(limit.inFlight, 10);
});

Deno.test("the limit rises by one per round of successes, and only if a call waits", async () => {
  const limit = new AdaptiveLimit();
  const burst = await Promise.all(Array.from({ length: 5 }, () => limit.enter()));
  burst[0]?.end("throttled");
  assert.equal(limit.limit, 3);
  for (const admission of burst) admission.end("ok");
  assert.equal(limit.limit, 3);

  const entered: Admission[] = [];
  const queue = Array.from({ length: 10 }, async () => void entered.push(await limit.enter()));
  await new Promise<void>((resolve) => queueMicrotask(resolve));
  while (entered.length < 3) await Promise.resolve();
  assert.equal(limit.inFlight, 3);
  entered.shift()?.end("ok");
  entered.shift()?.end("ok");
  assert.equal(limit.limit, 3);
  entered.shift()?.end("ok");
  assert.equal(limit.limit, 4);
  assert.equal(limit.inFlight, 4);
  for (let ended = 3; ended < 10; ended++) {
    while (entered.length === 0) await Promise.resolve();
    entered.shift()?.end("ok");
  }
  await Promise.all(queue);
});

Deno.test("the limit is at least one", async () => {
  const limit = new AdaptiveLimit();
  (await limit.enter()).end("throttled");
  assert.equal(limit.limit, 1);
  (await limit.enter()).end("throttled");
  assert.equal(limit.limit, 1);
});

Deno.test("a wait can be aborted without losing capacity", async () => {
  const limit = new AdaptiveLimit();
  (await limit.enter()).end("throttled");
  const holder = await limit.enter();
  const controller = new AbortController();
  const waiting = limit.enter(controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  holder.end("failed");
  holder.end("failed");
  assert.equal(limit.inFlight, 0);
  await limit.enter();
});

Deno.test("with a limit of ten, few calls of a long run are throttled", async () => {
  const limit = new AdaptiveLimit();
  const room = 10;
  const jobs = 1000;
  let running = 0;
  let calls = 0;
  // A round of time: what runs ends, and whoever waits may come in.
  const rounds: (() => void)[] = [];
  const job = async () => {
    for (;;) {
      const admission = await limit.enter();
      calls++;
      if (running >= room) {
        admission.end("throttled");
        continue;
      }
      running++;
      await new Promise<void>((resolve) => rounds.push(resolve));
      running--;
      return admission.end("ok");
    }
  };
  const queue = Array.from({ length: jobs }, (_, index) => index).values();
  const workers = Array.from({ length: 50 }, async () => {
    for (const _ of queue) await job();
  });
  const done = Promise.all(workers).then(() => true);
  let finished = false;
  void done.then(() => finished = true);
  while (!finished) {
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
    for (const end of rounds.splice(0)) end();
  }
  assert(calls <= jobs * 1.15, `${calls} calls for ${jobs} jobs`);
});

Deno.test("there is room for a call unless the limit is reached or calls wait", async () => {
  const limit = new AdaptiveLimit();
  const calls = await Promise.all([limit.enter(), limit.enter(), limit.enter()]);
  assert(limit.hasRoom);
  calls[0]?.end("throttled");
  assert.equal(limit.limit, 1);
  assert(!limit.hasRoom);
  const waiting = limit.enter();
  calls[1]?.end("failed");
  calls[2]?.end("failed");
  assert(!limit.hasRoom);
  (await waiting).end("failed");
  assert(limit.hasRoom);
});
