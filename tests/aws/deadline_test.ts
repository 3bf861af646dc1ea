import assert from "node:assert/strict";
import { Deadline } from "../../lib/aws/deadline.ts";

/** Resolves once a deadline's signal is aborted. */
function passed({ signal }: Deadline): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

Deno.test("deadlines pass in their order, whichever was set first", async () => {
  using long = new Deadline(60_000, undefined);
  using second = new Deadline(20, undefined);
  using first = new Deadline(5, undefined);
  await passed(first);
  assert.deepEqual([first.isOver, second.isOver], [true, false]);
  await passed(second);
  assert.deepEqual([second.isOver, long.isOver], [true, false]);
});

Deno.test("a deadline that is disposed of or restarted does not pass", async () => {
  const disposed = new Deadline(5, undefined);
  using restarted = new Deadline(50, undefined);
  using other = new Deadline(55, undefined);
  disposed[Symbol.dispose]();
  const restart = setInterval(() => restarted.restart(), 1);
  await passed(other);
  clearInterval(restart);
  assert.deepEqual([disposed.isOver, restarted.isOver], [false, false]);
  await passed(restarted);
  assert(restarted.isOver);
});

Deno.test("a caller's signal aborts its deadlines with its reason, and no others", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  using first = new Deadline(60_000, one.signal);
  using second = new Deadline(60_000, one.signal);
  using third = new Deadline(60_000, other.signal);
  const reason = new Error("stop");
  one.abort(reason);
  assert.deepEqual([first, second].map(({ signal }) => signal.reason), [reason, reason]);
  assert(!third.signal.aborted);
  assert.deepEqual([first.isOver, second.isOver], [false, false]);
  using late = new Deadline(60_000, one.signal);
  assert.equal(late.signal.reason, reason);
});
