/**
 * The Lambda function errors that the runtime reports.
 *
 * @module
 */

import { LlamaError, messageOf } from "../errors.ts";
import type { FunctionErrorPayload, RuntimeErrorType } from "../protocol.ts";

/** A job was not run, or its results cannot be returned. The message is one line. */
export class JobError extends Error {
  override readonly name = "JobError";
  /** The function error's type. */
  readonly type: RuntimeErrorType;
  /** The ids of all missing objects, for `Llama.MissingObject`. */
  readonly objects: readonly string[] | undefined;
  /** Whether further jobs would fail here too, so that the runtime exits after answering. */
  readonly isLast: boolean;

  /**
   * @param type The function error's type.
   * @param message One line: what failed, and why.
   * @param options The missing objects, whether the runtime exits, and the cause.
   */
  constructor(
    type: RuntimeErrorType,
    message: string,
    options: ErrorOptions & { objects?: readonly string[]; isLast?: boolean } = {},
  ) {
    super(message, options);
    this.type = type;
    this.objects = options.objects;
    this.isLast = options.isLast ?? false;
  }

  /**
   * Returns the function error as sent on the wire.
   */
  payload(): FunctionErrorPayload {
    return {
      errorMessage: this.message,
      errorType: this.type,
      ...(this.objects ? { objects: [...this.objects] } : {}),
    };
  }
}

/**
 * Reports whether a file operation failed because the disk is full: ENOSPC or EDQUOT, of Linux or
 * macOS, for which Deno has no error class.
 */
export function isDiskFull(error: unknown): boolean {
  return /\(os error (28|122|69)\)/.test(messageOf(error)) ||
    (error instanceof LlamaError && error.cause !== undefined && isDiskFull(error.cause));
}
