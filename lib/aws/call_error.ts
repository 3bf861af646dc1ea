/**
 * Failures of calls to AWS, with what is needed to decide on a retry.
 *
 * @module
 */

import { type ErrorCode, LlamaError, type LlamaErrorOptions } from "../errors.ts";

/**
 * Whether a call may be retried: `never`; `unsent` if it certainly had no effect; `maybe` if its
 * effect is unknown, so that a job may run twice.
 */
export type Retryable = "never" | "unsent" | "maybe";

/** The hint of every failure that only newer credentials mend. */
export const signInAgain = "sign in to AWS again";

/** Options for {@linkcode CallError}. */
export interface CallErrorOptions extends LlamaErrorOptions {
  /** Whether the call may be retried. @default {"never"} */
  retryable?: Retryable;
  /** `Retry-After`, in milliseconds. */
  afterMilliseconds?: number | undefined;
  /** Whether newer credentials would help. @default {false} */
  expired?: boolean;
}

/** A call that failed. */
export class CallError extends LlamaError {
  /** The base class's name: callers need not know this class. */
  override readonly name = "LlamaError";
  /** Whether the call may be retried. */
  readonly retryable: Retryable;
  /** `Retry-After`, in milliseconds. */
  readonly afterMilliseconds: number | undefined;
  /** Whether newer credentials would help. */
  readonly expired: boolean;

  /**
   * @param code The kind of failure.
   * @param message One line: what failed, where, and why.
   * @param options Hint, cause, and whether to retry.
   */
  constructor(code: ErrorCode, message: string, options: CallErrorOptions = {}) {
    super(code, message, options);
    this.retryable = options.retryable ?? "never";
    this.afterMilliseconds = options.afterMilliseconds;
    this.expired = options.expired ?? false;
  }

  /**
   * Returns the error with the number of attempts in its message, or this one after a single attempt.
   */
  after(attempts: number): CallError {
    if (attempts === 1) return this;
    return new CallError(this.code, `${this.message} (tried ${attempts} times)`, {
      hint: this.hint,
      affectsAll: this.affectsAll,
      cause: this,
    });
  }
}

/**
 * Reports whether an HTTP status means that the service failed: 500, 502, 503 or 504.
 */
export function isServerFailure(status: number): boolean {
  return status === 500 || (status >= 502 && status <= 504);
}

/**
 * Returns the value of `Retry-After` in milliseconds, if any: RFC 9110, section 10.2.3.
 *
 * @param headers The answer's headers.
 * @param now The time, in milliseconds since 1970.
 */
export function retryAfter(headers: Headers, now: number = Date.now()): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}
