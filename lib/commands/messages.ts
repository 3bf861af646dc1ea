/**
 * Messages about errors, invocations and stacks.
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
 * Prints an error and its hint, preceded by the function's log if the error has it.
 *
 * @param prefix Text before the message, such as the job that failed.
 */
export async function reportError(output: Output, error: LlamaError, prefix = ""): Promise<void> {
  if (error instanceof FunctionError && error.logTail) await reportLogs(output, error.logTail);
  for (const line of errorLines(error, prefix)) await output.message(line);
}

/**
 * Returns the lines of a message about an error: what happened and, if it is known, what to do.
 *
 * @param prefix Text before the message, such as the job that failed.
 */
export function errorLines(error: LlamaError, prefix = ""): string[] {
  const { message, hint } = error;
  return [prefix + oneLine(message), ...(hint === undefined ? [] : [`hint: ${oneLine(hint)}`])];
}

/** Prints the end of a function's log, as Lambda returned it. */
export async function reportLogs(output: Output, logTail: string): Promise<void> {
  await output.lines(logTail);
}

/** Prints an event of a CloudFormation stack. */
export async function showEvent(output: Output, event: StackEvent): Promise<void> {
  const { resource, type, status, reason } = event;
  await output.message(`${status} ${resource} (${type})${reason ? `: ${oneLine(reason)}` : ""}`);
}

/**
 * Returns a line that says where the time of an invocation went, in milliseconds.
 *
 * @param elapsedMilliseconds The time from start to end, as measured by the client.
 * @param times The times that the runtime measured.
 */
export function timesLine(elapsedMilliseconds: number, times: Times | undefined): string {
  const milliseconds = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(1);
  const parts = [`total ${elapsedMilliseconds.toFixed(1)} ms`];
  if (times?.e2e !== undefined) {
    parts.push(`runtime ${milliseconds(times.e2e)}`);
    if (times.fetch !== undefined) parts.push(`fetch ${milliseconds(times.fetch)}`);
    if (times.exec !== undefined) parts.push(`command ${milliseconds(times.exec)}`);
    if (times.upload !== undefined) parts.push(`upload ${milliseconds(times.upload)}`);
    parts.push(`outside the runtime ${(elapsedMilliseconds - times.e2e / 1e6).toFixed(1)}`);
  }
  if (times?.cold !== undefined) parts.push(times.cold ? "cold start" : "warm");
  return parts.join(", ");
}

/**
 * Returns a line that says what an invocation cost; `~` marks an estimate.
 *
 * @param memoryBytes The peak memory of the command, if it is known.
 * @param isLocal Whether it ran on this machine, so that nothing is billed.
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
    (isLocal ? " if run in AWS" : "") +
    (memoryBytes === undefined ? "" : `; the command used ${bytesText(memoryBytes)}`);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, "; ");
}
