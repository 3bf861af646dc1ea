/**
 * Plans and runs the jobs of a run.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { CostMeter } from "../cost/cost.ts";
import { defaultPrices, pricesOf } from "../cost/prices.ts";
import { FunctionError, isAbort, LlamaError } from "../errors.ts";
import { attemptJob, type Attempts, logOf } from "./attempts.ts";
import type { RunCounts } from "./counts.ts";
import type { Identity, Job, JobResult, PlannedJob } from "./job.ts";
import { columnsOf, type JobInput } from "./job_input.ts";
import { formatIdentity } from "./log/identity.ts";
import { ExistingOutputs } from "./existing_outputs.ts";
import type { JobLog } from "./log/job_log.ts";
import type { Planner } from "./plan.ts";
import { concernsAllJobs, failsAtStart, type StopPolicy } from "./policy.ts";
import { type JobRecord, recordOf } from "./record.ts";
import type { Results } from "./results.ts";
import type { JobDelivery } from "./run_options.ts";
import { sameJobs } from "./same_jobs.ts";
import { readAhead } from "./sources.ts";
import type { Flight, Stragglers } from "./stragglers.ts";
import type { Trial } from "./trial.ts";
import { Spans } from "../spans.ts";
import { isS3Url } from "../store/s3_url.ts";
import type { JobOutcome, MapConnection, MapJobsOptions } from "./map_options.ts";

/** The number of skipped jobs after which the event loop gets a turn. */
const skipsPerTurn = 1000;

/** The maximum number of characters to read ahead. */
const readAheadSize = 1024 * 1024;

const nothing = new Uint8Array();

/** The state that the parts of a run share. */
export interface RunState {
  readonly counts: RunCounts;
  readonly stopPolicy: StopPolicy;
  readonly trial: Trial;
  readonly planner: Planner;
  readonly log: JobLog | undefined;
  readonly results: Results | undefined;
  /** Returns what looks for stragglers, if the run copies them. */
  readonly stragglersNow: () => Stragglers | undefined;
}

/** Plans the jobs of a run, and runs them one by one. */
export class JobWorker {
  readonly #connection: MapConnection;
  readonly #options: MapJobsOptions;
  readonly #state: RunState;
  #meter: Promise<CostMeter> | undefined;
  #signal: AbortSignal | undefined;
  #admission: AbortSignal | undefined;
  /** Whether a command has run, which proves that the function can be started. */
  #hasStarted = false;

  constructor(connection: MapConnection, options: MapJobsOptions, state: RunState) {
    this.#connection = connection;
    this.#options = options;
    this.#state = state;
  }

  /** Plans jobs while the run goes on; yields those to run. */
  async *plan(
    inputs: AsyncIterable<JobInput>,
    templates: readonly string[],
  ): AsyncGenerator<PlannedJob, void, undefined> {
    const { counts, stopPolicy, trial, planner } = this.#state;
    let planned = 0;
    const ahead = readAhead(this.#undone(inputs, planner), {
      items: this.#options.readAhead ?? 0,
      size: readAheadSize,
      sizeOf: ({ input }) => columnsOf(input).reduce((sum, column) => sum + column.length, 0),
      onRead: () => void counts.waiting++,
      onEnd: () => void (counts.total = sumOf(counts)),
      stop: stopPolicy.soon,
    });
    try {
      for await (const { input, index } of ahead) {
        const spans = this.#options.spans ? new Spans() : undefined;
        using template = spans?.span("template");
        const next = planner.plan(input, index);
        template?.[Symbol.dispose]();
        if (this.#options.stragglers && !this.#mayCopy(next.job)) throw cannotCopy();
        if (++planned === 2 && !planner.templates.usesInput) {
          this.#connection.notice(sameJobs(templates));
        }
        await trial.admit(stopPolicy.soon);
        if (stopPolicy.soon.aborted) return;
        yield spans ? { ...next, spans } : next;
      }
    } catch (error) {
      // Earlier jobs still finish.
      stopPolicy.endInput(error);
    }
  }

  /** Yields the inputs of jobs that the resumed run has not done. */
  async *#undone(
    inputs: AsyncIterable<JobInput>,
    planner: Planner,
  ): AsyncGenerator<{ input: JobInput; index: number }, void, undefined> {
    const { counts, stopPolicy } = this.#state;
    const { onSkip, skipExisting, signal } = this.#options;
    const existing = skipExisting ? new ExistingOutputs(this.#connection.list) : undefined;
    let index = 0;
    for await (const input of inputs) {
      const isDone = planner.isDone(input, index) ||
        await existing?.haveAll(planner.outputsOf(input, index));
      if (isDone) {
        onSkip?.(index);
        // Available lines would otherwise block the event loop: progress and ctrl-C.
        if (++counts.skipped % skipsPerTurn === 0) await setImmediate();
        if (stopPolicy.soon.aborted || signal?.aborted) return;
      } else yield { input, index };
      index++;
    }
  }

  /** Runs a job and records its outcome; undefined if it was dropped. */
  readonly work = async (
    planned: PlannedJob,
    inner: AbortSignal,
  ): Promise<JobOutcome | undefined> => {
    const { counts, stopPolicy, trial } = this.#state;
    const stragglers = this.#state.stragglersNow();
    // `inner` is the same for all jobs of a run.
    const signal = this.#signal ??= this.#open(inner);
    const admission = this.#admission ??= AbortSignal.any([signal, stopPolicy.unsent]);
    const delivery: JobDelivery = { mayHaveRun: false, isLlama: false };
    let failure: LlamaError | undefined;
    let isCounted = false;
    const flight = this.#mayCopy(planned.job) ? stragglers?.start(planned.line) : undefined;
    counts.waiting--;
    counts.peak = Math.max(counts.peak, ++counts.running);
    try {
      const started = new Date();
      const start = performance.now();
      const attempts = await this.#attempt(planned, { signal, admission, delivery, flight });
      const { result, error } = attempts;
      failure = error;
      this.#hasStarted ||= result !== undefined;
      if (error && this.#isShared(error, planned.job)) {
        // A function that is not llama's: drop the jobs in flight, too.
        if (error.code === "protocol") stopPolicy.endNow(error);
        else stopPolicy.end(error);
        if (delivery.mayHaveRun) counts.failed++;
        isCounted = delivery.mayHaveRun;
        return undefined;
      }
      // All other jobs would lose their outputs, too, and be billed.
      const shared = result?.outputErrors.find(concernsAllJobs);
      if (shared) stopPolicy.end(shared);
      const elapsedMilliseconds = performance.now() - start;
      const { spans } = planned;
      spans?.add("job", start, start + elapsedMilliseconds);
      const record = recordOf(planned, attempts, {
        started: started.toISOString(),
        elapsedMilliseconds,
        log: this.#options.logs ? logOf(attempts) : undefined,
        isLocal: this.#connection.isLocal(),
        flight,
        cache: delivery.cache,
      });
      if (this.#writesDown) await this.#writeDown(record, result, planned.identity);
      this.#count(record);
      isCounted = true;
      const { index, line, job } = planned;
      return {
        index,
        line,
        job,
        record,
        ...(result === undefined ? {} : { result }),
        ...(error === undefined ? {} : { error }),
        ...(spans === undefined ? {} : { spans: spans.all }),
      };
    } catch (error) {
      // The run has ended: the job was not sent, or is dropped.
      if (!inner.aborted && isAbort(error, admission)) return undefined;
      throw error;
    } finally {
      counts.running--;
      if (flight) stragglers?.end(flight);
      if (!isCounted && delivery.mayHaveRun) counts.dropped++;
      else if (!isCounted) counts.waiting++;
      trial.jobEnded(
        delivery.isLlama ? "llama" : delivery.mayHaveRun ? "failed" : "not-run",
        failure,
      );
    }
  };

  /** Reports whether a job may be copied: its copies must not replace each other's objects. */
  #mayCopy(job: Job | undefined): boolean {
    return this.#options.noClobber === true ||
      job?.outputs.some(({ local }) => isS3Url(local)) !== true;
  }

  /** Returns the signal of all jobs. Aborting the run also ends the look-up of its function. */
  #open(inner: AbortSignal): AbortSignal {
    const { stopPolicy, trial } = this.#state;
    inner.addEventListener("abort", () => trial[Symbol.dispose](), { once: true });
    return AbortSignal.any([inner, stopPolicy.now]);
  }

  /** Reports whether a failure would affect all other jobs. */
  #isShared(error: LlamaError, job: Job | undefined): boolean {
    if (concernsAllJobs(error)) return true;
    if (!(error instanceof FunctionError) || this.#hasStarted) return false;
    const [program] = this.#state.planner.templates.variesFirst ? job?.args ?? [] : [];
    return failsAtStart(error, program);
  }

  async #attempt(
    { job, error, spans, index, line }: PlannedJob,
    { signal, admission, delivery, flight }: {
      signal: AbortSignal;
      admission: AbortSignal;
      delivery: JobDelivery;
      flight: Flight | undefined;
    },
  ): Promise<Attempts> {
    if (job === undefined || error !== undefined) {
      const transfer = { sentBytes: 0, receivedBytes: 0 };
      return { count: 0, result: undefined, error, transfer, cost: undefined };
    }
    const { logs, maxDollars, timeoutSeconds, noClobber, retries = 0, retryOn = "all" } =
      this.#options;
    const { live } = this.#options;
    return await attemptJob(job, {
      run: this.#connection.run,
      runOptions: {
        logs: logs || maxDollars !== undefined,
        ...{ timeoutSeconds, noClobber, signal, admission, spans, delivery, flight },
        live: live && (() => live({ index, line })),
      },
      retries,
      retryOn,
      isShared: (error) => this.#isShared(error, job),
      meter: () => this.#meter ??= this.#openMeter(),
      noMore: this.#state.stopPolicy.soon,
    });
  }

  async #openMeter(): Promise<CostMeter> {
    const { prices = defaultPrices } = this.#options;
    return new CostMeter(pricesOf(prices, await this.#connection.region()));
  }

  get #writesDown(): boolean {
    const { log, results } = this.#state;
    return log !== undefined || results !== undefined || this.#options.onRecord !== undefined;
  }

  /** Writes results before the log, so that a logged job's results are complete. */
  async #writeDown(
    record: JobRecord,
    result: JobResult | undefined,
    identity: Identity | undefined,
  ): Promise<void> {
    const { log, results, stopPolicy } = this.#state;
    try {
      await results?.write(record, {
        stdout: result?.stdoutFile ?? result?.stdout ?? nothing,
        stderr: result?.stderrFile ?? result?.stderr ?? nothing,
      });
      if (log !== undefined) await log.append(record, await this.#host(record), identity);
      if (identity !== undefined) await this.#options.onRecord?.(record, formatIdentity(identity));
    } catch (error) {
      stopPolicy.end(error);
    }
  }

  /** Returns the log's `Host`: like GNU parallel, `:` for this machine; `cache` for a kept result. */
  async #host({ attempts, cache }: JobRecord): Promise<string> {
    if (cache?.state === "hit") return "cache";
    const { isLocal, region } = this.#connection;
    return isLocal() || attempts === 0 ? ":" : await region();
  }

  #count({ ok, attempts, sentBytes, receivedBytes, cost, cache }: JobRecord): void {
    const { counts, stopPolicy } = this.#state;
    if (ok) counts.done++;
    else counts.failed++;
    counts.bytesSent += sentBytes;
    counts.bytesReceived += receivedBytes;
    counts.dollars += cost?.dollars ?? 0;
    if (cache?.state === "hit") {
      counts.kept++;
      counts.savedMilliseconds += cache.savedMilliseconds ?? 0;
      counts.savedDollars += cache.savedDollars ?? 0;
    }
    // Without the function's memory the cost is unknown, and the sum is too low.
    counts.isEstimate ||= cost?.isEstimate ?? attempts > 0;
    stopPolicy.jobEnded();
  }
}

/** Returns the number of jobs whose input was read. */
function sumOf({ done, failed, running, dropped, waiting }: RunCounts): number {
  return done + failed + running + dropped + waiting;
}

function cannotCopy(): LlamaError {
  return new LlamaError(
    "usage",
    "a job that writes to S3 cannot be copied: its copies would write the same objects",
    { hint: "omit -stragglers, or add -no-clobber, with which the first copy's objects stay" },
  );
}
