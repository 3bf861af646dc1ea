/**
 * The runtime's lines in a log whose format is JSON.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 *
 * @module
 */

import type { Log } from "./log.ts";

/** The levels that Lambda knows, the least first. */
const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/**
 * Writes objects with Lambda's keys.
 *
 * @param write Takes a line.
 * @param least The level from which lines are wanted; all are if it is none of Lambda's.
 * @returns The log.
 */
export function jsonLog(write: (line: string) => void, least: string | undefined): Log {
  const first = levels.indexOf(least?.toUpperCase() ?? "");
  return (level, message, details) => {
    if (levels.indexOf(level) < first) return;
    const timestamp = new Date().toISOString();
    write(JSON.stringify({ timestamp, level, message: `llama: ${message}`, ...details }));
  };
}
