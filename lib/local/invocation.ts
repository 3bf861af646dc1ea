/**
 * Invocations and their results.
 *
 * @module
 */

/** An invocation for a runtime. */
export interface Invocation {
  /** Its id. */
  readonly requestId: string;
  /** The caller's payload, JSON. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Whether the caller requests the end of the log. */
  readonly wantsLog: boolean;
}

/** The result of an invocation. */
export interface InvocationResult {
  /** The function's answer. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Whether it is a function error. */
  readonly isError: boolean;
  /** The end of the log, if requested. */
  readonly logTail: Uint8Array | undefined;
}

/** An invocation as delivered to a runtime. */
export interface Delivery {
  /** The invocation. */
  readonly invocation: Invocation;
  /** Its deadline, in milliseconds since 1970. */
  readonly deadline: number;
}
