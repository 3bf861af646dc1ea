/**
 * What the runtime answers when it cannot run a job: a Lambda function error.
 *
 * @module
 */

import { LlamaError, messageOf } from "../errors.ts";
import type { FunctionErrorPayload, RuntimeErrorType } from "../protocol.ts";

/** A job that was not run, or whose results cannot be told. The message is one line. */
export class JobError extends Error {
  override readonly name = "JobError";
  /** The function error's type. */
  readonly type: RuntimeErrorType;
  /** The ids of all objects that are missing, with `Llama.MissingObject`. */
  readonly objects: readonly string[] | undefined;
  /** Whether further jobs would fail here too, so that the runtime ends after its answer. */
  readonly isLast: boolean;

  /**
   * @param type The function error's type.
   * @param message One line: what failed, and why.
   * @param options The objects that are missing, whether the runtime ends, and the cause.
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
   * The function error as it goes over the wire.
   *
   * @returns The payload.
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
 * Makes a job's error of whatever was thrown.
 *
 * @param error What was thrown.
 * @param temporary The directory for temporary files, which may have been full.
 * @returns An error with a type of the protocol's.
 */
export function toJobError(error: unknown, temporary: string): JobError {
  if (error instanceof JobError) return error;
  const options = { cause: error };
  if (error instanceof LlamaError && error.code !== "input") {
    const hint = error.hint === undefined ? "" : ` (${error.hint})`;
    return new JobError(typeOf(error), error.message + hint, options);
  }
  if (isDiskFull(error)) {
    return new JobError(
      "Llama.Internal",
      `${temporary} is full: the job needs more room for its files ` +
        "(on Lambda, raise the function's ephemeral storage)",
      options,
    );
  }
  return new JobError("Llama.Internal", messageOf(error), options);
}

function typeOf({ code }: LlamaError): RuntimeErrorType {
  switch (code) {
    case "protocol":
      return "Llama.BadRequest";
    case "missing-object":
      return "Llama.MissingObject";
    case "store":
    case "config":
    case "credentials":
    case "network":
    case "service":
    case "throttled":
      return "Llama.StoreError";
    default:
      return "Llama.Internal";
  }
}

/**
 * Whether there is no room for a file.
 *
 * @param error What a file operation threw.
 * @returns True for ENOSPC and EDQUOT, of Linux and of macOS, for which Deno has no class.
 */
export function isDiskFull(error: unknown): boolean {
  return /\(os error (28|122|69)\)/.test(messageOf(error)) ||
    (error instanceof LlamaError && error.cause !== undefined && isDiskFull(error.cause));
}
