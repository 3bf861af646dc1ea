/**
 * Detects runtimes that do not support everything that a job asks for.
 *
 * @module
 */

import type { Job, JobResult } from "./job.ts";

/**
 * Returns the features that a job asked for but its runtime does not support. Llama's runtimes report
 * their version; the original's do not, and support neither directories nor timeouts.
 *
 * @returns The features as text; undefined if there are none.
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
