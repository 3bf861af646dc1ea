/**
 * The errors that llama reports.
 *
 * @module
 */

/**
 * The kind of a failure; stable across versions:
 *
 * - `usage`: flags or options that make no sense
 * - `template`: an argument's template does not parse or execute
 * - `input`: a local file cannot be read, or may not be sent
 * - `output`: an output cannot be written on this machine, or the command did not create it
 * - `config`: a setting, a store URL or a `function.json` is wrong
 * - `credentials`: AWS refuses access, or there are no credentials
 * - `store`: the object store failed, or an object is damaged
 * - `missing-object`: an object is not in the store
 * - `no-such-function`: Lambda has no function of that name
 * - `function`: the function or its runtime failed (a command that exits with a status has not)
 * - `throttled`: Lambda or S3 has no capacity for another call
 * - `too-large`: a request or response exceeds Lambda's limit
 * - `network`: the service was not reached, or its response was cut off
 * - `service`: the service returned any other error
 * - `protocol`: a message does not follow llama's wire format
 * - `halted`: a run ended before the end of its input, as requested
 * - `not-cached`: there is no kept result, and the job must not run
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
  | "halted"
  | "not-cached";

/** Options for {@linkcode LlamaError}. */
export interface LlamaErrorOptions extends ErrorOptions {
  /** What to do about it, if known: a sentence without its full stop. */
  hint?: string | undefined;
  /** Whether every other job on the same function would fail in the same way. @default {false} */
  affectsAll?: boolean | undefined;
}

/** A failure that llama anticipates. The message is one line: what failed, where, and why. */
export class LlamaError extends Error {
  /** The error's class name. */
  override readonly name: string = "LlamaError";
  /** The kind of failure. */
  readonly code: ErrorCode;
  /** What to do about it, if known. */
  readonly hint: string | undefined;
  /** Whether every other job on the same function would fail in the same way. */
  readonly affectsAll: boolean;

  /**
   * Creates an error.
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

/** Details of a failed invocation, for {@linkcode FunctionError}. */
export interface FunctionErrorDetails {
  /** The error's type as Lambda or the runtime names it, such as `Sandbox.Timedout`. */
  errorType: string;
  /** The error's message. */
  errorMessage: string;
  /** The last 4 KiB of the function's log, if requested. */
  logTail?: string | undefined;
  /** The ids of the objects that the runtime did not find in the store. */
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
  /** The error's message. */
  readonly errorMessage: string;
  /** The last 4 KiB of the function's log, if requested. */
  readonly logTail: string | undefined;
  /** The ids of the objects that the runtime did not find in the store. */
  readonly missingObjects: readonly string[];

  /**
   * Creates an error.
   *
   * @param functionName The function that failed.
   * @param details What the service reported.
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
 * Returns the message of any thrown value on one line.
 *
 * @param error The thrown value.
 * @returns Its message, without line breaks.
 */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*\n\s*/g, "; ");
}

/**
 * Returns the reason why a file operation failed, without the path, which the caller names.
 *
 * @param error What the file operation threw.
 * @returns The reason, such as "no such file or directory".
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
 * Reports whether an error results from the abort of a signal.
 *
 * @param error What was thrown.
 * @param signal The signal that was passed to the operation.
 * @returns True if the signal is aborted and the error is its reason or an error of interruption.
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

/** Reports whether an error says that there is nothing of a name, not even a directory to look in. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
