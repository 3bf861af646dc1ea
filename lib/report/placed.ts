/**
 * Maps the runtime's times to this machine's clock.
 *
 * @module
 */

import type { Span } from "../spans.ts";

/**
 * Estimates the minimum time that a response is in transit: half of the fastest invocation's time
 * outside the runtime. The two clocks are not comparable; it is known only that the runtime starts
 * after the request is sent, and ends before the response is received.
 *
 * @param jobs The spans of all jobs.
 * @returns The time in milliseconds; 0 if no invocation has the runtime's times.
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
 * Places the runtime's spans within an invocation. The response takes the minimum time, since it
 * never waits, while a request may wait for a connection, for Lambda, or for an execution
 * environment. If an environment was started for it, all of the wait except the minimum time in
 * transit is the cold start, of which the runtime itself sees only the end (`init`).
 *
 * @param invoke The invocation's span.
 * @param way The result of {@linkcode shortestWay}.
 * @returns The spans, consecutive and within the bounds of the invocation; none if the runtime did
 * not report its times.
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

/** Returns the time of an invocation outside the runtime and its start, in milliseconds. */
function restOf({ start, end, times: { e2e = 0, init = 0 } = {} }: Span): number {
  return Math.max(0, end - start - (e2e + init) / 1e6);
}
