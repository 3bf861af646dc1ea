/**
 * The lines of a journal besides those of jobs: the beginning and the end of a run.
 *
 * A run's file is a job log. A `#run` line follows its header, and another one each time that the run
 * is resumed; an `#end` line is written when the run ends, unless llama is killed. The line of a job
 * has its cost in place of its command, which may hold secrets.
 *
 * @module
 */

import { sha256 } from "../../files/hash.ts";
import { shellQuote } from "../../text/shell_quote.ts";
import { formatJobLogLine, type JobLogEntry } from "../log/job_log_line.ts";
import type { JobRecord } from "../record.ts";
import { earlyEndSchema } from "../early_end.ts";
import * as z from "../../zod.ts";

const count = () => z.number().check(z.int(), z.minimum(0));
const amount = () => z.number().check(z.minimum(0));
const time = () =>
  z.string().check(
    z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    z.refine((text) => !Number.isNaN(Date.parse(text))),
  );

const runSchema = z.onFirstUse(() =>
  z.object({
    /** When it started, in ISO 8601 and UTC. */
    started: time(),
    /** Identifies runs that can resume each other; see {@linkcode runKey}. */
    key: z.string(),
    /** The directory in which llama was started. */
    directory: z.string(),
    /** The function. */
    function: z.string(),
    /** The function and the templates of its arguments, quoted for a shell; cut if it is long. */
    command: z.string(),
    /** The maximum number of concurrent jobs. */
    concurrency: count(),
    /** Whether the functions ran on this machine. */
    isLocal: z.optional(z.boolean()),
    /** The path of the run's job log, if it wrote a regular file. */
    jobLog: z.optional(z.string()),
    /** The version of llama. */
    version: z.string(),
    /** The process that runs it. */
    process: z.object({
      host: z.string(),
      pid: count(),
      start: count(),
      namespace: z.string(),
    }),
  })
);

/** The beginning of a run. */
export type RunBegin = z.infer<ReturnType<typeof runSchema>>;

const endSchema = z.onFirstUse(() =>
  z.object({
    /** How it ended; `complete` even if jobs failed. */
    how: z.string().check(z.regex(/^(complete|interrupted|halted|failed)$/)),
    /** Its duration in seconds. */
    seconds: amount(),
    /** The sum of the jobs' durations, in seconds. */
    jobSeconds: amount(),
    /** The jobs that ended. */
    jobs: count(),
    /** Those of them that failed. */
    failed: count(),
    /** The cost, including requests to S3, in US dollars. */
    dollars: amount(),
    /** Whether the cost includes estimates. */
    isEstimate: z.boolean(),
    /** The cost of requests to S3, in US dollars. */
    s3Dollars: amount(),
    /** Whether these are the figures of a part: of what came after the run was resumed. */
    isPart: z.optional(z.boolean()),
    /** The progress of a run that ended early. */
    early: z.optional(earlyEndSchema()),
  })
);

/** The end of a run, or of a part of a run that was resumed. */
export type RunEnd = z.infer<ReturnType<typeof endSchema>>;

/** How a run ended. */
export type Ending = "complete" | "interrupted" | "halted" | "failed";

/** What identifies the runs that can resume each other. */
export interface RunIdentity {
  /** The directory in which llama was started. */
  readonly directory: string;
  /** The function and the templates of its arguments. */
  readonly command: readonly string[];
  /** The number of lines per job, if set. */
  readonly linesPerJob: number | undefined;
  /** The separator of columns, if set. */
  readonly columnSeparator?: string | undefined;
  /** Whether the functions run on this machine. */
  readonly isLocal: boolean;
}

/** Returns a short hash of what identifies the runs that can resume each other. */
export function runKey(identity: RunIdentity): string {
  const { directory, command, linesPerJob = 0, columnSeparator, isLocal } = identity;
  const parts = [directory, command, linesPerJob, columnSeparator ?? null, isLocal];
  return sha256(JSON.stringify(parts)).slice(0, 24);
}

/** The maximum length of a command, so that the first lines of a file are short. */
const maxCommandLength = 2000;

/** Formats a command as {@linkcode RunBegin} has it. */
export function commandText(command: readonly string[]): string {
  const text = shellQuote(command);
  return text.length <= maxCommandLength
    ? text
    : `${text.slice(0, maxCommandLength).toWellFormed()}...`;
}

const [runMark, endMark] = ["#run ", "#end "];

/** Formats a `#run` line. */
export function formatBegin(begin: RunBegin): string {
  return `${runMark}${JSON.stringify(begin)}\n`;
}

/** Formats an `#end` line. */
export function formatEnd(end: RunEnd): string {
  return `${endMark}${JSON.stringify(end)}\n`;
}

/** Stands for the cost of a job that was sent to a function of unknown memory size. */
export const unknownCost = "?";

/** Formats the line of a job. */
export function formatJob(record: JobRecord, identity: string): string {
  const { cost, isLocal, attempts, cache } = record;
  const dollars = cost === undefined
    ? attempts > 0 ? unknownCost : ""
    : `${cost.isEstimate ? "~" : ""}${Number(cost.dollars.toPrecision(4))}`;
  const host = cache?.state === "hit" ? "cache" : isLocal || attempts === 0 ? ":" : "aws";
  return formatJobLogLine({ ...record, command: dollars }, host, identity);
}

/** Returns the cost of a job in US dollars, and whether it is an estimate; undefined if unknown. */
export function costOf(
  { command }: JobLogEntry,
): { dollars: number; isEstimate: boolean } | undefined {
  const [, tilde, text] = /^(~?)(\d+(?:\.\d+)?(?:e-\d+)?)$/.exec(command) ?? [];
  return text === undefined ? undefined : { dollars: Number(text), isEstimate: tilde === "~" };
}

/**
 * Parses a line that begins with `#`.
 *
 * @returns The beginning or the end of a run; undefined if it is neither, as in a damaged file.
 */
export function parseMark(line: string): { begin: RunBegin } | { end: RunEnd } | undefined {
  const isBegin = line.startsWith(runMark);
  if (!isBegin && !line.startsWith(endMark)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line.slice(runMark.length));
  } catch {
    return undefined;
  }
  if (isBegin) {
    const { data } = runSchema().safeParse(value);
    return data && { begin: data };
  }
  const { data } = endSchema().safeParse(value);
  return data && { end: data };
}
