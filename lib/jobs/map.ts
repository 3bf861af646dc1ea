/**
 * Runs one job per line, many at once.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { poolMap } from "../async/pool_map.ts";
import { Semaphore } from "../async/semaphore.ts";
import { CostMeter } from "../cost/cost.ts";
import { defaultPrices, pricesOf, type PriceTable } from "../cost/prices.ts";
import { FunctionError, isAbort, LlamaError } from "../errors.ts";
import { attemptJob, type Attempts, logOf } from "./attempts.ts";
import { newCounts, type RunCounts } from "./counts.ts";
import type { ListedObject } from "../store/s3_files.ts";
import type { Identity, Job, JobResult, PlannedJob } from "./job.ts";
import { columnsOf, type JobInput, jobInputs, type Line } from "./job_input.ts";
import { formatIdentity } from "./log/identity.ts";
import type { LiveSinks } from "./live_job.ts";
import { ExistingOutputs } from "./existing_outputs.ts";
import { JobLog } from "./log/job_log.ts";
import type { JobLogTarget } from "./log/job_log_line.ts";
import { LoggedJobs, type Notice } from "./log/logged_jobs.ts";
import { Planner } from "./plan.ts";
import { concernsAllJobs, failsAtStart, type Halt, type RetryOn, StopPolicy } from "./policy.ts";
import { type JobRecord, recordOf } from "./record.ts";
import { Results } from "./results.ts";
import type { JobDelivery, RunJobOptions } from "./run.ts";
import { sameJobs } from "./same_jobs.ts";
import { readAhead } from "./sources.ts";
import { type Flight, stragglerRules, Stragglers } from "./stragglers.ts";
import { Trial } from "./trial.ts";
import { type Span, Spans } from "../spans.ts";
import { isS3Url } from "../store/s3_url.ts";

/** Options for a run of many jobs. */
export interface MapJobsOptions {
  /** The maximum number of concurrent jobs. @default {100} */
  readonly concurrency?: number | undefined;
  /**
   * The number of lines per job: `.Lines`, or `.Line`, joined by line feeds.
   * @default {one, as `.Line`}
   */
  readonly linesPerJob?: number | undefined;
  /**
   * The text between the columns of a line: `.Columns`, or `.Col 1` for the first.
   * @default {a line is one column}
   */
  readonly columnSeparator?: string | undefined;
  /** The number of jobs whose lines are read ahead. @default {0} */
  readonly readAhead?: number | undefined;
  /** Whether to ask for the function's logs. @default {false} */
  readonly logs?: boolean | undefined;
  /** Seconds after which the runtime ends a command, in each attempt. @default {none} */
  readonly timeoutSeconds?: number | undefined;
  /** Whether a job fails rather than replace an output. @default {false} */
  readonly noClobber?: boolean | undefined;
  /** Whether jobs are skipped whose outputs exist. @default {false} */
  readonly skipExisting?: boolean | undefined;
  /** The maximum number of retries of a failed job. @default {0} */
  readonly retries?: number | undefined;
  /** Which failures to retry. @default {"all"} */
  readonly retryOn?: RetryOn | undefined;
  /**
   * The maximum number of copies of a straggler: while places are free at the end of a run, the request
   * of a job that takes much longer than the others is sent again, and the first answer counts. A
   * command may therefore run several times at once. @default {2 for a pure function, otherwise 0}
   */
  readonly stragglers?: number | undefined;
  /** When failed jobs end the run. @default {never} */
  readonly halt?: Halt | undefined;
  /**
   * The cost in US dollars after which no more jobs are started; those in flight still add to it. Logs
   * are requested, since they state what Lambda bills. @default {no limit}
   */
  readonly maxDollars?: number | undefined;
  /** The prices. @default {the built-in table} */
  readonly prices?: PriceTable | undefined;
  /** A directory for `SEQ/stdout`, `stderr` and `status.json` of each job. @default {none} */
  readonly results?: string | undefined;
  /**
   * A file for one line per job, with the columns of GNU parallel's `--joblog`; or a function that
   * writes such lines. @default {none}
   */
  readonly jobLog?: JobLogTarget | undefined;
  /**
   * Resumes the run that wrote `jobLog`, or `resumeFrom`: skips the jobs in it (`"ended"`), or those
   * of them that succeeded (`"succeeded"`). @default {a new run}
   */
  readonly resume?: "ended" | "succeeded" | undefined;
  /** The job log of the run that `resume` resumes. @default {jobLog} */
  readonly resumeFrom?: string | undefined;
  /** The flag that would resume this run, for hints. @default {`-resume`, if `jobLog` is a file} */
  readonly resumeWith?: string | undefined;
  /**
   * Called when a job has ended, before its outcome is yielded, with its record and its identity in
   * job logs: 24 hexadecimal digits. An error ends the run.
   */
  readonly onRecord?: ((record: JobRecord, identity: string) => Promise<void> | void) | undefined;
  /** Whether to measure the spans of each job. @default {false} */
  readonly spans?: boolean | undefined;
  /**
   * Called before each attempt; returns where the command's output goes while it runs.
   * @default {the output is in the outcome}
   */
  readonly live?: ((job: { index: number; line: string }) => LiveSinks) | undefined;
  /** Called with the number, from 0, of each skipped job. */
  readonly onSkip?: ((index: number) => void) | undefined;
  /** Updated while the run goes on. */
  readonly counts?: RunCounts | undefined;
  /** Abort it to start no more jobs and wait for those in flight. */
  readonly stop?: AbortSignal | undefined;
  /** Cancels the run at once. */
  readonly signal?: AbortSignal | undefined;
}

/** The outcome of one job of a run: a result or an error. */
export interface JobOutcome {
  /** The job's number, from 0. */
  readonly index: number;
  /** The line; several are joined by line feeds. */
  readonly line: string;
  /** The job; absent if a template failed on this line. */
  readonly job: Job | undefined;
  /** The job's record. */
  readonly record: JobRecord;
  /** The result, whatever the command's exit status. */
  readonly result?: JobResult;
  /** The reason why there is no result. */
  readonly error?: LlamaError;
  /** The job's spans, if measured. */
  readonly spans?: readonly Span[];
}

/** What a run needs from its connection. */
export interface MapConnection {
  /** Sends the shared files; called once, when everything else is ready. */
  readonly prepare: () => Promise<void>;
  /** Returns the hash of the shared files, for a job log; called once, after `prepare`. */
  readonly hashShared: () => Promise<number>;
  /** Lists the objects in S3 whose URLs begin with one. */
  readonly list: (url: string) => AsyncIterable<readonly ListedObject[]>;
  /** Runs a job once. */
  readonly run: (job: Job, options: RunJobOptions) => Promise<JobResult>;
  /** Returns the region, for prices; called after a job was sent. */
  readonly region: () => Promise<string>;
  /** Reports whether the function may run twice and is pure, as far as is known yet. */
  readonly isPure: () => boolean;
  /** Reports whether the functions run on this machine, as far as is known yet. */
  readonly isLocal: () => boolean;
  /** Reports whether Lambda would accept another call at once, as far as is known. */
  readonly hasRoom: () => boolean;
  /** Reports whether the function is known to be llama's; may ask Lambda. */
  readonly isLlama: (signal: AbortSignal) => Promise<boolean>;
  /** Tells the user what happened, and what to do. */
  readonly notice: Notice;
}

/** The number of skipped jobs after which the event loop gets a turn. */
const skipsPerTurn = 1000;

/** The maximum number of copies of a straggler, if the function is pure. */
const pureCopies = 2;

/** The maximum number of characters to read ahead. */
const readAheadSize = 1024 * 1024;

/**
 * Runs a job for each line.
 *
 * @param functionName A function's name, `NAME:ALIAS` or ARN.
 * @returns The outcomes, in the order in which the jobs ended.
 * @throws {LlamaError} As {@linkcode Llama.map}.
 */
export async function* mapJobs(
  connection: MapConnection,
  functionName: string,
  templates: readonly string[],
  lines: Iterable<Line> | AsyncIterable<Line>,
  options: MapJobsOptions,
): AsyncGenerator<JobOutcome, void, undefined> {
  const { concurrency = 100, linesPerJob, retries = 0, stragglers } = options;
  const { jobLog, resume, signal } = options;
  atLeast(1, concurrency, "concurrency");
  if (linesPerJob !== undefined) atLeast(1, linesPerJob, "linesPerJob");
  atLeast(0, retries, "retries");
  if (stragglers !== undefined) atLeast(0, stragglers, "stragglers");
  const planner = new Planner({ functionName, templates });
  const { resumeFrom = jobLog, onRecord } = options;
  const logged = resumeFrom === undefined || resume === undefined
    ? undefined
    : await LoggedJobs.read(resumeFrom, { onNotice: connection.notice, signal });
  const repeatFailed = resume === "succeeded";
  using results = options.results === undefined ? undefined : await Results.open(
    options.results,
    (seq) => logged?.isKept(seq, repeatFailed) ?? false,
  );
  await connection.prepare();
  if (jobLog !== undefined || logged !== undefined || onRecord !== undefined) {
    planner.useLog({
      shared: await connection.hashShared(),
      logged,
      repeatFailed,
      path: typeof jobLog === "string" ? jobLog : undefined,
    });
  }
  using log = jobLog === undefined ? undefined : await JobLog.open(jobLog, {
    logged: resumeFrom === jobLog ? logged : undefined,
    signal,
  });
  if (resume === undefined) await results?.begin();
  const counts = options.counts ?? newCounts();
  using stopPolicy = new StopPolicy(counts, {
    ...options,
    resumeWith: options.resumeWith ?? (log?.path === undefined ? undefined : "-resume"),
  });
  using trial = new Trial({
    functionName,
    lookUp: connection.isLlama,
    notice: connection.notice,
  });
  const places = new Semaphore(concurrency);
  using looks = new DisposableStack();
  let copied: Stragglers | undefined;
  const stragglersNow = () => {
    if (copied !== undefined) return copied;
    // That a function is pure may become known during the run.
    const maxCopies = stragglers ?? (connection.isPure() ? pureCopies : 0);
    if (maxCopies === 0) return undefined;
    copied = new Stragglers({
      maxCopies,
      mayCopy: () => !stopPolicy.soon.aborted && !signal?.aborted && connection.hasRoom(),
      takePlace: () => places.tryAcquire(),
    });
    looks.use(lookAt(copied, counts));
    return copied;
  };
  const state = { counts, stopPolicy, trial, planner, log, results, stragglersNow };
  const run = new Run(connection, options, state);
  const jobs = run.plan(jobInputs(lines, options), templates);
  try {
    for await (const outcome of poolMap(jobs, places, run.work, signal)) {
      if (outcome !== undefined) yield outcome;
    }
  } finally {
    if (signal?.aborted) counts.isEnding = true;
  }
  if (stopPolicy.error !== undefined) throw stopPolicy.error;
  if (!options.stop?.aborted) await results?.end();
}

function cannotCopy(): LlamaError {
  return new LlamaError(
    "usage",
    "a job that writes to S3 cannot be copied: its copies would write the same objects",
    { hint: "omit -stragglers, or add -no-clobber, with which the first copy's objects stay" },
  );
}

/** Looks for stragglers from time to time, until it is disposed of. */
function lookAt(stragglers: Stragglers, counts: RunCounts): Disposable {
  const timer = setInterval(() => {
    counts.straggler = stragglers.look();
    counts.copies = stragglers.copies;
  }, stragglerRules.everyMilliseconds);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      counts.straggler = undefined;
      counts.copies = stragglers.copies;
    },
  };
}

/** Returns the number of jobs whose input was read. */
function sumOf({ done, failed, running, dropped, waiting }: RunCounts): number {
  return done + failed + running + dropped + waiting;
}

function atLeast(least: 0 | 1, value: number, name: string): void {
  if (Number.isInteger(value) && value >= least) return;
  const kind = least === 1 ? "a positive integer" : "a non-negative integer";
  throw new LlamaError("usage", `${name} must be ${kind}, not ${value}`);
}

const nothing = new Uint8Array();

/** The state that the parts of a run share. */
interface RunState {
  readonly counts: RunCounts;
  readonly stopPolicy: StopPolicy;
  readonly trial: Trial;
  readonly planner: Planner;
  readonly log: JobLog | undefined;
  readonly results: Results | undefined;
  /** Returns what looks for stragglers, if the run copies them. */
  readonly stragglersNow: () => Stragglers | undefined;
}

class Run {
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
