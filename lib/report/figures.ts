/**
 * The figures of a run.
 *
 * @module
 */

import type { JobRecord } from "../jobs/record.ts";
import { shortestWay } from "../trace/placed.ts";
import { lanesOf } from "../trace/lanes.ts";
import { type PhaseName, phases, type Piece, piecesOf } from "./phases.ts";
import type { Run, RunJob } from "./run.ts";

/** A job on the run's clock. */
export interface PlacedJob extends RunJob {
  /** When it began, in milliseconds from the begin of the first job. */
  readonly start: number;
  /** When it ended. */
  readonly end: number;
  /** What its time is divided into. */
  readonly pieces: readonly Piece[];
  /** Which of the places for jobs at once it had, from 0. */
  readonly slot: number;
}

/** What a run comes to; times are in milliseconds. */
export interface Figures {
  /** The jobs, in the order in which they began. */
  readonly jobs: readonly PlacedJob[];
  /** When the first began, in milliseconds since 1970; not a number without jobs. */
  readonly started: number;
  /** How many failed. */
  readonly failed: number;
  /** How often jobs were sent again. */
  readonly repeats: number;
  /** How often Lambda had no room for one. */
  readonly throttled: number;
  /** How many started an execution environment. */
  readonly coldStarts: number;
  /** How many say whether they did. */
  readonly tellCold: number;
  /** How long the run took. */
  readonly wall: number;
  /** From the begin of the first job to the end of the last. */
  readonly span: number;
  /** How long all jobs took together. */
  readonly elapsed: number;
  /** How long the runtime was at work for all of them; 0 if it does not say. */
  readonly remote: number;
  /** The most jobs at once. */
  readonly peak: number;
  /** How long jobs took, in order. */
  readonly sorted: readonly number[];
  /** How much of the jobs' time each phase took. */
  readonly sums: ReadonlyMap<PhaseName, number>;
  /** What the jobs cost, in US dollars. */
  readonly dollars: number;
  /** Whether some of that is an estimate. */
  readonly isEstimate: boolean;
  /** How many jobs were sent whose cost is not known. */
  readonly withoutCost: number;
  /** What Lambda bills. */
  readonly billed: number;
  /** Bytes sent. */
  readonly sentBytes: number;
  /** Bytes received. */
  readonly receivedBytes: number;
  /** The function's memory in MB; undefined if it is not known. */
  readonly functionMemory: number | undefined;
  /** The most memory that a job used, in MB; undefined if it is not known. */
  readonly usedMemory: number | undefined;
}

/**
 * Works a run's figures out.
 *
 * @param run The run.
 * @returns Its figures.
 */
export function figuresOf(run: Run): Figures {
  const way = shortestWay(run.jobs.map(({ spans = [] }) => spans));
  const begun = run.jobs.map((job) => ({ job, begin: beginOf(job) }))
    .sort((a, b) => a.begin - b.begin);
  const started = begun[0]?.begin ?? NaN;
  const timed = begun.map(({ job, begin }) => {
    const start = begin - started;
    const { record, spans } = job;
    const pieces = piecesOf(record, spans, way);
    return { ...job, start, end: start + record.elapsedMilliseconds, pieces };
  });
  const slots = lanesOf(timed);
  const jobs = timed.map((job, index): PlacedJob => ({ ...job, slot: slots[index] ?? 0 }));
  const records = jobs.map(({ record }) => record);
  const sum = (of: (record: JobRecord) => number) =>
    records.reduce((total, record) => total + of(record), 0);
  const span = jobs.reduce((latest, { end }) => Math.max(latest, end), 0);
  const sums = new Map<PhaseName, number>(phases.map(({ label }) => [label, 0]));
  for (const { pieces } of jobs) {
    for (const [phase, time] of pieces) sums.set(phase, (sums.get(phase) ?? 0) + time);
  }
  return {
    jobs,
    started,
    failed: records.filter(({ ok }) => !ok).length,
    repeats: sum(({ attempts }) => Math.max(attempts - 1, 0)),
    throttled: jobs.reduce((total, { spans = [] }) => total + throttledIn(spans), 0),
    coldStarts: records.filter(({ times }) => times?.cold).length,
    tellCold: records.filter(({ times }) => times !== undefined).length,
    wall: run.seconds === undefined ? span : run.seconds * 1000,
    span,
    elapsed: sum(({ elapsedMilliseconds }) => elapsedMilliseconds),
    remote: sum(({ times }) => times?.totalMilliseconds ?? 0),
    peak: run.peak ?? peakOf(jobs),
    sorted: records.map(({ elapsedMilliseconds }) => elapsedMilliseconds).sort((a, b) => a - b),
    sums,
    dollars: sum(({ cost }) => cost?.dollars ?? 0) + (run.s3Dollars ?? 0),
    isEstimate: records.some(({ cost }) => cost?.isEstimate),
    withoutCost: records.filter(({ cost, attempts }) => attempts > 0 && !cost).length,
    billed: sum(({ billedMilliseconds }) => billedMilliseconds ?? 0),
    sentBytes: sum(({ sentBytes }) => sentBytes),
    receivedBytes: sum(({ receivedBytes }) => receivedBytes),
    functionMemory: most(records.map(({ functionMemory }) => functionMemory)),
    usedMemory: most(
      records.map(({ usedMemory, memoryBytes }) =>
        usedMemory ?? (memoryBytes === undefined ? undefined : memoryBytes / 2 ** 20)
      ),
    ),
  };
}

/**
 * The time below which a part of the jobs took.
 *
 * @param sorted How long they took, in order.
 * @param part Such as 0.5 for the median.
 * @returns The nearest job's time; 0 of none.
 */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

/** A record's begin has milliseconds, a span's has more. */
function beginOf({ record, spans }: RunJob): number {
  const job = spans?.find(({ name }) => name === "job");
  return job === undefined ? Date.parse(record.started) : performance.timeOrigin + job.start;
}

function throttledIn(spans: RunJob["spans"] = []): number {
  return spans.filter(({ failed }) => failed === "throttled").length;
}

/**
 * The most jobs at once. In a log, a job's begin is in whole milliseconds, so one that seems to begin
 * less than a millisecond before another has ended may well have followed it.
 */
function peakOf(jobs: readonly PlacedJob[]): number {
  const ends = jobs.map(({ end, spans }) => spans === undefined ? Math.ceil(end) - 1 : end)
    .sort((a, b) => a - b);
  let [ended, peak] = [0, Math.min(jobs.length, 1)];
  for (const [index, { start }] of jobs.entries()) {
    while ((ends[ended] ?? Infinity) <= start) ended++;
    peak = Math.max(peak, index + 1 - ended);
  }
  return peak;
}

function most(amounts: readonly (number | undefined)[]): number | undefined {
  return amounts.reduce(
    (max, amount) => amount === undefined ? max : Math.max(max ?? 0, amount),
    undefined,
  );
}
