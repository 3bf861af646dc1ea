import assert from "node:assert/strict";
import { placeRuntime, shortestWay } from "../../lib/report/placed.ts";
import type { Span } from "../../lib/spans.ts";

const invoke = (start: number, end: number, times?: Span["times"]): Span => ({
  name: "invoke",
  start,
  end,
  times,
});
const ms = (milliseconds: number) => milliseconds * 1e6;

Deno.test("the runtime's times end the minimum transit time before the response arrives", () => {
  const quick = invoke(0, 14, { e2e: ms(10), fetch: ms(1), exec: ms(8), upload: ms(1) });
  const waited = invoke(100, 200, { e2e: ms(10), fetch: ms(1), exec: ms(8), upload: ms(1) });
  const way = shortestWay([[quick], [waited, invoke(0, 1)]]);
  assert.equal(way, 2);
  assert.deepEqual(
    placeRuntime(waited, way).map(({ name, start, end }) => [name, start, end]),
    [["fetch", 188, 189], ["command", 189, 197], ["upload", 197, 198]],
  );
});

Deno.test("a cold start lasts from the request's minimum transit time to its receipt", () => {
  const cold = invoke(0, 500, { cold: true, e2e: ms(100), exec: ms(100), init: ms(50) });
  assert.deepEqual(
    placeRuntime(cold, 5).slice(0, 2).map(({ name, start, end }) => [name, start, end]),
    [["cold start", 5, 395], ["fetch", 395, 395]],
  );
  // If nothing else reveals the time in transit, the cold start is as long as the runtime saw it.
  const alone = invoke(0, 160, { cold: true, e2e: ms(100), exec: ms(100), init: ms(50) });
  const [start] = placeRuntime(alone, shortestWay([[alone]]));
  assert.deepEqual([start?.name, start?.start, start?.end], ["cold start", 5, 55]);
});

Deno.test("times are clamped to the bounds of their invocation", () => {
  const lying = invoke(10, 20, {
    cold: true,
    e2e: ms(99),
    fetch: ms(50),
    exec: ms(60),
    init: ms(9),
  });
  for (const { start, end } of placeRuntime(lying, shortestWay([[lying]]))) {
    assert(start >= 10 && end <= 20 && start <= end, `${start} to ${end}`);
  }
  assert.deepEqual(placeRuntime(invoke(0, 9), 0), []);
});
