/**
 * Attempts at a job, with retries.
 *
 * @module
 */

import type { CostMeter, InvocationCost } from "../cost/cost.ts";
import { asLlamaError, FunctionError, isAbort, type LlamaError } from "../errors.ts";
import { type Job, type JobResult, succeeded } from "./job.ts";
import { isWorthRetrying, type RetryOn } from "./policy.ts";
import type { RunJobOptions } from "./run_options.ts";
import type { Transfer } from "./transfer.ts";

/** Options for {@linkcode attemptJob}. */
export interface AttemptOptions {
  /** Runs the job once. */
  readonly run: (job: Job, options: RunJobOptions) => Promise<JobResult>;
  /** Options for `run`. */
  readonly runOptions: RunJobOptions;
  /** The maximum number of retries. */
  readonly retries: number;
  /** Which failures to retry. */
  readonly retryOn: RetryOn;
  /** Reports whether a failure affects all jobs, so that retries would fail, too. @default {none does} */
  readonly isShared?: ((error: LlamaError) => boolean) | undefined;
  /** Returns the cost meter; called only after an attempt that was sent. */
  readonly meter: () => Promise<CostMeter>;
  /** Aborted to prevent further retries. */
  readonly noMore: AbortSignal;
}

/** The outcome of all attempts at a job. */
export interface Attempts {
  /** The number of attempts that sent something. */
  readonly count: number;
  /** The result of the last attempt, if its command ran. */
  readonly result: JobResult | undefined;
  /** The error of the last attempt, if it has no result. */
  readonly error: LlamaError | undefined;
  /** The bytes that all of them sent and received. */
  readonly transfer: Readonly<Transfer>;
  /** The cost of all of them; undefined if nothing was sent. */
  readonly cost: InvocationCost | undefined;
}

/**
 * Attempts a job until it succeeds or must not be retried. Retries follow at once: the call itself
 * has backed off from a busy service.
 *
 * @returns The outcome, whether it succeeded or not.
 * @throws The reason of a signal in `runOptions` that was aborted.
 */
export async function attemptJob(job: Job, options: AttemptOptions): Promise<Attempts> {
  const { run, runOptions, retries, retryOn, isShared, noMore } = options;
  const transfer: Transfer = { sentBytes: 0, receivedBytes: 0 };
  let cost: InvocationCost | undefined;
  let count = 0;
  let result: JobResult | undefined;
  let error: LlamaError | undefined;
  for (let retry = 0;; retry++) {
    const sentBefore = transfer.sentBytes;
    const earlier = result;
    const start = performance.now();
    try {
      result = await run(job, { ...runOptions, transfer });
      earlier?.[Symbol.dispose]();
      error = undefined;
    } catch (cause) {
      runOptions.signal?.throwIfAborted();
      if (isAbort(cause, runOptions.admission)) {
        // A retry that was not sent leaves the previous attempt's outcome.
        if (count === 0) throw cause;
        return { count, result, error, transfer, cost };
      }
      earlier?.[Symbol.dispose]();
      result = undefined;
      error = asLlamaError(cause);
    }
    if (transfer.sentBytes > sentBefore) {
      count++;
      const elapsedMilliseconds = performance.now() - start;
      const invoked = result ?? { elapsedMilliseconds, logTail: logOf({ result, error }) };
      if (isBilled(error)) cost = sum(cost, (await options.meter()).costOf(invoked));
    }
    for (const lost of runOptions.flight?.takeLost() ?? []) {
      cost = sum(cost, (await options.meter()).costOf(lost));
    }
    const isDone = result !== undefined ? succeeded(result) : error && isShared?.(error);
    if (isDone || retry >= retries || noMore.aborted || !isWorthRetrying(error, retryOn)) {
      return { count, result, error, transfer, cost };
    }
  }
}

/** An attempt whose response was lost may have run, so it counts as billed. */
function isBilled(error: LlamaError | undefined): boolean {
  return error === undefined ||
    !["throttled", "too-large", "no-such-function", "credentials", "config", "not-cached"].includes(
      error.code,
    );
}

/** Returns the tail of an attempt's log, if requested, whether the function failed or not. */
export function logOf({ result, error }: Pick<Attempts, "result" | "error">): string | undefined {
  return result?.logTail ?? (error instanceof FunctionError ? error.logTail : undefined);
}

function sum(before: InvocationCost | undefined, cost: InvocationCost): InvocationCost {
  if (before === undefined) return cost;
  return {
    billedMilliseconds: before.billedMilliseconds + cost.billedMilliseconds,
    memory: cost.memory,
    usedMemory: Math.max(before.usedMemory ?? 0, cost.usedMemory ?? 0) || undefined,
    dollars: before.dollars + cost.dollars,
    isEstimate: before.isEstimate || cost.isEstimate,
  };
}
