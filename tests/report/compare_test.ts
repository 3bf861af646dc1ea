import assert from "node:assert/strict";
import { compareRuns } from "../../lib/report/compare.ts";
import type { Run } from "../../lib/report/run.ts";
import { jobRecord } from "../job_record.ts";

/** Makes a run of jobs that start at the same time, from their seconds; negative ones failed. */
function runOf(seconds: Readonly<Record<number, number>>, options: Partial<Run> = {}): Run {
  const jobs = Object.entries(seconds).map(([seq, time]) => {
    const record = jobRecord({
      ...{ seq: Number(seq), ok: time > 0, status: time > 0 ? 0 : 1 },
      ...{ started: "2026-11-27T12:00:00.000Z", elapsedMilliseconds: Math.abs(time) * 1000 },
      ...{ sentBytes: 100, receivedBytes: 10, cost: { dollars: 0.25, isEstimate: false } },
    });
    return { record, stderrEnd: "" };
  });
  return { title: "t", jobs, ...options };
}

Deno.test("two runs are compared in their figures, and in what became of each job", () => {
  const before = { name: "run 1", run: runOf({ 1: 1, 2: -2, 3: 4, 5: 1 }, { s3Dollars: 0.5 }) };
  const after = { name: "run 2", run: runOf({ 1: -2, 2: 2, 3: 8, 4: 1 }) };
  assert.equal(
    compareRuns(before, after),
    `              run 1   run 2   CHANGE
jobs          4       4
failed        1       1
time          4.00 s  8.00 s  x 2.0
concurrency   4       4
job, median   1.00 s  2.00 s  x 2.0
job, 95 %     4.00 s  8.00 s  x 2.0
job, longest  4.00 s  8.00 s  x 2.0
sent          400 B   400 B
received      40 B    40 B
cost          $1.50   $1.00   -33 %
1 job failed in run 1 and not in run 2: 2
1 job failed in run 2 and not in run 1: 1
1 job only in run 1: 5
1 job only in run 2: 4
`,
  );
});

Deno.test("of many jobs that differ the first ten are named, and unknown costs are not compared", () => {
  const seconds = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [i + 1, 1]));
  const before = { name: "a", run: runOf({}, { isLocal: true }) };
  const text = compareRuns(before, { name: "b", run: runOf(seconds) });
  assert.match(text, /^15 jobs only in b: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, and 5 more$/m);
  assert.match(text, /^cost +- +\$3\.75$/m);
});
