/**
 * What Lambda answers for a function that fails, in its own words.
 *
 * @module
 */

/** A function error. */
export interface Failure {
  /** Its kind, such as `Sandbox.Timedout`. */
  readonly errorType: string;
  /** What went wrong. */
  readonly errorMessage: string;
}

/** The signals that Go, in which Lambda's own part is written, has words for. */
const signalWords: Readonly<Record<string, string>> = {
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
};

/**
 * The failure of an invocation that took longer than its function may.
 *
 * @param requestId The invocation's id.
 * @param seconds The function's timeout.
 * @returns The failure.
 */
export function timedOut(requestId: string, seconds: number): Failure {
  return failure(
    "Sandbox.Timedout",
    requestId,
    `Task timed out after ${seconds.toFixed(2)} seconds`,
  );
}

/**
 * The failure of an environment whose runtime does not ask for its first invocation in time.
 *
 * @param requestId The invocation's id.
 * @param seconds The time it had.
 * @returns The failure.
 */
export function initTimedOut(requestId: string, seconds: number): Failure {
  return failure(
    "Sandbox.Timedout",
    requestId,
    `Runtime did not request an invocation within ${seconds} seconds`,
  );
}

/**
 * The failure of a runtime that ended before it answered.
 *
 * @param requestId The invocation's id.
 * @param status How it ended.
 * @returns The failure.
 */
export function runtimeExited(requestId: string, status: Deno.CommandStatus): Failure {
  const words = status.signal
    ? `signal: ${signalWords[status.signal] ?? status.signal}`
    : `exit status ${status.code}`;
  return failure(
    "Runtime.ExitError",
    requestId,
    status.success
      ? "Runtime exited without providing a reason"
      : `Runtime exited with error: ${words}`,
  );
}

/**
 * The failure of a runtime that cannot be started.
 *
 * @param requestId The invocation's id.
 * @param program What could not be started.
 * @param reason Why.
 * @returns The failure.
 */
export function invalidEntrypoint(requestId: string, program: string, reason: string): Failure {
  return failure("Runtime.InvalidEntrypoint", requestId, `fork/exec ${program}: ${reason}`);
}

/**
 * The failure of an answer over Lambda's limit.
 *
 * @param limit The limit in bytes.
 * @returns The failure.
 */
export function responseTooLarge(limit: number): Failure {
  return {
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: `Response payload size exceeded maximum allowed payload size (${limit} bytes).`,
  };
}

function failure(errorType: string, requestId: string, reason: string): Failure {
  return { errorType, errorMessage: `RequestId: ${requestId} Error: ${reason}` };
}
