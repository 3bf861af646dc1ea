/**
 * The progress of a run that ended early.
 *
 * @module
 */

import * as z from "../zod.ts";
import type { RunCounts } from "./counts.ts";

/** The progress of a run that ended before the end of its input. */
export interface EarlyEnd {
  /** The reason why it ended, in one line. */
  readonly reason: string;
  /** Jobs that succeeded. */
  readonly done: number;
  /** Jobs that failed. */
  readonly failed: number;
  /** Jobs in flight that were not waited for; Lambda may keep running them, and bills them. */
  readonly dropped: number;
  /** Jobs that were not started, among those whose input was read. */
  readonly notStarted: number;
  /** Whether the whole input was read, so that `notStarted` is all there is. */
  readonly isInputRead: boolean;
  /** The highest number of concurrent jobs. */
  readonly peak: number;
}

/** The schema of an {@linkcode EarlyEnd}. */
export const earlyEndSchema = z.onFirstUse(() => {
  const count = z.number().check(z.int(), z.minimum(0));
  return z.object({
    reason: z.string(),
    done: count,
    failed: count,
    dropped: count,
    notStarted: count,
    isInputRead: z.boolean(),
    peak: count,
  });
});

/**
 * Returns the progress of a run that has ended; undefined if it did not end early, or none of its
 * input was read.
 */
export function earlyEndOf(counts: RunCounts, reason: string): EarlyEnd | undefined {
  const { done, failed, dropped, waiting, total, peak, isEnding } = counts;
  if (!isEnding || done + failed + dropped + waiting === 0) return undefined;
  const isInputRead = total !== undefined;
  return { reason, done, failed, dropped, notStarted: waiting, isInputRead, peak };
}

/**
 * Returns the progress of a run that ended early as text.
 *
 * @param end The progress.
 * @param isLocal Whether the functions ran on this machine, so that nothing is billed.
 * @returns Such as "12 done, 1 failed, 3 dropped in flight, 84 not started".
 */
export function earlyEndText(
  { done, failed, dropped, notStarted, isInputRead }: EarlyEnd,
  isLocal: boolean,
): string {
  const bill = isLocal || dropped === 0 ? "" : " (Lambda keeps running them, and bills them)";
  return [
    `${done} done`,
    `${failed} failed`,
    `${dropped} dropped in flight${bill}`,
    isInputRead
      ? `${notStarted} not started`
      : `at least ${notStarted} not started (the end of the input was not reached)`,
  ].join(", ");
}
