/**
 * Assigns intervals to lanes without overlaps.
 *
 * @module
 */

/** An interval of time. */
export interface Interval {
  /** Its start. */
  readonly start: number;
  /** Its end, not before its start. */
  readonly end: number;
}

/**
 * Assigns each interval to a free lane, preferring the one that became free last. The number of
 * lanes is the maximum number of intervals that overlap.
 *
 * @param intervals The intervals, ordered by start.
 * @returns The lane of each interval, starting at 0.
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
      // An empty interval that has not been assigned yet.
      if (lane === undefined) break;
      free.push(lane);
    }
    lanes.push(free.pop() ?? count++);
  }
  return lanes;
}
