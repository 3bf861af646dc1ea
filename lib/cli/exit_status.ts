/**
 * Exit statuses.
 *
 * @module
 */

import type { LlamaError } from "../errors.ts";

/** What llama's exit status says; `invoke` gives the command's own beside these. */
export const exitCodes = {
  /** All went well. */
  ok: 0,
  /** A job of `xargs` failed. */
  jobFailed: 1,
  /** `doctor` found something wrong, a setting is not set, `teardown` was not to go on. */
  no: 1,
  /** Wrong usage, settings, or a template that fails; nothing was run. */
  usage: 2,
  /** `invoke`: Lambda ended the function at its timeout, as the status says of a command too. */
  timedOut: 124,
  /** llama, AWS or the network failed; under `xargs` that is 1. */
  failed: 125,
  /** Ctrl-C. */
  interrupted: 130,
  /** Whoever read standard output has gone. */
  pipeClosed: 141,
  /** SIGTERM. */
  terminated: 143,
} as const;

/**
 * The exit status for an error that ends a command.
 *
 * @param error The error.
 * @param otherwise The status if it is not a mistake in usage, settings or templates.
 * @returns The exit status.
 */
export function exitCodeOf(error: LlamaError, otherwise: number): number {
  return error.code === "usage" || error.code === "template" || error.code === "config"
    ? exitCodes.usage
    : otherwise;
}
