import assert from "node:assert/strict";
import { processorsOf } from "../../scripts/bench/processors.ts";

Deno.test("a list of processors may have ranges", () => {
  assert.deepEqual(processorsOf("0"), [0]);
  assert.deepEqual(processorsOf("1,3-5,8"), [1, 3, 4, 5, 8]);
});
