/** Rejections as messages, for tests. */

import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";

/** Returns the message and the hint of a rejection. */
export async function failureOf(promise: Promise<unknown>): Promise<[string, string]> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof LlamaError, String(error));
    assert.doesNotMatch(error.message + (error.hint ?? ""), /\n/);
    return [error.message, error.hint ?? ""];
  }
  throw new Error("it did not fail");
}
