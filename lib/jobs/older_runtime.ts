/**
 * Runtimes that do not know all that a job asks for.
 *
 * @module
 */

import type { Job, JobResult } from "./job.ts";

/**
 * What a job asked for that the runtime which answered does not know. Every runtime of ours says its
 * version; the original's say none, and know neither directories nor a timeout.
 *
 * @param job The job.
 * @param timeoutSeconds The timeout that was sent along.
 * @param result What came of it.
 * @returns What was not heeded, in words; undefined if there is nothing.
 */
export function unsupportedFeatures(
  job: Job,
  timeoutSeconds: number | undefined,
  result: JobResult,
): string | undefined {
  if (result.runtime !== undefined) return undefined;
  const asked = [
    ...(timeoutSeconds === undefined ? [] : ["timeouts"]),
    ...(job.outputs.some(({ remote }) => remote.endsWith("/")) ? ["output directories"] : []),
  ];
  return asked.length === 0 ? undefined : asked.join(" or ");
}
