/**
 * What goes to a runtime, and what comes of it.
 *
 * @module
 */

/** An invocation on its way to a runtime. */
export interface Invocation {
  /** Its id. */
  readonly requestId: string;
  /** What the caller sent, JSON. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Whether the caller wants the log's tail. */
  readonly wantsLog: boolean;
}

/** How an invocation ended. */
export interface InvocationResult {
  /** What the function answered. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Whether it is a function error. */
  readonly isError: boolean;
  /** The log's tail, where it was asked for. */
  readonly logTail: Uint8Array | undefined;
}

/** What a runtime gets when it asks for its next invocation. */
export interface Delivery {
  /** The invocation. */
  readonly invocation: Invocation;
  /** When its time is over, in milliseconds since 1970. */
  readonly deadline: number;
}
