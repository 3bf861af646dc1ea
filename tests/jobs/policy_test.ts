import assert from "node:assert/strict";
import { type ErrorCode, LlamaError } from "../../lib/errors.ts";
import { newCounts } from "../../lib/jobs/counts.ts";
import {
  concernsAllJobs,
  Ending,
  type EndingOptions,
  isWorthRetrying,
} from "../../lib/jobs/policy.ts";

Deno.test("a repeat is for failures that may pass, and for those that are asked for", () => {
  const error = (code: ErrorCode) => new LlamaError(code, "");
  const worth = (retryOn: "exit" | "function" | "all") => [
    isWorthRetrying(undefined, retryOn),
    isWorthRetrying(error("function"), retryOn),
    isWorthRetrying(error("network"), retryOn),
    isWorthRetrying(error("input"), retryOn),
    isWorthRetrying(error("template"), retryOn),
    isWorthRetrying(error("too-large"), retryOn),
  ];
  assert.deepEqual(worth("all"), [true, true, true, false, false, false]);
  assert.deepEqual(worth("exit"), [true, false, false, false, false, false]);
  assert.deepEqual(worth("function"), [false, true, true, false, false, false]);
});

/** An ending whose jobs end as the test says. */
function run(options: EndingOptions) {
  const counts = newCounts();
  const ending = new Ending(counts, options);
  return {
    counts,
    ending,
    jobs: (done: number, failed: number) => {
      counts.done += done;
      counts.failed += failed;
      ending.jobEnded();
      return [ending.soon.aborted, ending.now.aborted];
    },
  };
}

Deno.test("soon starts no more jobs, now drops those in flight as well", () => {
  const soon = run({ halt: { when: "soon", count: 2, isPercent: false } });
  assert.deepEqual(soon.jobs(5, 1), [false, false]);
  assert.deepEqual(soon.jobs(0, 1), [true, false]);
  assert.match(String(soon.ending.error), /2 jobs failed: no more are started/);
  const now = run({ halt: { when: "now", count: 1, isPercent: false } });
  assert.deepEqual(now.jobs(5, 0), [false, false]);
  assert.deepEqual(now.jobs(0, 1), [true, true]);
  assert.match(String(now.ending.error), /1 job failed: those in flight are dropped/);
});

Deno.test("per cent are of all jobs, once it is known how many there are", () => {
  const { counts, ending, jobs } = run({ halt: { when: "soon", count: 10, isPercent: true } });
  assert.deepEqual(jobs(0, 5), [false, false]);
  counts.total = 61;
  assert.deepEqual(jobs(0, 1), [false, false]);
  assert.equal(ending.error, undefined);
  assert.deepEqual(jobs(0, 1), [true, false]);
});

Deno.test("a run that has cost enough starts no more jobs", () => {
  const { counts, ending, jobs } = run({ maxDollars: 0.01 });
  counts.dollars = 0.009;
  assert.deepEqual(jobs(9, 0), [false, false]);
  counts.dollars = 0.0101;
  assert.deepEqual(jobs(1, 0), [true, false]);
  assert.match(String(ending.error), /the run has cost \$0\.0101: no more jobs/);
});

Deno.test("the user's stop is no error, and the first reason counts", () => {
  const stop = new AbortController();
  const stopped = run({ stop: stop.signal });
  stop.abort();
  assert.deepEqual([stopped.ending.soon.aborted, stopped.ending.error], [true, undefined]);
  assert(stopped.counts.isEnding);
  assert(run({ stop: stop.signal }).ending.soon.aborted);

  const { counts, ending } = run({});
  assert(!counts.isEnding);
  ending.end(new Error("first"));
  assert(counts.isEnding);
  ending.end(new Error("second"));
  assert.match(String(ending.error), /first/);
});

Deno.test("resuming is hinted at only where there is a job log", () => {
  const hintOf = (options: EndingOptions) => {
    const { counts, ending, jobs } = run(options);
    counts.dollars = 1;
    jobs(0, 1);
    assert(ending.error instanceof LlamaError);
    return ending.error.hint ?? "";
  };
  const halt = { when: "soon", count: 1, isPercent: false } as const;
  for (const options of [{ halt }, { maxDollars: 0.5 }]) {
    assert.match(hintOf(options), /a run with -joblog FILE can be resumed$/);
    assert.match(hintOf({ ...options, jobLog: "log" }), /-resume goes on/);
  }
});

Deno.test("a run that is to end at once drops the jobs in flight", () => {
  const { ending } = run({});
  ending.endNow(new Error("first"));
  assert(ending.soon.aborted && ending.unsent.aborted && ending.now.aborted);
  assert.match(String(ending.error), /first/);
});

Deno.test("what all jobs would meet is not repeated", () => {
  const shared = new LlamaError("protocol", "", { affectsAll: true });
  assert(concernsAllJobs(shared) && !isWorthRetrying(shared, "all"));
  assert(!concernsAllJobs(new LlamaError("protocol", "")));
});
