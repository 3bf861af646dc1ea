import assert from "node:assert/strict";
import { weighOutputs } from "../../lib/runtime/load.ts";
import { TimeLimit } from "../../lib/runtime/time_limit.ts";
import { TemporaryDirectory } from "../helpers.ts";

const second = 1000;

function limitOf(
  { timeout, seconds, memoryMb = 1769 }: { timeout?: number; seconds?: number; memoryMb?: number },
): TimeLimit {
  const deadline = seconds === undefined ? undefined : seconds * second;
  return new TimeLimit({ timeout, received: 0, deadline, memoryMb });
}

/** When the command's time is up if it has so much to send, by asking as often as is asked for. */
async function endOf(limit: TimeLimit, load: { files: number; bytes: number }): Promise<number> {
  let now = 0;
  for (let questions = 0; questions < 100; questions++) {
    const left = await limit.left(now, () => Promise.resolve(load));
    if (left === 0) return now;
    now += left;
  }
  throw new Error("its time is never up");
}

const nothing = { files: 0, bytes: 0 };

Deno.test("a tenth of the function's time is kept for the answer, 0.1 to 2 s", async () => {
  for (const [seconds, end] of [[0.5, 0.4], [1, 0.9], [3, 2.7], [15, 13.5], [60, 58], [900, 898]]) {
    assert(seconds !== undefined && end !== undefined);
    const limit = limitOf({ seconds });
    assert.equal(limit.end, end * second);
    assert.equal(await endOf(limit, nothing), end * second);
    assert(limit.isFunctions);
    // Uploads are given up between the end of the command and that of the function.
    const { answerBy = 0 } = limit;
    assert(answerBy > end * second && answerBy < seconds * second);
  }
});

Deno.test("a function with little memory gets more time to answer", async () => {
  const end = await endOf(limitOf({ seconds: 3, memoryMb: 128 }), nothing);
  assert(end < 2.5 * second && end > 2 * second, `${end}`);
  // But never more than half.
  assert.equal(await endOf(limitOf({ seconds: 1, memoryMb: 128 }), nothing), 500);
});

Deno.test("the more there is to send, the earlier a command ends, but not before half of its time", async () => {
  const ends = [];
  for (const bytes of [0, 40e6, 400e6, 1e9, 1e12]) {
    ends.push(await endOf(limitOf({ seconds: 60 }), { files: 1, bytes }));
  }
  assert.deepEqual(ends, ends.toSorted((a, b) => b - a));
  assert.equal(ends[0], 58 * second);
  // 10 seconds for 400 MB at 40 MB/s.
  const [, , long = 0, , most = 0] = ends;
  assert(Math.abs(long - 50 * second) < second, `${long}`);
  assert(most >= 30 * second && most < 31 * second, `${most}`);
  const many = await endOf(limitOf({ seconds: 3 }), { files: 2000, bytes: 0 });
  assert(many < 2.5 * second, `${many}`);
});

Deno.test("the request's timeout applies if it is earlier than the function's", async () => {
  const limit = limitOf({ timeout: 10, seconds: 60 });
  assert.deepEqual([limit.end, limit.isFunctions], [10 * second, false]);
  assert.equal(await endOf(limit, { files: 1, bytes: 1e6 }), 10 * second);
  const own = limitOf({ timeout: 59, seconds: 60 });
  assert.deepEqual([own.end, own.isFunctions], [58 * second, true]);
  const only = limitOf({ timeout: 10 });
  assert.equal(await endOf(only, nothing), 10 * second);
  assert.equal(only.isFunctions, false);
});

Deno.test("a deadline that is absent or past limits nothing", async () => {
  for (const seconds of [undefined, 0, -5]) {
    const limit = limitOf(seconds === undefined ? {} : { seconds });
    assert.deepEqual([limit.end, limit.answerBy, limit.isFunctions], [undefined, undefined, false]);
    assert.equal(await limit.left(1e9, () => Promise.resolve(nothing)), Infinity);
  }
});

Deno.test("the time between SIGTERM and SIGKILL is a quarter of the reserve, at most 2 s", async () => {
  assert.equal(limitOf({ seconds: 3 }).graceMs, 75);
  assert.equal(limitOf({ seconds: 60 }).graceMs, 500);
  assert.equal(limitOf({ timeout: 1 }).graceMs, 500);
  const loaded = limitOf({ seconds: 60 });
  await endOf(loaded, { files: 1, bytes: 1e9 });
  assert.equal(loaded.graceMs, 2000);
});

Deno.test("the amount to send is that of the existing outputs", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("a", "1234");
  await directory.write("d/b", "12");
  await directory.write("d/deep/c", "1");
  await directory.write("other", "123456789");
  await Deno.symlink("../other", directory.join("d/link"));
  const weigh = (...outputs: string[]) => weighOutputs(directory.path, outputs);
  assert.deepEqual(weigh("a", "none", "d/"), { files: 3, bytes: 7 });
  assert.deepEqual(weigh(), { files: 0, bytes: 0 });
});
