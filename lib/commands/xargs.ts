/**
 * `llama xargs`: one command in Lambda for each line of input.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { succeeded } from "../jobs/job.ts";
import { readLines } from "../jobs/lines.ts";
import { shellQuote } from "../jobs/quote.ts";
import type { JobOutcome } from "../llama.ts";
import type { Output } from "../terminal/output.ts";
import { runnable } from "./command.ts";
import { type CommandContext, openLlama } from "./context.ts";
import { exitCodeOf, exitCodes } from "./exit.ts";
import { xargsCommand } from "./flag_tables.ts";
import { reportError, reportLogs } from "./report.ts";

/** Errors that every job would meet: the first of them ends the run. */
const endsTheRun: readonly LlamaError["code"][] = ["config", "credentials", "no-such-function"];

/** The command, as data and with what it does. */
export const xargs = runnable(
  xargsCommand,
  async (values, [functionName = "", ...templates], context: CommandContext): Promise<number> => {
    const { output, signal, stdin } = context;
    let jobs = 0;
    let failures = 0;
    try {
      const lines = readLines(stdin(), { delimiter: values["0"] ? 0 : 10, signal });
      const outcomes = openLlama(context, { invokeRetries: values["invoke-retries"] }).map(
        functionName,
        templates,
        lines,
        {
          concurrency: values.j,
          files: values.file,
          logs: values.logs,
          signal,
        },
      );
      for await (const outcome of outcomes) {
        jobs++;
        if (outcome.error && endsTheRun.includes(outcome.error.code)) throw outcome.error;
        if (!await show(output, functionName, outcome)) failures++;
      }
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      await reportError(output, error);
      return jobs > 1 ? exitCodes.jobFailed : exitCodeOf(error, exitCodes.jobFailed);
    }
    if (failures === 0) return exitCodes.ok;
    await output.message(`${failures} of ${jobs} jobs failed`);
    return exitCodes.jobFailed;
  },
);

/** Shows what came of a job; says whether it did what it was asked for. */
async function show(output: Output, functionName: string, outcome: JobOutcome): Promise<boolean> {
  const { index, job, line, result, error } = outcome;
  const command = job ? shellQuote([functionName, ...job.args]) : `line ${shellQuote([line])}`;
  const about = `job ${index}: ${command}: `;
  if (error) {
    await reportError(output, error, about);
    return false;
  }
  if (!result) return false;
  if (result.logTail !== undefined) await reportLogs(output, result.logTail);
  // Not awaited between the two: nothing of another job comes in between.
  const { stdout, stderr } = result;
  if (stdout.length > 0 || stderr.length > 0) {
    await Promise.all([output.data(stdout), output.talk(stderr)]);
  }
  if (result.status !== 0) await output.message(`${about}${endedHow(result.status)}`);
  for (const outputError of result.outputErrors) await reportError(output, outputError, about);
  return succeeded(result);
}

function endedHow(status: number): string {
  // The original's runtime says -1 where ours says 128 + the signal's number.
  if (status < 0) return "ended by a signal";
  const signal = status - 128;
  return signal > 0 && signal < 65
    ? `exit status ${status} (ended by signal ${signal})`
    : `exit status ${status}`;
}
