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
  /** For a caller that reads the response as it is made. */
  readonly live?: LiveCaller | undefined;
}

/** A caller of InvokeWithResponseStream. */
export interface LiveCaller {
  /** Passes on a part of a streamed response; resolves when there is room for more. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Aborted when the caller disconnects. */
  readonly gone: AbortSignal;
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
