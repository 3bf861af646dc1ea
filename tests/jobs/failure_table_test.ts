/** What each kind of failure means for a run. A new code has no row, and is a type error here. */

import assert from "node:assert/strict";
import { CostMeter } from "../../lib/cost/cost.ts";
import { defaultPrices, pricesOf } from "../../lib/cost/prices.ts";
import { type ErrorCode, LlamaError } from "../../lib/errors.ts";
import { attemptJob, type AttemptOptions } from "../../lib/jobs/attempts.ts";
import { concernsAllJobs, isWorthRetrying, type RetryOn } from "../../lib/jobs/policy.ts";

interface Meaning {
  /** Whether another attempt may do better. */
  retried: boolean;
  /** Whether every other job would fail as well. */
  common: boolean;
  /** Whether an attempt that ended so is paid for. */
  billed: boolean;
}

const meanings: Readonly<Record<ErrorCode, Meaning>> = {
  "usage": { retried: false, common: false, billed: true },
  "template": { retried: false, common: false, billed: true },
  "input": { retried: false, common: false, billed: true },
  "output": { retried: false, common: false, billed: true },
  "config": { retried: false, common: true, billed: false },
  "credentials": { retried: false, common: true, billed: false },
  "store": { retried: true, common: false, billed: true },
  "missing-object": { retried: true, common: false, billed: true },
  "no-such-function": { retried: false, common: true, billed: false },
  "function": { retried: true, common: false, billed: true },
  "throttled": { retried: true, common: false, billed: false },
  "too-large": { retried: false, common: false, billed: false },
  "network": { retried: true, common: false, billed: true },
  "service": { retried: true, common: false, billed: true },
  "protocol": { retried: true, common: false, billed: true },
  "halted": { retried: false, common: false, billed: true },
  "not-cached": { retried: false, common: false, billed: false },
};
const codes = Object.keys(meanings) as ErrorCode[];

const job = { functionName: "f", args: [], inputs: [], outputs: [] };

/** Attempts a job whose every attempt is sent and fails in one way. */
async function attempts(code: ErrorCode, options: Partial<AttemptOptions> = {}) {
  let count = 0;
  const { cost } = await attemptJob(job, {
    run: (_, { transfer }) => {
      count++;
      if (transfer) transfer.sentBytes += 10;
      return Promise.reject(new LlamaError(code, "failed"));
    },
    runOptions: {},
    retries: 3,
    retryOn: "all",
    meter: () => Promise.resolve(new CostMeter(pricesOf(defaultPrices, "us-east-1"))),
    noMore: new AbortController().signal,
    ...options,
  });
  return { count, dollars: cost?.dollars };
}

for (const code of codes) {
  const { retried, common, billed } = meanings[code];
  Deno.test(`${code}: ${retried ? "" : "not "}retried, ${billed ? "" : "not "}billed`, async () => {
    const error = new LlamaError(code, "");
    const answers: Record<RetryOn, boolean> = { all: retried, function: retried, exit: false };
    for (const retryOn of ["all", "function", "exit"] as const) {
      assert.equal(isWorthRetrying(error, retryOn), answers[retryOn], retryOn);
      const { count, dollars } = await attempts(code, { retryOn });
      assert.equal(count, answers[retryOn] ? 4 : 1, retryOn);
      assert.equal(dollars !== undefined, billed, "whether anything is billed");
      // Each attempt costs at least its request.
      if (dollars !== undefined) {
        const requests = count * pricesOf(defaultPrices, "us-east-1").request;
        assert(Math.abs(dollars - requests) < 1e-15, `${dollars}`);
      }
    }
    assert.equal(concernsAllJobs(error), common);
  });
}

Deno.test("nothing is retried once the run has ended, whatever failed", async () => {
  const ended = AbortSignal.abort(new Error("the run has ended"));
  for (const code of codes) {
    assert.equal((await attempts(code, { noMore: ended })).count, 1, code);
  }
});

Deno.test("an attempt of which nothing was sent costs nothing", async () => {
  const run = () => Promise.reject(new LlamaError("network", "not reached"));
  assert.deepEqual(await attempts("network", { run, retries: 0 }), {
    count: 0,
    dollars: undefined,
  });
});
