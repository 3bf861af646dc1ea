/**
 * The function errors that Lambda itself reports, in its own words.
 *
 * @module
 */

/** A function error. */
export interface Failure {
  /** The error's type, such as `Sandbox.Timedout`. */
  readonly errorType: string;
  /** The message. */
  readonly errorMessage: string;
}

/** Go's names for signals, which Lambda uses. */
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
 * Returns the failure of an invocation that exceeded its function's timeout.
 */
export function timedOut(requestId: string, seconds: number): Failure {
  return failure(
    "Sandbox.Timedout",
    requestId,
    `Task timed out after ${seconds.toFixed(2)} seconds`,
  );
}

/**
 * Returns the failure of an environment whose runtime did not request its first invocation in time.
 */
export function initTimedOut(requestId: string, seconds: number): Failure {
  return failure(
    "Sandbox.Timedout",
    requestId,
    `Runtime did not request an invocation within ${seconds} seconds`,
  );
}

/**
 * Returns the failure of an invocation whose runtime exited before answering.
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
 * Returns the failure of an invocation whose runtime cannot be started.
 */
export function invalidEntrypoint(requestId: string, program: string, reason: string): Failure {
  return failure("Runtime.InvalidEntrypoint", requestId, `fork/exec ${program}: ${reason}`);
}

/**
 * Returns the failure of an answer that exceeds Lambda's limit in bytes.
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
