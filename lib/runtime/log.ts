/**
 * The runtime's lines in the function's log.
 *
 * @module
 */

/** The context of a log line. */
export interface LogDetails {
  /** The id of the invocation's request. */
  requestId?: string | undefined;
  /** The type of the function error that was reported. */
  errorType?: string | undefined;
}

/** Writes a line to the log. */
export type Log = (level: "INFO" | "WARN" | "ERROR", message: string, details?: LogDetails) => void;

/**
 * Returns a log that writes lines of text.
 */
export function textLog(write: (line: string) => void): Log {
  return (_, message, { requestId, errorType } = {}) => {
    const request = requestId === undefined ? "" : `request ${requestId}: `;
    write(`llama: ${request}${errorType === undefined ? "" : `${errorType}: `}${message}`);
  };
}
