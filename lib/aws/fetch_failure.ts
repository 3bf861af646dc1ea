/**
 * Why `fetch` failed, in its own words.
 *
 * @module
 */

import { messageOf } from "../errors.ts";

/**
 * Returns the innermost reason: Deno wraps it, once or twice.
 *
 * @param cause What `fetch` threw.
 * @returns The reason, with hyper's word for the stage in which it failed.
 */
export function innermostReason(cause: unknown): string {
  let words = messageOf(cause);
  for (let inner = cause; inner instanceof Error && inner.cause; inner = inner.cause) {
    words = messageOf(inner.cause);
  }
  return words;
}

/**
 * Returns the reason as a person is told it.
 *
 * @param cause What `fetch` threw.
 * @returns The reason, without the URL that it repeats.
 */
export function fetchFailure(cause: unknown): string {
  return innermostReason(cause).replace(/^.*client error \(\w+\): /, "")
    .replace(/ \(os error \d+\)/, "");
}
