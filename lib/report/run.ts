/**
 * The input of a report.
 *
 * @module
 */

import type { EarlyEnd } from "../jobs/early_end.ts";
import { type FailureKind, FailureKinds } from "../jobs/failure_kinds.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { Span } from "../spans.ts";

/** The part of a job that reports show. */
export interface RunJob {
  /** Its record, without long values. */
  readonly record: JobRecord;
  /** Its spans, if they were measured. */
  readonly spans?: readonly Span[] | undefined;
  /** The end of the command's standard error. */
  readonly stderrEnd: string;
  /** If it failed: the number of its kind of failure. */
  readonly kind?: number | undefined;
  /** If it failed: its input line, if it was kept. */
  readonly failedLine?: string | undefined;
}

/** A run that has ended. */
export interface Run {
  /** The command line, or the name of the log. */
  readonly title: string;
  /** Its jobs, in any order. */
  readonly jobs: readonly RunJob[];
  /** The flags of the command line, before and after the subcommand. */
  readonly flags?: readonly string[] | undefined;
  /** The region of the functions. */
  readonly region?: string | undefined;
  /** The function's architecture, such as `arm64`. */
  readonly architecture?: string | undefined;
  /** Whether its lines end in NUL. */
  readonly hasNulLines?: boolean | undefined;
  /** Whether the commands of its jobs are known. @default {true} */
  readonly hasCommands?: boolean | undefined;
  /** The kinds of failure, most frequent first. */
  readonly failures?: readonly FailureKind[] | undefined;
  /** Its duration in seconds; by default from the first job's start to the last job's end. */
  readonly seconds?: number | undefined;
  /** The cost of its S3 requests, in US dollars. */
  readonly s3Dollars?: number | undefined;
  /** Whether the functions ran on this machine, at no cost. */
  readonly isLocal?: boolean | undefined;
  /** The date of the prices, `YYYY-MM-DD`. */
  readonly pricesDate?: string | undefined;
  /** The subcommand, if known. */
  readonly subcommand?: "invoke" | "xargs" | undefined;
  /** The flag that resumes it: by its job log, or as the last run. */
  readonly resumeWith?: string | undefined;
  /** The maximum number of jobs running at once; by default computed from their times. */
  readonly peak?: number | undefined;
  /** The progress of a run that ended before processing all its input. */
  readonly earlyEnd?: EarlyEnd | undefined;
}

/** The maximum length of a command that is kept, in characters. */
const maxCommandLength = 1000;

/** The maximum size of the standard error that is kept per job, in bytes. */
const tailBytes = 2048;

/** The numbers of failed and of slow jobs whose standard error is kept. */
const [maxFailed, maxSlow] = [200, 20];

/** The maximum number of characters of failed jobs' lines that are kept. */
const maxLineCharacters = 4 * 1024 * 1024;

/** Collects a run's jobs for a report, using little memory per job. */
export class RunJobs {
  readonly #jobs: RunJob[] = [];
  readonly #failures = new FailureKinds();
  #failed = 0;
  #lineCharacters = 0;
  /** The slow jobs whose standard error is kept, slowest first. */
  #slow: { stderrEnd: string; record: JobRecord }[] = [];

  /** The jobs so far. */
  get all(): readonly RunJob[] {
    return this.#jobs;
  }

  /** The kinds of failure so far, most frequent first. */
  get failures(): readonly FailureKind[] {
    return this.#failures.all;
  }

  /**
   * Adds a job.
   *
   * @param record Its record.
   * @param spans Its spans, if they were measured.
   * @param stderr The command's standard error.
   */
  add(record: JobRecord, spans: readonly Span[] | undefined, stderr: Uint8Array | undefined): void {
    const job = {
      record: trimmed(record),
      spans,
      stderrEnd: tailOf(stderr),
      ...(record.ok ? {} : this.#failureOf(record, stderr)),
    };
    this.#jobs.push(job);
    if (job.stderrEnd === "") return;
    if (!record.ok && this.#failed++ < maxFailed) return;
    this.#slow.push(job);
    this.#slow.sort((a, b) => b.record.elapsedMilliseconds - a.record.elapsedMilliseconds);
    for (const quick of this.#slow.splice(maxSlow)) quick.stderrEnd = "";
  }

  #failureOf(
    record: JobRecord,
    stderr: Uint8Array | undefined,
  ): Pick<RunJob, "kind" | "failedLine"> {
    const { id: kind } = this.#failures.add(record, stderr);
    const { line } = record;
    if (line === "" || this.#lineCharacters + line.length > maxLineCharacters) return { kind };
    this.#lineCharacters += line.length;
    return { kind, failedLine: line };
  }
}

/** Drops long values. Most records have none and are returned as they are. */
function trimmed(record: JobRecord): JobRecord {
  const { command, line, log, outputs } = record;
  const isShort = command.length <= maxCommandLength && line.length <= maxCommandLength;
  const output = record.stdout ?? record.stdoutBase64 ?? record.stderr ?? record.stderrBase64;
  if (isShort && log === undefined && outputs.length <= 1 && output === undefined) return record;
  const { stdout: _, stdoutBase64: _1, stderr: _2, stderrBase64: _3, ...rest } = record;
  const cut = `${command.slice(0, maxCommandLength).toWellFormed()}...`;
  return {
    ...rest,
    command: command.length <= maxCommandLength ? command : cut,
    line: "",
    log: undefined,
    outputs: [],
  };
}

/** Returns the end of the text, starting at a whole character. */
function tailOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length === 0) return "";
  if (bytes.length <= tailBytes) return decoder.decode(bytes);
  let start = bytes.length - tailBytes;
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return `...${decoder.decode(bytes.subarray(start))}`;
}

const decoder = new TextDecoder();
