import assert from "node:assert/strict";
import { type ErrorCode, LlamaError } from "../../lib/errors.ts";
import { newCounts } from "../../lib/jobs/counts.ts";
import {
  concernsAllJobs,
  isWorthRetrying,
  StopPolicy,
  type StopPolicyOptions,
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

/** A stop policy of a run whose jobs end as the test says. */
function run(options: StopPolicyOptions) {
  const counts = newCounts();
  const stopPolicy = new StopPolicy(counts, options);
  return {
    counts,
    stopPolicy,
    jobs: (done: number, failed: number) => {
      counts.done += done;
      counts.failed += failed;
      stopPolicy.jobEnded();
      return [stopPolicy.soon.aborted, stopPolicy.now.aborted];
    },
  };
}

Deno.test("soon starts no more jobs, now drops those in flight as well", () => {
  const soon = run({ halt: { when: "soon", count: 2, isPercent: false } });
  assert.deepEqual(soon.jobs(5, 1), [false, false]);
  assert.deepEqual(soon.jobs(0, 1), [true, false]);
  assert.match(String(soon.stopPolicy.error), /2 jobs failed: no more jobs are started/);
  const now = run({ halt: { when: "now", count: 1, isPercent: false } });
  assert.deepEqual(now.jobs(5, 0), [false, false]);
  assert.deepEqual(now.jobs(0, 1), [true, true]);
  assert.match(String(now.stopPolicy.error), /1 job failed: jobs in flight are dropped/);
});

Deno.test("per cent are of all jobs, once it is known how many there are", () => {
  const { counts, stopPolicy, jobs } = run({ halt: { when: "soon", count: 10, isPercent: true } });
  assert.deepEqual(jobs(0, 5), [false, false]);
  counts.total = 61;
  assert.deepEqual(jobs(0, 1), [false, false]);
  assert.equal(stopPolicy.error, undefined);
  assert.deepEqual(jobs(0, 1), [true, false]);
});

Deno.test("a run that reaches its cost limit starts no more jobs", () => {
  const { counts, stopPolicy, jobs } = run({ maxDollars: 0.01 });
  counts.dollars = 0.009;
  assert.deepEqual(jobs(9, 0), [false, false]);
  counts.dollars = 0.0101;
  assert.deepEqual(jobs(1, 0), [true, false]);
  assert.match(String(stopPolicy.error), /the run has cost \$0\.010: no more jobs/);
});

Deno.test("the user's stop is not an error, and the first reason counts", () => {
  const stop = new AbortController();
  const stopped = run({ stop: stop.signal });
  stop.abort();
  assert.deepEqual([stopped.stopPolicy.soon.aborted, stopped.stopPolicy.error], [true, undefined]);
  assert(stopped.counts.isEnding);
  assert(run({ stop: stop.signal }).stopPolicy.soon.aborted);

  const { counts, stopPolicy } = run({});
  assert(!counts.isEnding);
  stopPolicy.end(new Error("first"));
  assert(counts.isEnding);
  stopPolicy.end(new Error("second"));
  assert.match(String(stopPolicy.error), /first/);
});

Deno.test("resuming is hinted at with the flag that the run has", () => {
  const hintOf = (options: StopPolicyOptions) => {
    const { counts, stopPolicy, jobs } = run(options);
    counts.dollars = 1;
    jobs(0, 1);
    assert(stopPolicy.error instanceof LlamaError);
    return stopPolicy.error.hint ?? "";
  };
  const halt = { when: "soon", count: 1, isPercent: false } as const;
  for (const options of [{ halt }, { maxDollars: 0.5 }]) {
    assert.match(hintOf(options), /a run with -joblog FILE can be resumed$/);
    for (const resumeWith of ["-resume", "-resume-last"]) {
      assert.match(
        hintOf({ ...options, resumeWith }),
        new RegExp(`continue with .*${resumeWith}\\b`),
      );
    }
  }
});

Deno.test("ending a run at once drops the jobs in flight", () => {
  const { stopPolicy } = run({});
  stopPolicy.endNow(new Error("first"));
  assert(stopPolicy.soon.aborted && stopPolicy.unsent.aborted && stopPolicy.now.aborted);
  assert.match(String(stopPolicy.error), /first/);
});

Deno.test("a failure that affects all jobs is not retried", () => {
  const shared = new LlamaError("protocol", "", { affectsAll: true });
  assert(concernsAllJobs(shared) && !isWorthRetrying(shared, "all"));
  assert(!concernsAllJobs(new LlamaError("protocol", "")));
});
