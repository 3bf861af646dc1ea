/**
 * The runtime's lines in the function's log.
 *
 * @module
 */

/** What a line is about. */
export interface LogDetails {
  /** The id of the invocation's request. */
  requestId?: string | undefined;
  /** The type of the function error that was answered. */
  errorType?: string | undefined;
}

/** Writes a line: `INFO` for what was done, `WARN` for what was not, `ERROR` for failures. */
export type Log = (level: "INFO" | "WARN" | "ERROR", message: string, details?: LogDetails) => void;

/**
 * Writes lines of text.
 *
 * @param write Takes a line.
 * @returns The log.
 */
export function textLog(write: (line: string) => void): Log {
  return (_, message, { requestId, errorType } = {}) => {
    const request = requestId === undefined ? "" : `request ${requestId}: `;
    write(`llama: ${request}${errorType === undefined ? "" : `${errorType}: `}${message}`);
  };
}
