/**
 * The exit statuses of llama.
 *
 * @module
 */

import { failedStatus, signalStatus, timedOutStatus } from "../functions/command_status.ts";
import type { LlamaError } from "../errors.ts";

/** llama's exit statuses; `invoke` also exits with the status of its command. */
export const exitCodes = {
  /** Success. */
  ok: 0,
  /** A job of `xargs` failed. */
  jobFailed: 1,
  /** `doctor` found a problem, a setting is not set, or `teardown` was not confirmed. */
  no: 1,
  /** Invalid usage or settings, or a template failed; nothing was run. */
  usage: 2,
  /** `invoke`: the function reached its timeout. */
  timedOut: timedOutStatus,
  /** llama, AWS or the network failed; `xargs` exits with 1. */
  failed: failedStatus,
  /** Ctrl-C: SIGINT. */
  interrupted: signalStatus(2),
  /** The reader of standard output closed it: SIGPIPE. */
  pipeClosed: signalStatus(13),
} as const;

/**
 * Returns the exit status for an error that ends a command.
 *
 * @param error The error.
 * @param otherwise The status if it is not an error in usage, settings or templates.
 */
export function exitCodeOf(error: LlamaError, otherwise: number): number {
  return error.code === "usage" || error.code === "template" || error.code === "config"
    ? exitCodes.usage
    : otherwise;
}
