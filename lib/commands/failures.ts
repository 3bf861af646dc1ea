/**
 * Reports the error that ends llama, and chooses the exit status. Loaded only when there is one.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { exitCodeOf, exitCodes } from "../cli/exit_status.ts";
import { type Output, OutputClosed } from "../terminal/output.ts";
import { reportError } from "./messages.ts";

/**
 * Reports an error on standard error.
 *
 * @param error The error.
 * @param output The streams.
 * @returns The exit status.
 */
export async function reportedStatus(error: unknown, output: Output): Promise<number> {
  if (error instanceof OutputClosed) return exitCodes.pipeClosed;
  if (error instanceof LlamaError) {
    await reportError(output, error);
    return exitCodeOf(error, exitCodes.failed);
  }
  await reportUnexpected(error, output);
  return exitCodes.failed;
}

/**
 * Reports an error that is a defect of llama.
 *
 * @param error The error.
 * @param output The streams.
 */
export async function reportUnexpected(error: unknown, output: Output): Promise<void> {
  const details = error instanceof Error ? error.stack ?? error.message : String(error);
  await output.lines(`llama: internal error, please report it: ${details}`);
}
