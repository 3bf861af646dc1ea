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
 * Gives each a lane that is free when it begins, the one that became so last. There are as many lanes
 * as there were pieces at once.
 *
 * @param intervals The pieces of time, in the order of their beginnings.
 * @returns The lane of each, from 0.
 */
export function lanesOf(intervals: readonly Interval[]): number[] {
  const lanes: number[] = [];
  const byEnd = intervals.map(({ end }, index) => ({ end, index })).sort((a, b) => a.end - b.end);
  const free: number[] = [];
  let ended = 0;
  let count = 0;
  for (const { start } of intervals) {
    for (let next = byEnd[ended]; next && next.end <= start; next = byEnd[++ended]) {
      const lane = lanes[next.index];
      // One without a length, whose turn is yet to come.
      if (lane === undefined) break;
      free.push(lane);
    }
    lanes.push(free.pop() ?? count++);
  }
  return lanes;
}
