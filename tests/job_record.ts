/** Records of jobs for tests. */

import type { JobRecord } from "../lib/jobs/record.ts";

/** Returns the record of a job that succeeded, with what matters to the test. */
export function jobRecord(more: Partial<JobRecord> = {}): JobRecord {
  return {
    seq: 1,
    function: "f",
    command: "f",
    line: "",
    ok: true,
    status: 0,
    attempts: 1,
    started: "2026-11-24T13:40:38.994Z",
    elapsedMilliseconds: 1,
    sentBytes: 0,
    receivedBytes: 0,
    outputs: [],
    errors: [],
    ...more,
  };
}
