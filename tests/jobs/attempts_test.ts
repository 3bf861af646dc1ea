import assert from "node:assert/strict";
import { CostMeter } from "../../lib/cost/cost.ts";
import { defaultPrices, pricesOf } from "../../lib/cost/prices.ts";
import { LlamaError } from "../../lib/errors.ts";
import { attemptJob } from "../../lib/jobs/attempts.ts";
import { Flight } from "../../lib/jobs/stragglers.ts";

const meter = new CostMeter(pricesOf(defaultPrices, "us-east-1"));

Deno.test("requests that lost against another one are paid for once, in every attempt", async () => {
  const flight = new Flight("line");
  const report = (milliseconds: number) =>
    [
      "REPORT RequestId: x",
      `Billed Duration: ${milliseconds} ms`,
      "Memory Size: 1024 MB",
      "Max Memory Used: 9 MB",
    ]
      .join("\t");
  let runs = 0;
  const { cost, count } = await attemptJob(
    { functionName: "f", args: [], inputs: [], outputs: [] },
    {
      run: (_, { transfer }) => {
        if (transfer) transfer.sentBytes += 10;
        flight.lost({ elapsedMilliseconds: 5, logTail: report(1000) });
        // Nobody knows what it costs in the end.
        if (++runs === 2) flight.lost({ elapsedMilliseconds: 300, logTail: undefined });
        // Throttled calls are not billed themselves.
        return Promise.reject(new LlamaError("throttled", "failed"));
      },
      runOptions: { flight },
      retries: 1,
      retryOn: "all",
      meter: () => Promise.resolve(meter),
      noMore: new AbortController().signal,
    },
  );
  assert.deepEqual([count, cost?.billedMilliseconds, cost?.isEstimate], [2, 2300, true]);
  assert.deepEqual(flight.takeLost(), []);
});
