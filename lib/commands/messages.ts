/**
 * Errors as a person reads them.
 *
 * @module
 */

import type { StackEvent } from "../aws/api/cloudformation.ts";
import type { InvocationCost } from "../cost/cost.ts";
import { FunctionError, type LlamaError } from "../errors.ts";
import type { Times } from "../protocol.ts";
import { bytesText, dollarsText } from "../text/amounts.ts";
import type { Output } from "../terminal/output.ts";

/**
 * Reports an error: what went wrong on one line, and what to do on a second one.
 *
 * @param output Where to.
 * @param error The error.
 * @param prefix What it is about, such as a job.
 */
export async function reportError(output: Output, error: LlamaError, prefix = ""): Promise<void> {
  if (error instanceof FunctionError && error.logTail) await reportLogs(output, error.logTail);
  for (const line of errorLines(error, prefix)) await output.message(line);
}

/**
 * An error in words.
 *
 * @param error The error.
 * @param prefix What it is about, such as a job.
 * @returns What went wrong on one line, and what to do on a second one where that is known.
 */
export function errorLines(error: LlamaError, prefix = ""): string[] {
  const { message, hint } = error;
  return [prefix + oneLine(message), ...(hint === undefined ? [] : [`hint: ${oneLine(hint)}`])];
}

/**
 * Shows a function's log.
 *
 * @param output Where to.
 * @param logTail The log, as Lambda gave it.
 */
export async function reportLogs(output: Output, logTail: string): Promise<void> {
  await output.lines(logTail);
}

/**
 * Shows what happened to a stack.
 *
 * @param output Where to.
 * @param event What happened.
 */
export async function showEvent(output: Output, event: StackEvent): Promise<void> {
  const { resource, type, status, reason } = event;
  await output.message(`${status} ${resource} (${type})${reason ? `: ${oneLine(reason)}` : ""}`);
}

/**
 * Where the time of an invocation went, in milliseconds.
 *
 * @param elapsedMilliseconds From start to end, seen from here.
 * @param times What the runtime says.
 * @returns One line.
 */
export function timesLine(elapsedMilliseconds: number, times: Times | undefined): string {
  const milliseconds = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(1);
  const parts = [`total ${elapsedMilliseconds.toFixed(1)} ms`];
  if (times?.e2e !== undefined) {
    parts.push(`runtime ${milliseconds(times.e2e)}`);
    if (times.fetch !== undefined) parts.push(`fetch ${milliseconds(times.fetch)}`);
    if (times.exec !== undefined) parts.push(`command ${milliseconds(times.exec)}`);
    if (times.upload !== undefined) parts.push(`upload ${milliseconds(times.upload)}`);
    parts.push(`around it ${(elapsedMilliseconds - times.e2e / 1e6).toFixed(1)}`);
  }
  if (times?.cold !== undefined) parts.push(times.cold ? "cold start" : "warm");
  return parts.join(", ");
}

/**
 * What an invocation cost.
 *
 * @param cost The cost.
 * @param memoryBytes Peak bytes of the command, if they are known.
 * @param isLocal Whether it ran on this machine, so that nothing was paid.
 * @returns One line; `~` marks an estimate.
 */
export function costLine(
  { billedMilliseconds, memory, dollars, isEstimate }: InvocationCost,
  memoryBytes: number | undefined,
  isLocal: boolean,
): string {
  const mark = isEstimate ? "~" : "";
  const size = memory === undefined ? "unknown memory" : `${memory} MB`;
  return `billed ${mark}${billedMilliseconds} ms with ${size}: ` +
    (memory === undefined ? "more than " : "") + dollarsText(dollars, isEstimate) +
    (isLocal ? " if it were AWS" : "") +
    (memoryBytes === undefined ? "" : `; the command had ${bytesText(memoryBytes)}`);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, "; ");
}
