/**
 * Spreads pieces of time over lanes in which none overlaps another.
 *
 * @module
 */

/** A piece of time. */
export interface Interval {
  /** When it begins. */
  readonly start: number;
  /** When it ends, not before that. */
  readonly end: number;
}

/**
 * Gives each the lowest lane that is free when it begins: those of jobs at once are as many as ran
 * at once.
 *
 * @param intervals The pieces of time, in the order of their beginnings.
 * @returns The lane of each, from 0.
 */
export function lanesOf(intervals: readonly Interval[]): number[] {
  const ends: number[] = [];
  return intervals.map(({ start, end }) => {
    let lane = ends.findIndex((other) => other <= start);
    if (lane < 0) lane = ends.length;
    ends[lane] = end;
    return lane;
  });
}
