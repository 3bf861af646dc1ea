import assert from "node:assert/strict";
import { newCounts } from "../../lib/jobs/counts.ts";
import { earlyEndOf, earlyEndSchema, earlyEndText } from "../../lib/jobs/early_end.ts";

const counts = {
  ...newCounts(),
  done: 12,
  failed: 1,
  dropped: 3,
  waiting: 84,
  total: 100,
  peak: 4,
  isEnding: true,
};

Deno.test("a run that ended early accounts for all jobs, and for what Lambda still bills", () => {
  const end = earlyEndOf(counts, "interrupted");
  assert(end);
  assert.deepEqual(earlyEndSchema().parse(JSON.parse(JSON.stringify(end))), end);
  assert.equal(
    earlyEndText(end, false),
    "12 done, 1 failed, 3 dropped in flight (Lambda keeps running them, and bills them), " +
      "84 not started",
  );
  assert.equal(
    earlyEndText(end, true),
    "12 done, 1 failed, 3 dropped in flight, 84 not started",
  );
  assert.equal(
    earlyEndText({ ...end, dropped: 0 }, false),
    "12 done, 1 failed, 0 dropped in flight, 84 not started",
  );
});

Deno.test("an unread rest of the input makes the jobs not started a lower bound", () => {
  const end = earlyEndOf({ ...counts, total: undefined }, "interrupted");
  assert(end && !end.isInputRead);
  assert.match(
    earlyEndText(end, false),
    /, at least 84 not started \(the end of the input was not/,
  );
});

Deno.test("a run that came to its end has not ended early", () => {
  assert.equal(earlyEndOf({ ...counts, isEnding: false }, ""), undefined);
  assert.equal(earlyEndOf({ ...newCounts(), isEnding: true }, "no input"), undefined);
});
