import assert from "node:assert/strict";
import { ClaimedOutputs } from "../../lib/jobs/claimed_outputs.ts";

Deno.test("each of 200,000 outputs has the job that has claimed it, and no other", () => {
  const claimed = new ClaimedOutputs();
  const pathOf = (index: number) => `/home/user/out/${index}.txt`;
  const count = 200_000;
  for (let index = 0; index < count; index++) {
    assert.equal(claimed.ownerOf(pathOf(index)), undefined);
    claimed.add(pathOf(index), index);
  }
  for (let index = 0; index < count; index++) assert.equal(claimed.ownerOf(pathOf(index)), index);
  assert.equal(claimed.ownerOf(pathOf(count)), undefined);
});
