/** Runs for tests of reports. */

import type { JobRecord } from "../../lib/jobs/record.ts";
import type { Run, RunJob } from "../../lib/report/run.ts";
import type { Span } from "../../lib/spans.ts";
import { jobRecord } from "../job_record.ts";

/** Returns the record of a job that started `start` milliseconds after the first. */
export function recordOf(seq: number, start: number, more: Partial<JobRecord> = {}): JobRecord {
  return jobRecord({
    seq,
    command: `f ${seq}`,
    started: new Date(Date.parse("2026-03-04T05:06:07Z") + start).toISOString(),
    elapsedMilliseconds: 100,
    sentBytes: 10,
    receivedBytes: 20,
    ...more,
  });
}

/** Returns a job with consecutive spans, given as `[name, milliseconds]`. */
export function jobOf(
  seq: number,
  start: number,
  parts: readonly (readonly [Span["name"], number, Partial<Span>?])[],
  more: Partial<JobRecord> = {},
): RunJob {
  const spans: Span[] = [];
  let at = start;
  for (const [name, milliseconds, rest = {}] of parts) {
    spans.push({ name, start: at, end: at + milliseconds, ...rest });
    at += milliseconds;
  }
  spans.push({ name: "job", start, end: at });
  const record = recordOf(seq, start, { elapsedMilliseconds: at - start, ...more });
  return { record, spans, stderrEnd: "" };
}

/** Returns a run of the given jobs. */
export function runOf(jobs: readonly RunJob[], more: Partial<Run> = {}): Run {
  return { title: "llama xargs f", jobs, ...more };
}
