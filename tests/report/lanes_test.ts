import assert from "node:assert/strict";
import { lanesOf } from "../../lib/report/lanes.ts";

const lanes = (...intervals: (readonly [start: number, end: number])[]) =>
  lanesOf(intervals.map(([start, end]) => ({ start, end })));

Deno.test("there are as many lanes as concurrent intervals, without overlaps", () => {
  assert.deepEqual(lanes([0, 10], [0, 4], [4, 6], [5, 9], [6, 7], [9, 12]), [0, 1, 1, 2, 1, 2]);
  assert.deepEqual(lanes([1, 1], [1, 1], [1, 2], [1, 1]), [0, 0, 0, 1]);
  assert.deepEqual(lanes(), []);
});

Deno.test("the time per interval does not grow with their number", () => {
  const all = Array.from({ length: 100_000 }, (_, index) => ({ start: index, end: index + 1e6 }));
  const start = performance.now();
  assert.equal(new Set(lanesOf(all)).size, 100_000);
  assert(performance.now() - start < 5000);
});
