/**
 * The runtime's log in JSON format. Lambda itself filters the lines by their `level`.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 *
 * @module
 */

import type { Log } from "./log.ts";

/**
 * Returns a log that writes JSON objects with Lambda's keys.
 */
export function jsonLog(write: (line: string) => void): Log {
  return (level, message, details) => {
    const timestamp = new Date().toISOString();
    write(JSON.stringify({ timestamp, level, message: `llama: ${message}`, ...details }));
  };
}
