/**
 * The runtime's lines in a log whose format is JSON. Lambda itself drops those below the level that
 * the function is set to, by their `level`.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 *
 * @module
 */

import type { Log } from "./log.ts";

/**
 * Writes objects with Lambda's keys.
 *
 * @param write Takes a line.
 * @returns The log.
 */
export function jsonLog(write: (line: string) => void): Log {
  return (level, message, details) => {
    const timestamp = new Date().toISOString();
    write(JSON.stringify({ timestamp, level, message: `llama: ${message}`, ...details }));
  };
}
