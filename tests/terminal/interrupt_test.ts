import assert from "node:assert/strict";
import { withoutEchoes } from "../../lib/terminal/interrupt.ts";

/** Delivers signals at times in milliseconds, and returns those that were handled. */
function counted(arrivals: readonly (readonly [number, "SIGINT" | "SIGTERM"])[]): string[] {
  let time = 0;
  const heard: string[] = [];
  const take = withoutEchoes(
    ({ message }) => void heard.push(`${time} ${message}`),
    () => time,
  );
  for (const [at, signal] of arrivals) {
    time = at;
    take(signal);
  }
  return heard;
}

Deno.test("equal signals within 0.3 seconds count as one", () => {
  assert.deepEqual(
    counted([[1000, "SIGINT"], [1000, "SIGINT"], [1001, "SIGINT"], [1299, "SIGINT"]]),
    ["1000 interrupted"],
  );
  assert.deepEqual(counted([[0, "SIGINT"], [300, "SIGINT"]]), ["0 interrupted", "300 interrupted"]);
});

Deno.test("a repeated ctrl-C counts again after 0.3 seconds", () => {
  const presses = Array.from({ length: 10 }, (_, i) => [i * 100, "SIGINT"] as const);
  assert.deepEqual(counted(presses), [0, 300, 600, 900].map((time) => `${time} interrupted`));
});

Deno.test("different signals are counted separately", () => {
  assert.deepEqual(
    counted([[0, "SIGINT"], [1, "SIGTERM"], [2, "SIGINT"], [3, "SIGTERM"]]),
    ["0 interrupted", "1 ended by SIGTERM"],
  );
});
