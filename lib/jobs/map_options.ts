/**
 * Options and outcomes of runs of many jobs.
 *
 * @module
 */

import type { PriceTable } from "../cost/prices.ts";
import type { LlamaError } from "../errors.ts";
import type { RunCounts } from "./counts.ts";
import type { ListedObject } from "../store/s3_files.ts";
import type { Job, JobResult } from "./job.ts";
import type { LiveSinks } from "./live_job.ts";
import type { JobLogTarget } from "./log/job_log_line.ts";
import type { Notice } from "./log/logged_jobs.ts";
import type { Halt, RetryOn } from "./policy.ts";
import type { JobRecord } from "./record.ts";
import type { RunJobOptions } from "./run_options.ts";
import type { Span } from "../spans.ts";

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
