/**
 * Big objects go in parts, several at once.
 *
 * @module
 */

import { mapConcurrently } from "../async/concurrency.ts";

/** From this size on an object is sent in parts, in bytes. */
export const multipartBytes = 64 * 1024 * 1024;

/** The length of a part, in bytes; the last is shorter. S3 wants 5 MiB at least. */
export const partBytes = 8 * 1024 * 1024;

/** How many parts of one object are on their way at once. */
const partConcurrency = 8;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const maxParts = 10_000;

/**
 * How long the parts of an object are.
 *
 * @param size The object's size in bytes.
 * @returns The length in bytes; 0 if the object is sent in one piece.
 */
export function partSizeOf(size: number): number {
  return size < multipartBytes ? 0 : Math.max(partBytes, Math.ceil(size / maxParts));
}

/**
 * Works on the parts of an object. The first failure ends the work on all others.
 *
 * @param parts The parts.
 * @param work The work; its signal is aborted when another part has failed.
 * @param signal Ends it early.
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
