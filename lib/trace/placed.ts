/**
 * Places the runtime's times on this machine's clock.
 *
 * @module
 */

import type { Span } from "./spans.ts";

/** A span of an `invoke` and what lies in it. */
export interface PlacedInvoke {
  /** The span itself. */
  readonly invoke: Span;
  /** The runtime's spans in it, in order and without gaps; empty if it does not say. */
  readonly inside: readonly Span[];
}

/**
 * The time that a request takes to the runtime, or its answer back, at the least: half of what is
 * left of the quickest warm invocation besides the runtime's own time. The two clocks share no
 * zero, so what is known of the runtime's begin is that it is not before the request's, and of its
 * end that it is not after the answer's.
 *
 * @param jobs The spans of all jobs.
 * @returns Milliseconds; 0 if no warm invocation tells.
 */
export function shortestWay(jobs: Iterable<readonly Span[]>): number {
  let shortest = Infinity;
  for (const spans of jobs) {
    for (const { start, end, times } of spans) {
      if (times?.e2e === undefined || times.cold) continue;
      shortest = Math.min(shortest, Math.max(0, end - start - times.e2e / 1e6) / 2);
    }
  }
  return shortest === Infinity ? 0 : shortest;
}

/**
 * Places the runtime's spans. A warm one lies in the middle of its invocation, as if both ways took
 * as long. Of a cold one the way back is the shortest there is, and what is left before the request
 * was received, other than the way there, is the start of the execution environment: all that
 * Lambda does for it, of which the runtime itself sees but the end (`init`).
 *
 * @param invoke The invocation's span.
 * @param way What {@linkcode shortestWay} says.
 * @returns The spans inside of it; none leaves its bounds.
 */
export function placeRuntime(invoke: Span, way: number): PlacedInvoke {
  const { start, end, times } = invoke;
  if (times?.e2e === undefined) return { invoke, inside: [] };
  const { cold = false, fetch = 0, exec = 0, upload = 0 } = times;
  const rest = Math.max(0, end - start - times.e2e / 1e6);
  const back = cold ? Math.min(way, rest / 2) : rest / 2;
  const received = start + rest - back;
  const inside: Span[] = [];
  if (cold) inside.push({ name: "cold start", start: start + back, end: received });
  let at = received;
  for (
    const [name, nanoseconds] of [["fetch", fetch], ["command", exec], ["upload", upload]] as const
  ) {
    const next = Math.min(at + nanoseconds / 1e6, end);
    inside.push({ name, start: at, end: next });
    at = next;
  }
  return { invoke, inside };
}
