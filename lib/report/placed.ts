/**
 * Places the runtime's times on this machine's clock.
 *
 * @module
 */

import type { Span } from "../spans.ts";

/**
 * The time that an answer takes back, at the least: half of what is left of the quickest invocation
 * besides the runtime's own time. The two clocks share no zero. What is known is that the runtime's
 * begin is not before the request's, and its end not after the answer's.
 *
 * @param jobs The spans of all jobs.
 * @returns Milliseconds; 0 if no invocation tells.
 */
export function shortestWay(jobs: Iterable<readonly Span[]>): number {
  let shortest = Infinity;
  for (const spans of jobs) {
    for (const span of spans) {
      if (span.times?.e2e !== undefined) shortest = Math.min(shortest, restOf(span) / 2);
    }
  }
  return shortest === Infinity ? 0 : shortest;
}

/**
 * Places the runtime's spans. The way back is the shortest there is: an answer waits for nothing,
 * while a request may wait for a connection, for Lambda, for an execution environment. Where that was
 * started for it, all of this but the shortest way there is its cold start, of which the runtime
 * itself sees but the end (`init`).
 *
 * @param invoke The invocation's span.
 * @param way What {@linkcode shortestWay} says.
 * @returns The spans inside of it, in order and without gaps; none leaves its bounds, and there are
 * none if the runtime does not say.
 */
export function placeRuntime(invoke: Span, way: number): Span[] {
  const { start, end, times } = invoke;
  if (times?.e2e === undefined) return [];
  const { cold = false, e2e, fetch = 0, exec = 0, upload = 0 } = times;
  const back = Math.min(way, restOf(invoke) / 2);
  const received = Math.max(start + back, end - back - e2e / 1e6);
  const inside: Span[] = [];
  if (cold) inside.push({ name: "cold start", start: start + back, end: received });
  let at = received;
  const parts = [["fetch", fetch], ["command", exec], ["upload", upload]] as const;
  for (const [name, nanoseconds] of parts) {
    const next = Math.min(at + nanoseconds / 1e6, end);
    inside.push({ name, start: at, end: next });
    at = next;
  }
  return inside;
}

/** What of an invocation is neither the runtime's time nor its start; in milliseconds. */
function restOf({ start, end, times: { e2e = 0, init = 0 } = {} }: Span): number {
  return Math.max(0, end - start - (e2e + init) / 1e6);
}
