/**
 * The failure of one call to AWS, with what its repetition depends on.
 *
 * @module
 */

import { type ErrorCode, LlamaError, type LlamaErrorOptions } from "../errors.ts";

/**
 * Whether a call may be sent again: `never`; `unsent`, since it surely did nothing; `maybe`, since
 * nobody knows what it did, so that a job may run twice.
 */
export type Repeat = "never" | "unsent" | "maybe";

/** What a {@linkcode CallError} carries beside its message. */
export interface CallErrorOptions extends LlamaErrorOptions {
  /** Whether the call may be sent again. @default {"never"} */
  repeat?: Repeat;
  /** How long the service wants to be left alone, in milliseconds. */
  afterMilliseconds?: number | undefined;
  /** Whether newer credentials would help. @default {false} */
  expired?: boolean;
}

/** A call that failed. */
export class CallError extends LlamaError {
  /** The error's class name, which is no concern of who sees it. */
  override readonly name = "LlamaError";
  /** Whether the call may be sent again. */
  readonly repeat: Repeat;
  /** How long the service wants to be left alone, in milliseconds. */
  readonly afterMilliseconds: number | undefined;
  /** Whether newer credentials would help. */
  readonly expired: boolean;

  /**
   * @param code The kind of failure.
   * @param message One line: what failed, where, and why.
   * @param options Hint, cause, and what its repetition depends on.
   */
  constructor(code: ErrorCode, message: string, options: CallErrorOptions = {}) {
    super(code, message, options);
    this.repeat = options.repeat ?? "never";
    this.afterMilliseconds = options.afterMilliseconds;
    this.expired = options.expired ?? false;
  }

  /**
   * The same for a call that was sent several times in vain.
   *
   * @param attempts How many times.
   * @returns An error that says so; this one after a single attempt.
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
 * Whether an HTTP status is one that a service gives when it fails itself.
 *
 * @param status The status.
 * @returns True for 500, 502, 503 and 504.
 */
export function isServerFailure(status: number): boolean {
  return status === 500 || (status >= 502 && status <= 504);
}

/**
 * How long an answer asks to be left alone: RFC 9110, section 10.2.3.
 *
 * @param headers The answer's headers.
 * @param now The time, in milliseconds since 1970.
 * @returns Milliseconds; undefined if it does not say.
 */
export function retryAfter(headers: Headers, now: number = Date.now()): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(milliseconds) ? Math.max(0, milliseconds) : undefined;
}
