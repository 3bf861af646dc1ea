/**
 * One job as a run, for its trace and its report.
 *
 * @module
 */

import { CostMeter } from "../cost/cost.ts";
import { defaultPrices, pricesOf } from "../cost/prices.ts";
import { attemptJob, logOf } from "../jobs/attempts.ts";
import type { Job, JobResult } from "../jobs/job.ts";
import { recordOf } from "../jobs/record.ts";
import type { RunJobOptions } from "../jobs/run_options.ts";
import type { Llama } from "../llama.ts";
import { shellQuote } from "../text/shell_quote.ts";
import { type LookBack, type StderrEnd, stderrEndOf } from "./look_back.ts";

/** Runs a job as a run of one job, and adds it to the trace and the report even if it fails. */
export async function runRecorded(
  llama: Llama,
  job: Job,
  { options, run, lookBack, stderrEnd }: {
    readonly options: RunJobOptions;
    readonly run: (job: Job, options: RunJobOptions) => Promise<JobResult>;
    readonly lookBack: LookBack;
    readonly stderrEnd: StderrEnd | undefined;
  },
): Promise<JobResult> {
  const { functionName, args } = job;
  const started = new Date().toISOString();
  const start = performance.now();
  const attempts = await attemptJob(job, {
    run,
    runOptions: options,
    retries: 0,
    retryOn: "all",
    meter: async () => new CostMeter(pricesOf(defaultPrices, await llama.region())),
    noMore: new AbortController().signal,
  });
  const elapsedMilliseconds = performance.now() - start;
  options.spans?.add("job", start, start + elapsedMilliseconds);
  const command = shellQuote([functionName, ...args]);
  const planned = { index: 0, functionName, line: "", command, job };
  const { isLocal } = llama;
  const { result, error } = attempts;
  const { cache } = result ?? {};
  const details = { started, elapsedMilliseconds, log: logOf(attempts), isLocal, cache };
  const record = recordOf(planned, attempts, details);
  stderrEnd?.add(await stderrEndOf(result) ?? new Uint8Array());
  lookBack.add(record, options.spans?.all, stderrEnd?.bytes);
  if (result === undefined) throw error ?? new TypeError("a job ended without result or error");
  return result;
}
