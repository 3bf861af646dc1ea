/**
 * Computes the figures of a run.
 *
 * @module
 */

import { CopyTotals } from "../jobs/copy_totals.ts";
import { KeptTotals } from "../jobs/kept_totals.ts";
import type { JobRecord } from "../jobs/record.ts";
import { shortestWay } from "./placed.ts";
import { lanesOf } from "./lanes.ts";
import { type PhaseName, phases, type Piece, piecesOf } from "./phases.ts";
import type { Run, RunJob } from "./run.ts";

/** A job on the run's timeline. */
export interface PlacedJob extends RunJob {
  /** Its start, in milliseconds after the start of the first job. */
  readonly start: number;
  /** Its end, likewise. */
  readonly end: number;
  /** Its time, divided into phases. */
  readonly pieces: readonly Piece[];
  /** The index of its concurrency slot. */
  readonly slot: number;
}

/** The figures of a run; times are in milliseconds. */
export interface Figures {
  /** The jobs, ordered by start. */
  readonly jobs: readonly PlacedJob[];
  /** The start of the first job, in milliseconds since 1970; `NaN` if there are no jobs. */
  readonly started: number;
  /** The number of failed jobs. */
  readonly failed: number;
  /** The number of retries. */
  readonly retries: number;
  /** The copies of stragglers, in one line; undefined if there are none. */
  readonly copiesText: string | undefined;
  /** What kept results saved, in one line; undefined if there are none. */
  readonly keptText: string | undefined;
  /** The number of throttled requests. */
  readonly throttled: number;
  /** The number of jobs that caused a cold start. */
  readonly coldStarts: number;
  /** The number of jobs that report whether they caused a cold start. */
  readonly tellCold: number;
  /** The duration of the run. */
  readonly wall: number;
  /** The time from the start of the first job to the end of the last. */
  readonly span: number;
  /** The sum of the jobs' durations. */
  readonly elapsed: number;
  /** The time that the runtime spent on all jobs; 0 if it does not report it. */
  readonly remote: number;
  /** The maximum number of jobs running at once. */
  readonly peak: number;
  /** The jobs' durations, in ascending order. */
  readonly sorted: readonly number[];
  /** The time that all jobs spent in each phase. */
  readonly sums: ReadonlyMap<PhaseName, number>;
  /** The cost of the jobs, in US dollars. */
  readonly dollars: number;
  /** Whether part of the cost is an estimate. */
  readonly isEstimate: boolean;
  /** The number of jobs that were sent but whose cost is unknown. */
  readonly withoutCost: number;
  /** The time that Lambda bills. */
  readonly billed: number;
  /** Bytes sent. */
  readonly sentBytes: number;
  /** Bytes received. */
  readonly receivedBytes: number;
  /** What these would be without compression. */
  readonly rawBytes: { readonly sent: number; readonly received: number };
  /** The function's memory in MB, if known. */
  readonly functionMemory: number | undefined;
  /** The most memory that any job used, in MB, if known. */
  readonly usedMemory: number | undefined;
}

/**
 * Computes the figures of a run.
 *
 * @param run The run.
 * @returns Its figures.
 */
export function figuresOf(run: Run): Figures {
  const oneWay = shortestWay(run.jobs.map(({ spans = [] }) => spans));
  const begun = run.jobs.map((job) => ({ job, begin: beginOf(job) }))
    .sort((a, b) => a.begin - b.begin);
  const started = begun[0]?.begin ?? NaN;
  const timed = begun.map(({ job, begin }) => {
    const start = begin - started;
    const { record, spans } = job;
    const pieces = piecesOf(record, spans, oneWay);
    return { ...job, start, end: start + record.elapsedMilliseconds, pieces };
  });
  const slots = lanesOf(timed);
  const jobs = timed.map((job, index): PlacedJob => ({ ...job, slot: slots[index] ?? 0 }));
  const records = jobs.map(({ record }) => record);
  const sum = (of: (record: JobRecord) => number) =>
    records.reduce((total, record) => total + of(record), 0);
  const span = jobs.reduce((latest, { end }) => Math.max(latest, end), 0);
  const sums = new Map<PhaseName, number>(phases.map(({ label }) => [label, 0]));
  const copies = new CopyTotals();
  const kept = new KeptTotals();
  for (const record of records) {
    copies.add(record);
    kept.add(record);
  }
  for (const { pieces } of jobs) {
    for (const [phase, time] of pieces) sums.set(phase, (sums.get(phase) ?? 0) + time);
  }
  return {
    jobs,
    started,
    failed: records.filter(({ ok }) => !ok).length,
    retries: sum(({ attempts }) => Math.max(attempts - 1, 0)),
    copiesText: copies.text,
    keptText: kept.text(run.isLocal ?? false),
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
    rawBytes: {
      sent: sum(({ rawBytes, sentBytes }) => rawBytes?.sent ?? sentBytes),
      received: sum(({ rawBytes, receivedBytes }) => rawBytes?.received ?? receivedBytes),
    },
    functionMemory: maximum(records.map(({ functionMemory }) => functionMemory)),
    usedMemory: maximum(
      records.map(({ usedMemory, memoryBytes }) =>
        usedMemory ?? (memoryBytes === undefined ? undefined : memoryBytes / 2 ** 20)
      ),
    ),
  };
}

/**
 * Returns a quantile of the jobs' durations, by the nearest-rank method.
 *
 * @param sorted The durations, in ascending order.
 * @param part The quantile, such as 0.5 for the median.
 * @returns The duration of one of the jobs; 0 if there are none.
 */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

/** Returns a job's start. A span is more precise than a record, which has whole milliseconds. */
function beginOf({ record, spans }: RunJob): number {
  const job = spans?.find(({ name }) => name === "job");
  return job === undefined ? Date.parse(record.started) : performance.timeOrigin + job.start;
}

function throttledIn(spans: RunJob["spans"] = []): number {
  return spans.filter(({ failed }) => failed === "throttled").length;
}

/**
 * Returns the maximum number of jobs running at once. Starts in a log are in whole milliseconds, so
 * a job that appears to start less than a millisecond before another ends is taken to follow it.
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

function maximum(amounts: readonly (number | undefined)[]): number | undefined {
  return amounts.reduce(
    (max, amount) => amount === undefined ? max : Math.max(max ?? 0, amount),
    undefined,
  );
}
