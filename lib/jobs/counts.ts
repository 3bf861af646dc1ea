/**
 * The progress of a run.
 *
 * @module
 */

import type { Straggler } from "./stragglers.ts";

/**
 * The progress of a run: an object that {@linkcode Llama.map} updates in place, so that reading it is
 * cheap. Each job whose input was read is one of `done`, `failed`, `running`, `dropped` and
 * `waiting`; jobs that an earlier run did count only as `skipped`.
 */
export interface RunCounts {
  /** Jobs that succeeded. */
  done: number;
  /** Jobs that failed, after all retries. */
  failed: number;
  /** Jobs in flight. */
  running: number;
  /**
   * Jobs that were started but not waited for, since the run ended first. Lambda may keep running
   * them, and bills them.
   */
  dropped: number;
  /**
   * Jobs whose input was read but that were not started. After the run, this includes jobs that never
   * reached Lambda.
   */
  waiting: number;
  /** Jobs that an earlier run did. */
  skipped: number;
  /** Of the jobs that are done, those that did not run, since their results were kept. */
  kept: number;
  /** Results that could not be kept. */
  unkept: number;
  /** The time that kept results saved: what they had been billed, in milliseconds. */
  savedMilliseconds: number;
  /** What kept results saved, in US dollars. */
  savedDollars: number;
  /** The highest number of concurrent jobs. */
  peak: number;
  /** Copies of stragglers' requests that were sent. */
  copies: number;
  /** The straggler that has run longest; undefined while there is none. */
  straggler: Straggler | undefined;
  /** All jobs of the run; undefined until the end of the input is reached. */
  total: number | undefined;
  /** Bytes sent: requests, and files through the object store. */
  bytesSent: number;
  /** Bytes received: responses, and files through the object store. */
  bytesReceived: number;
  /** The cost of the jobs that ended, in US dollars. */
  dollars: number;
  /** Whether `dollars` includes estimates, since Lambda did not report what it billed. */
  isEstimate: boolean;
  /** Whether the run is ending early: no more jobs are started. */
  isEnding: boolean;
}

/**
 * Returns the counts of a run that has not started.
 *
 * @returns Counts that are all 0.
 */
export function newCounts(): RunCounts {
  return {
    done: 0,
    failed: 0,
    running: 0,
    dropped: 0,
    waiting: 0,
    skipped: 0,
    kept: 0,
    unkept: 0,
    savedMilliseconds: 0,
    savedDollars: 0,
    peak: 0,
    copies: 0,
    straggler: undefined,
    total: undefined,
    bytesSent: 0,
    bytesReceived: 0,
    dollars: 0,
    isEstimate: false,
    isEnding: false,
  };
}
