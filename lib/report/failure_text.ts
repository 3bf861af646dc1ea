/**
 * Says why a job failed.
 *
 * @module
 */

import { signalOf, timedOutStatus } from "../functions/command_status.ts";
import type { JobRecord } from "../jobs/record.ts";

/**
 * Returns the reasons why a job failed.
 *
 * @param record Its record.
 * @returns One reason per line; at least one.
 */
export function failureOf({ status, errors }: JobRecord): string[] {
  const lines = errors.map(({ message, hint }) =>
    message + (hint === undefined ? "" : ` (${hint})`)
  );
  return status === null || (status === 0 && lines.length > 0)
    ? lines.length > 0 ? lines : ["no exit status"]
    : [statusText(status), ...lines];
}

function statusText(status: number): string {
  const signal = signalOf(status);
  if (status === timedOutStatus) return `exit status ${status}: timed out`;
  return signal > 0 ? `exit status ${status}: killed by signal ${signal}` : `exit status ${status}`;
}
