/**
 * A job, attempted until it succeeds or need not be attempted again.
 *
 * @module
 */

import type { CostMeter, InvocationCost } from "../cost/cost.ts";
import { asLlamaError, FunctionError, isAbort, type LlamaError } from "../errors.ts";
import { type Job, type JobResult, succeeded } from "./job.ts";
import { isWorthRetrying, type RetryOn } from "./policy.ts";
import type { RunJobOptions, Transfer } from "./run.ts";

/** How a job is attempted. */
export interface AttemptOptions {
  /** Runs it once. */
  readonly run: (job: Job, options: RunJobOptions) => Promise<JobResult>;
  /** With what it is run. */
  readonly runOptions: RunJobOptions;
  /** How often it is repeated, at most. */
  readonly retries: number;
  /** Which failures are worth a repeat. */
  readonly retryOn: RetryOn;
  /** Whether a failure is not the job's own, so that repeats would meet it too. @default {none is} */
  readonly isShared?: ((error: LlamaError) => boolean) | undefined;
  /** Tells what an attempt cost; called only after one that was sent. */
  readonly meter: () => Promise<CostMeter>;
  /** Aborted when there shall be no repeats any more. */
  readonly noMore: AbortSignal;
}

/** What all attempts at a job came to. */
export interface Attempts {
  /** How many there were that sent something. */
  readonly count: number;
  /** What came of the last one, if its command ran. */
  readonly result: JobResult | undefined;
  /** Why the last one has no result. */
  readonly error: LlamaError | undefined;
  /** What all of them sent and received. */
  readonly transfer: Readonly<Transfer>;
  /** What all of them cost; undefined if nothing was sent. */
  readonly cost: InvocationCost | undefined;
}

/**
 * Attempts a job. Repeats follow at once: a service that is busy or away has been waited for by the
 * call itself.
 *
 * @param job The job.
 * @param options How.
 * @returns What came of it, whether it succeeded or not.
 * @throws The reason of a signal in `runOptions` that ended it.
 */
export async function attemptJob(job: Job, options: AttemptOptions): Promise<Attempts> {
  const { run, runOptions, retries, retryOn, isShared, noMore } = options;
  const transfer: Transfer = { sentBytes: 0, receivedBytes: 0 };
  let cost: InvocationCost | undefined;
  let count = 0;
  let result: JobResult | undefined;
  let error: LlamaError | undefined;
  for (let repeat = 0;; repeat++) {
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
        // A repeat that was not sent any more leaves what came of the attempt before.
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
    const isDone = result !== undefined ? succeeded(result) : error && isShared?.(error);
    if (isDone || repeat >= retries || noMore.aborted || !isWorthRetrying(error, retryOn)) {
      return { count, result, error, transfer, cost };
    }
  }
}

/** An attempt whose answer was lost has run as far as anyone knows, so it counts. */
function isBilled(error: LlamaError | undefined): boolean {
  return error === undefined ||
    !["throttled", "too-large", "no-such-function", "credentials", "config"].includes(error.code);
}

/**
 * The log of an attempt, whether the function failed or not.
 *
 * @param attempt What came of it.
 * @returns The log's tail, where it was asked for.
 */
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
