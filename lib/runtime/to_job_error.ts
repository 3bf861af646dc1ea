/**
 * Errors of a job, for the client. Loaded when a job has failed.
 *
 * @module
 */

import { LlamaError, messageOf } from "../errors.ts";
import type { RuntimeErrorType } from "../protocol.ts";
import { isDiskFull, JobError } from "./job_error.ts";

/**
 * Wraps any thrown value in a {@linkcode JobError}.
 *
 * @param error The thrown value.
 * @param temporary The directory for temporary files, which may be full.
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
