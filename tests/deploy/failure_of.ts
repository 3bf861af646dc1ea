/** What a promise is rejected with, for tests of messages. */

import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";

/** The message and the hint. */
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
