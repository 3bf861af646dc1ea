/**
 * How far a run is.
 *
 * @module
 */

/**
 * How far a run is: one object that {@linkcode Llama.map} keeps up to date while it goes on, so that
 * looking at it costs nothing. Each job whose input was read is one of `done`, `failed`, `running`,
 * `dropped` and `waiting`; those that an earlier run did are only counted as `skipped`.
 */
export interface RunCounts {
  /** Jobs that did what they were asked for. */
  done: number;
  /** Jobs that ended otherwise, after all their repeats. */
  failed: number;
  /** Jobs that have been started and have not ended. */
  running: number;
  /**
   * Jobs that were started and whose result is not known, since the run ended first. Lambda may go
   * on with them, and bills them.
   */
  dropped: number;
  /**
   * Jobs whose input has been read and that have not been started. Once the run has ended, those
   * that were started and never reached Lambda are among them.
   */
  waiting: number;
  /** Jobs that an earlier run did. */
  skipped: number;
  /** The most jobs that were running at once. */
  peak: number;
  /** All jobs of the run; undefined until the end of the input was seen. */
  total: number | undefined;
  /** Bytes that were sent: requests, and files through the object store. */
  bytesSent: number;
  /** Bytes that were received: answers, and files through the object store. */
  bytesReceived: number;
  /** What the jobs that ended have cost, in US dollars. */
  dollars: number;
  /** Whether some of `dollars` is an estimate, since Lambda did not say what it billed. */
  isEstimate: boolean;
  /** Whether no more jobs are started, before the end of the input: those that run are the last. */
  isEnding: boolean;
}

/**
 * The counts of a run that has not begun.
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
    peak: 0,
    total: undefined,
    bytesSent: 0,
    bytesReceived: 0,
    dollars: 0,
    isEstimate: false,
    isEnding: false,
  };
}
