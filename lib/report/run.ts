/**
 * What a report is made of.
 *
 * @module
 */

import type { EarlyEnd } from "../jobs/early_end.ts";
import { type FailureKind, FailureKinds } from "../jobs/failure_kinds.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { Span } from "../trace/spans.ts";

/** A job, as much of it as is looked back at. */
export interface RunJob {
  /** Its record, without what is long in it. */
  readonly record: JobRecord;
  /** Where its time went, if that was measured. */
  readonly spans?: readonly Span[] | undefined;
  /** The end of what the command wrote to standard error. */
  readonly stderrEnd: string;
}

/** A run that has ended. */
export interface Run {
  /** What ran: a command line, or a file's name. */
  readonly title: string;
  /** Its jobs, in any order. */
  readonly jobs: readonly RunJob[];
  /** Its failures, the most frequent kind first. */
  readonly failures?: readonly FailureKind[] | undefined;
  /** How long it took, in seconds; that of its jobs if absent. */
  readonly seconds?: number | undefined;
  /** What its requests to S3 cost, in US dollars. */
  readonly s3Dollars?: number | undefined;
  /** Whether the functions ran on this machine, so that nothing was paid. */
  readonly isLocal?: boolean | undefined;
  /** When the prices were looked up, `YYYY-MM-DD`. */
  readonly pricesDate?: string | undefined;
  /** The subcommand that ran it, if that is known. */
  readonly subcommand?: "invoke" | "xargs" | undefined;
  /** Whether it wrote a job log, by which it can be resumed. */
  readonly hasJobLog?: boolean | undefined;
  /** The most jobs that were running at once; worked out from their times if absent. */
  readonly peak?: number | undefined;
  /** How far it came, if it ended before its input. */
  readonly earlyEnd?: EarlyEnd | undefined;
}

/** The longest command that is kept, in characters. */
const longestCommand = 1000;

/** How much of standard error is kept of a job, in bytes. */
const tailBytes = 2048;

/** How many failed jobs' standard error is kept, and how many slow ones'. */
const [mostFailed, mostSlow] = [200, 20];

/** Keeps what is needed of a run's jobs while it goes on: little a job, however much they wrote. */
export class RunJobs {
  readonly #jobs: RunJob[] = [];
  readonly #failures = new FailureKinds();
  #failed = 0;
  /** Those whose standard error is kept for their time, the slowest first. */
  #slow: { stderrEnd: string; record: JobRecord }[] = [];

  /** The jobs so far. */
  get all(): readonly RunJob[] {
    return this.#jobs;
  }

  /** What went wrong so far, the most frequent kind first. */
  get failures(): readonly FailureKind[] {
    return this.#failures.all;
  }

  /**
   * Adds a job.
   *
   * @param record Its record.
   * @param spans Where its time went.
   * @param stderr What the command wrote to standard error.
   */
  add(record: JobRecord, spans: readonly Span[] | undefined, stderr: Uint8Array | undefined): void {
    const job = { record: trimmed(record), spans, stderrEnd: tailOf(stderr) };
    this.#jobs.push(job);
    if (!record.ok) this.#failures.add(record, stderr);
    if (job.stderrEnd === "") return;
    if (!record.ok && this.#failed++ < mostFailed) return;
    this.#slow.push(job);
    this.#slow.sort((a, b) => b.record.elapsedMilliseconds - a.record.elapsedMilliseconds);
    for (const quick of this.#slow.splice(mostSlow)) quick.stderrEnd = "";
  }
}

/** The same record where there is little to leave out: most have no more. */
function trimmed(record: JobRecord): JobRecord {
  const { command, line, log, outputs } = record;
  const isShort = command.length <= longestCommand && line.length <= longestCommand;
  const output = record.stdout ?? record.stdoutBase64 ?? record.stderr ?? record.stderrBase64;
  if (isShort && log === undefined && outputs.length <= 1 && output === undefined) return record;
  const { stdout: _, stdoutBase64: _1, stderr: _2, stderrBase64: _3, ...rest } = record;
  const cut = `${command.slice(0, longestCommand).toWellFormed()}...`;
  return {
    ...rest,
    command: command.length <= longestCommand ? command : cut,
    line: "",
    log: undefined,
    outputs: [],
  };
}

/** A character that was cut in two at the beginning is left out. */
function tailOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length === 0) return "";
  if (bytes.length <= tailBytes) return decoder.decode(bytes);
  let start = bytes.length - tailBytes;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return `...${decoder.decode(bytes.subarray(start))}`;
}

const decoder = new TextDecoder();
