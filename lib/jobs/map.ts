/**
 * One job a line, many at once.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { poolMap } from "../async/concurrency.ts";
import { CostMeter } from "../cost/cost.ts";
import { defaultPrices, pricesOf, type PriceTable } from "../cost/prices.ts";
import { FunctionError, isAbort, LlamaError } from "../errors.ts";
import { attemptJob, type Attempts, logOf } from "./attempts.ts";
import { newCounts, type RunCounts } from "./counts.ts";
import type { Identity, Job, JobResult, PlannedJob } from "./job.ts";
import { JobLog } from "./log/job_log.ts";
import type { JobLogTarget } from "./log/job_log_line.ts";
import { LoggedJobs, type Notice } from "./log/logged_jobs.ts";
import { Planner } from "./plan.ts";
import { concernsAllJobs, failsAtStart, type Halt, type RetryOn, StopPolicy } from "./policy.ts";
import { type JobRecord, recordOf } from "./record.ts";
import { Results } from "./results.ts";
import type { JobDelivery, RunJobOptions } from "./run.ts";
import { sameJobs } from "./same_jobs.ts";
import { chunked, readAhead } from "./sources.ts";
import { Trial } from "./trial.ts";
import { type Span, Spans } from "../spans.ts";

/** How the jobs of a run are made, run and written down. */
export interface MapJobsOptions {
  /** The most jobs at once. @default {100} */
  readonly concurrency?: number | undefined;
  /**
   * How many lines a job gets: `.Lines`, and joined by line feeds `.Line`. @default {one, as `.Line`}
   */
  readonly linesPerJob?: number | undefined;
  /** How many jobs' lines are read before there is room for them. @default {0} */
  readonly readAhead?: number | undefined;
  /** Ask for the functions' logs. @default {false} */
  readonly logs?: boolean | undefined;
  /** Seconds after which the runtime ends a command; each attempt has as many. @default {none} */
  readonly timeoutSeconds?: number | undefined;
  /** How often a job that failed is repeated, at most. @default {0} */
  readonly retries?: number | undefined;
  /** Which failures are worth a repeat. @default {"all"} */
  readonly retryOn?: RetryOn | undefined;
  /** When the run ends for what became of its jobs. @default {never} */
  readonly halt?: Halt | undefined;
  /**
   * No more jobs are started once the run has cost so many US dollars; those in flight still add to
   * it. Logs are asked for, since in them Lambda says what it bills. @default {no limit}
   */
  readonly maxDollars?: number | undefined;
  /** What things cost. @default {the table that is built in} */
  readonly prices?: PriceTable | undefined;
  /** A directory that gets `SEQ/stdout`, `stderr` and `status.json` of each job. @default {none} */
  readonly results?: string | undefined;
  /**
   * A file that gets one line per job, in the columns of GNU parallel's `--joblog`; or what writes
   * such lines. @default {none}
   */
  readonly jobLog?: JobLogTarget | undefined;
  /**
   * Goes on with the run that wrote `jobLog`: skips the jobs that it has (`"ended"`), or those of
   * them that succeeded (`"succeeded"`). @default {starts anew}
   */
  readonly resume?: "ended" | "succeeded" | undefined;
  /** Measure where each job's time goes. @default {false} */
  readonly spans?: boolean | undefined;
  /** Gets the number, from 0, of each job that is skipped. */
  readonly onSkip?: ((index: number) => void) | undefined;
  /** Is kept up to date while the run goes on. */
  readonly counts?: RunCounts | undefined;
  /** Aborted when no more jobs shall be started; those in flight are waited for. */
  readonly stop?: AbortSignal | undefined;
  /** Ends the run at once. */
  readonly signal?: AbortSignal | undefined;
}

/** What came of one job of a run: a result, or the error that kept it from one. */
export interface JobOutcome {
  /** The job's number, from 0. */
  readonly index: number;
  /** The line; several are joined by line feeds. */
  readonly line: string;
  /** What was run; absent if a template failed on this line. */
  readonly job: Job | undefined;
  /** What is written down of it. */
  readonly record: JobRecord;
  /** What came of it, however the command ended. */
  readonly result?: JobResult;
  /** Why there is no result. */
  readonly error?: LlamaError;
  /** Where its time went, if that was measured. */
  readonly spans?: readonly Span[];
}

/** What a run needs of the connection that it goes over. */
export interface MapConnection {
  /** Sends what all jobs share; called once, when all else is in order. */
  readonly prepare: () => Promise<void>;
  /** Returns the hash of what all jobs share, for a job log; called once, after `prepare`. */
  readonly hashShared: () => Promise<number>;
  /** Runs a job once. */
  readonly run: (job: Job, options: RunJobOptions) => Promise<JobResult>;
  /** The region, for its prices; asked for once a job was sent. */
  readonly region: () => Promise<string>;
  /** Whether the functions run on this machine, as far as it is known yet. */
  readonly isLocal: () => boolean;
  /** Whether the function is known to be llama's, if need be by the service's word. */
  readonly isLlama: (signal: AbortSignal) => Promise<boolean>;
  /** Tells a person what happened, and what to do. */
  readonly notice: Notice;
}

/** After how many jobs that are skipped everything else has its turn. */
const skipsPerTurn = 1000;

/** The most characters that are read ahead. */
const readAheadSize = 1024 * 1024;

/**
 * Runs a job for each line.
 *
 * @param connection What runs a job.
 * @param functionName A function's name, `NAME:ALIAS` or ARN.
 * @param templates The arguments.
 * @param lines The lines.
 * @param options How.
 * @returns What came of each, in the order in which they ended.
 * @throws {LlamaError} As {@linkcode Llama.map}.
 */
export async function* mapJobs(
  connection: MapConnection,
  functionName: string,
  templates: readonly string[],
  lines: Iterable<string> | AsyncIterable<string>,
  options: MapJobsOptions,
): AsyncGenerator<JobOutcome, void, undefined> {
  const { concurrency = 100, linesPerJob, retries = 0, jobLog, resume, signal } = options;
  atLeast(1, concurrency, "concurrency");
  if (linesPerJob !== undefined) atLeast(1, linesPerJob, "linesPerJob");
  atLeast(0, retries, "retries");
  const planner = new Planner({ functionName, templates });
  const logged = jobLog === undefined || resume === undefined
    ? undefined
    : await LoggedJobs.read(jobLog, { onNotice: connection.notice, signal });
  const repeatFailed = resume === "succeeded";
  using results = options.results === undefined ? undefined : await Results.open(
    options.results,
    (seq) => logged?.isKept(seq, repeatFailed) ?? false,
  );
  await connection.prepare();
  if (jobLog !== undefined) {
    planner.useLog({ shared: await connection.hashShared(), logged, repeatFailed });
  }
  using log = jobLog === undefined ? undefined : await JobLog.open(jobLog, { logged, signal });
  if (resume === undefined) await results?.begin();
  const counts = options.counts ?? newCounts();
  using stopPolicy = new StopPolicy(counts, { ...options, jobLog: log?.path });
  using trial = new Trial({
    functionName,
    lookUp: connection.isLlama,
    notice: connection.notice,
  });
  const run = new Run(connection, options, { counts, stopPolicy, trial, planner, log, results });
  const inputs = linesPerJob === undefined ? lines : chunked(lines, linesPerJob);
  const jobs = run.plan(inputs, templates);
  try {
    for await (const outcome of poolMap(jobs, concurrency, run.work, signal)) {
      if (outcome !== undefined) yield outcome;
    }
  } finally {
    if (signal?.aborted) counts.isEnding = true;
  }
  if (stopPolicy.error !== undefined) throw stopPolicy.error;
  if (!options.stop?.aborted) await results?.end();
}

/** The number of jobs whose input was read. */
function sumOf({ done, failed, running, dropped, waiting }: RunCounts): number {
  return done + failed + running + dropped + waiting;
}

function atLeast(least: 0 | 1, value: number, name: string): void {
  if (Number.isInteger(value) && value >= least) return;
  const kind = least === 1 ? "a positive integer" : "a non-negative integer";
  throw new LlamaError("usage", `${name} must be ${kind}, not ${value}`);
}

const nothing = new Uint8Array();

/** What the parts of a run share. */
interface RunState {
  readonly counts: RunCounts;
  readonly stopPolicy: StopPolicy;
  readonly trial: Trial;
  readonly planner: Planner;
  readonly log: JobLog | undefined;
  readonly results: Results | undefined;
}

class Run {
  readonly #connection: MapConnection;
  readonly #options: MapJobsOptions;
  readonly #state: RunState;
  #meter: Promise<CostMeter> | undefined;
  #signal: AbortSignal | undefined;
  #admission: AbortSignal | undefined;
  /** Whether a command has run, so that the function can be started. */
  #hasStarted = false;

  constructor(connection: MapConnection, options: MapJobsOptions, state: RunState) {
    this.#connection = connection;
    this.#options = options;
    this.#state = state;
  }

  /** Plans jobs while the run goes on; gives those that are to run. */
  async *plan(
    inputs: Iterable<string> | AsyncIterable<string | readonly string[]>,
    templates: readonly string[],
  ): AsyncGenerator<PlannedJob, void, undefined> {
    const { counts, stopPolicy, trial, planner } = this.#state;
    let planned = 0;
    const ahead = readAhead(this.#undone(inputs, planner), {
      items: this.#options.readAhead ?? 0,
      size: readAheadSize,
      sizeOf: ({ input }) =>
        typeof input === "string"
          ? input.length
          : input.reduce((sum, line) => sum + line.length, 0),
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
        if (++planned === 2 && !planner.templates.usesInput) {
          this.#connection.notice(sameJobs(templates));
        }
        await trial.admit(stopPolicy.soon);
        if (stopPolicy.soon.aborted) return;
        yield spans ? { ...next, spans } : next;
      }
    } catch (error) {
      // What the jobs before it do is not lost.
      stopPolicy.endInput(error);
    }
  }

  /** The inputs of the jobs that the run that is resumed has not done. */
  async *#undone(
    inputs: Iterable<string> | AsyncIterable<string | readonly string[]>,
    planner: Planner,
  ): AsyncGenerator<{ input: string | readonly string[]; index: number }, void, undefined> {
    const { counts, stopPolicy } = this.#state;
    const { onSkip, signal } = this.#options;
    let index = 0;
    for await (const input of inputs) {
      if (planner.isDone(input, index)) {
        onSkip?.(index);
        // Lines that are at hand would keep everything else waiting: the progress, and ctrl-C.
        if (++counts.skipped % skipsPerTurn === 0) await setImmediate();
        if (stopPolicy.soon.aborted || signal?.aborted) return;
      } else yield { input, index };
      index++;
    }
  }

  /** Runs a job and writes down what came of it; undefined if it was dropped. */
  readonly work = async (
    planned: PlannedJob,
    inner: AbortSignal,
  ): Promise<JobOutcome | undefined> => {
    const { counts, stopPolicy, trial } = this.#state;
    // `inner` is the same for all jobs of a run.
    const signal = this.#signal ??= this.#open(inner);
    const admission = this.#admission ??= AbortSignal.any([signal, stopPolicy.unsent]);
    const delivery: JobDelivery = { mayHaveRun: false, isLlama: false };
    let failure: LlamaError | undefined;
    let isCounted = false;
    counts.waiting--;
    counts.peak = Math.max(counts.peak, ++counts.running);
    try {
      const started = new Date();
      const start = performance.now();
      const attempts = await this.#attempt(planned, { signal, admission, delivery });
      const { result, error } = attempts;
      failure = error;
      this.#hasStarted ||= result !== undefined;
      if (error && this.#isShared(error, planned.job)) {
        // Another function does with the jobs in flight what nobody asked for.
        if (error.code === "protocol") stopPolicy.endNow(error);
        else stopPolicy.end(error);
        if (delivery.mayHaveRun) counts.failed++;
        isCounted = delivery.mayHaveRun;
        return undefined;
      }
      // The others' outputs would be lost for the same reason, and billed.
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
      // The run has ended, and the job was not sent or is not waited for.
      if (!inner.aborted && isAbort(error, admission)) return undefined;
      throw error;
    } finally {
      counts.running--;
      if (!isCounted && delivery.mayHaveRun) counts.dropped++;
      else if (!isCounted) counts.waiting++;
      trial.jobEnded(
        delivery.isLlama ? "llama" : delivery.mayHaveRun ? "failed" : "not-run",
        failure,
      );
    }
  };

  /** Makes the signal of all jobs. A run that is left waits for no word on its function. */
  #open(inner: AbortSignal): AbortSignal {
    const { stopPolicy, trial } = this.#state;
    inner.addEventListener("abort", () => trial[Symbol.dispose](), { once: true });
    return AbortSignal.any([inner, stopPolicy.now]);
  }

  /** Whether a failure is not the job's own, so that all others would meet it. */
  #isShared(error: LlamaError, job: Job | undefined): boolean {
    if (concernsAllJobs(error)) return true;
    if (!(error instanceof FunctionError) || this.#hasStarted) return false;
    const [program] = this.#state.planner.templates.variesFirst ? job?.args ?? [] : [];
    return failsAtStart(error, program);
  }

  async #attempt(
    { job, error, spans }: PlannedJob,
    { signal, admission, delivery }: {
      signal: AbortSignal;
      admission: AbortSignal;
      delivery: JobDelivery;
    },
  ): Promise<Attempts> {
    if (job === undefined || error !== undefined) {
      const transfer = { sentBytes: 0, receivedBytes: 0 };
      return { count: 0, result: undefined, error, transfer, cost: undefined };
    }
    const { logs, maxDollars, timeoutSeconds, retries = 0, retryOn = "all" } = this.#options;
    return await attemptJob(job, {
      run: this.#connection.run,
      runOptions: {
        logs: logs || maxDollars !== undefined,
        ...{ timeoutSeconds, signal, admission, spans, delivery },
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
    return this.#state.log !== undefined || this.#state.results !== undefined;
  }

  /** Results first: a job that has a line in the log has all that it was to leave. */
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
    } catch (error) {
      stopPolicy.end(error);
    }
  }

  /** GNU parallel writes `:` for the machine that it runs on. */
  async #host({ attempts }: JobRecord): Promise<string> {
    const { isLocal, region } = this.#connection;
    return isLocal() || attempts === 0 ? ":" : await region();
  }

  #count({ ok, attempts, sentBytes, receivedBytes, cost }: JobRecord): void {
    const { counts, stopPolicy } = this.#state;
    if (ok) counts.done++;
    else counts.failed++;
    counts.bytesSent += sentBytes;
    counts.bytesReceived += receivedBytes;
    counts.dollars += cost?.dollars ?? 0;
    // Without the function's memory the cost is not known, and the sum is less than it.
    counts.isEstimate ||= cost?.isEstimate ?? attempts > 0;
    stopPolicy.jobEnded();
  }
}
