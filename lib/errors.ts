/**
 * The errors that llama reports.
 *
 * @module
 */

/**
 * What kind of thing went wrong, stable across versions:
 *
 * - `usage`: flags or options that make no sense
 * - `template`: an argument's template does not parse or does not run
 * - `input`: a local file cannot be read, or may not be sent
 * - `output`: a result cannot be written here, or was not made there
 * - `config`: a setting, a store URL or a `function.json` is wrong
 * - `credentials`: AWS refuses, or there is nothing to sign with
 * - `store`: the object store failed, or an object is not what its id says
 * - `missing-object`: an object is not in the store
 * - `no-such-function`: Lambda has no function of that name
 * - `function`: the function or its runtime failed (a command that exits with a status has not)
 * - `throttled`: Lambda has no room for another call
 * - `too-large`: a request or a response over Lambda's limit
 * - `network`: the service was not reached, or its answer did not arrive whole
 * - `service`: the service answered with an error that is none of the above
 * - `protocol`: a message that is not of llama's wire format
 * - `halted`: a run ended before its input, as it was asked to
 */
export type ErrorCode =
  | "usage"
  | "template"
  | "input"
  | "output"
  | "config"
  | "credentials"
  | "store"
  | "missing-object"
  | "no-such-function"
  | "function"
  | "throttled"
  | "too-large"
  | "network"
  | "service"
  | "protocol"
  | "halted";

/** What a {@linkcode LlamaError} carries beside its message. */
export interface LlamaErrorOptions extends ErrorOptions {
  /** What to do about it, where that is known: a sentence without its full stop. */
  hint?: string | undefined;
  /** Whether every other job on the same function would fail in the same way. @default {false} */
  affectsAll?: boolean | undefined;
}

/** Any failure that llama foresees. The message is one line: what failed, where, and why. */
export class LlamaError extends Error {
  /** The error's class name. */
  override readonly name: string = "LlamaError";
  /** The kind of failure. */
  readonly code: ErrorCode;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;
  /** Whether every other job on the same function would fail in the same way. */
  readonly affectsAll: boolean;

  /**
   * Makes an error.
   *
   * @param code The kind of failure.
   * @param message One line: what failed, where, and why.
   * @param options A hint and a cause, and whether it affects all jobs.
   */
  constructor(code: ErrorCode, message: string, options: LlamaErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
    this.affectsAll = options.affectsAll ?? false;
  }
}

/** What a {@linkcode FunctionError} knows of the failed invocation. */
export interface FunctionErrorDetails {
  /** The error's type as Lambda or the runtime names it, such as `Sandbox.Timedout`. */
  errorType: string;
  /** The error's own words. */
  errorMessage: string;
  /** The last 4 KiB of the function's log, where it was asked for. */
  logTail?: string | undefined;
  /** The ids of the objects that the runtime missed in the store. */
  missingObjects?: readonly string[] | undefined;
}

/** The function failed: it crashed, timed out, or its runtime refused the job. */
export class FunctionError extends LlamaError {
  /** The error's class name. */
  override readonly name = "FunctionError";
  /** The function that failed. */
  readonly functionName: string;
  /** The error's type as Lambda or the runtime names it, such as `Sandbox.Timedout`. */
  readonly errorType: string;
  /** The error's own words. */
  readonly errorMessage: string;
  /** The last 4 KiB of the function's log, where it was asked for. */
  readonly logTail: string | undefined;
  /** The ids of the objects that the runtime missed in the store. */
  readonly missingObjects: readonly string[];

  /**
   * Makes an error.
   *
   * @param functionName The function that failed.
   * @param details What the service told.
   * @param options A hint and a cause.
   */
  constructor(
    functionName: string,
    details: FunctionErrorDetails,
    options: LlamaErrorOptions = {},
  ) {
    super("function", `${functionName}: ${details.errorType}: ${details.errorMessage}`, options);
    this.functionName = functionName;
    this.errorType = details.errorType;
    this.errorMessage = details.errorMessage;
    this.logTail = details.logTail;
    this.missingObjects = details.missingObjects ?? [];
  }
}

/**
 * The words of any thrown value, on one line.
 *
 * @param error What was thrown.
 * @returns Its message without line breaks.
 */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*\n\s*/g, "; ");
}

/**
 * Why a file operation failed, in a few plain words and without the path, which the caller names.
 *
 * @param error What a file operation threw.
 * @returns Such as "no such file or directory".
 */
export function reasonOf(error: unknown): string {
  if (error instanceof LlamaError) return error.message;
  if (error instanceof Deno.errors.NotFound) return "no such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.AlreadyExists) return "file exists";
  if (error instanceof Deno.errors.NotADirectory) return "not a directory";
  if (error instanceof Deno.errors.IsADirectory) return "is a directory";
  if (error instanceof Deno.errors.FilesystemLoop) return "too many levels of symbolic links";
  // Deno says "No space left on device (os error 28): write '/path'"; the first part is the reason.
  const system = /^([^:]*) \(os error \d+\)/.exec(messageOf(error));
  return system?.[1]?.toLowerCase() ?? messageOf(error);
}

/**
 * Whether an error says that the caller's own signal ended the work.
 *
 * @param error What was thrown.
 * @param signal The signal that was passed to the work.
 * @returns True if the signal is aborted; whatever was thrown then came of it.
 */
export function isAbort(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true &&
    (error === signal.reason || (error instanceof DOMException && error.name === "AbortError") ||
      (error instanceof DOMException && error.name === "TimeoutError") ||
      error instanceof Deno.errors.Interrupted);
}

/**
 * Wraps any thrown value in a `LlamaError`.
 *
 * @param error What was thrown.
 * @returns The value itself if it is a `LlamaError`.
 */
export function asLlamaError(error: unknown): LlamaError {
  return error instanceof LlamaError
    ? error
    : new LlamaError("service", `unexpected failure: ${messageOf(error)}`, { cause: error });
}
