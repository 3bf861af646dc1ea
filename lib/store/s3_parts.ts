/**
 * Parts of big objects, transferred concurrently.
 *
 * @module
 */

import { mapConcurrently } from "../async/concurrency.ts";

/** Objects of this size or more are sent in parts. */
export const multipartBytes = 64 * 1024 * 1024;

/** The size of a part; the last may be smaller. S3 requires at least 5 MiB. */
export const partBytes = 8 * 1024 * 1024;

/** The concurrency of one object's parts. */
const partConcurrency = 8;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const maxParts = 10_000;

/** Returns the size of an object's parts in bytes; 0 if it is sent in one piece. */
export function partSizeOf(size: number): number {
  return size < multipartBytes ? 0 : Math.max(partBytes, Math.ceil(size / maxParts));
}

/**
 * Processes the parts of an object. The first failure cancels all others.
 *
 * @param parts The parts.
 * @param work Processes a part; its signal is aborted when another part has failed.
 * @param signal Cancels the operation.
 * @returns The results in the order of the parts, once all have ended.
 * @throws The first failure, once all have ended.
 */
export async function eachPart<P, R>(
  parts: readonly P[],
  work: (part: P, index: number, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal | undefined,
): Promise<R[]> {
  const failed = new AbortController();
  const inner = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  return await mapConcurrently(parts, partConcurrency, async (part, index) => {
    try {
      return await work(part, index, inner);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  }, signal);
}
