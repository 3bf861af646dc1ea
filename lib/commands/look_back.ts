/**
 * What is left of a run for those who look back at it: a trace, and a report.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { endOfFile } from "../jobs/big_output.ts";
import type { JobResult } from "../jobs/job.ts";
import { shellQuote } from "../text/shell_quote.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { Run } from "../report/run.ts";
import type { Span } from "../spans.ts";
import type { CommandContext } from "./context.ts";

/** Keeps what is needed of a run's jobs, and writes it down at the end. */
export interface LookBack {
  /**
   * Adds a job.
   *
   * @param record Its record.
   * @param spans Where its time went.
   * @param stderr What its command wrote to standard error.
   */
  add(
    record: JobRecord,
    spans: readonly Span[] | undefined,
    stderr: Uint8Array | undefined,
  ): void;
  /**
   * Writes the files.
   *
   * @param command The command line after `llama`, without flags.
   * @param facts What the jobs do not say of the run.
   * @returns Why one could not be written; undefined if all were.
   */
  write(
    command: readonly string[],
    facts: Omit<Run, "title" | "jobs" | "failures" | "subcommand">,
  ): Promise<LlamaError | undefined>;
}

/** How much of a long standard error is kept for a report, in bytes: more than it shows. */
const stderrEndBytes = 64 * 1024;

/**
 * Reads the end of what a command wrote to standard error.
 *
 * @param result What came of the job.
 * @returns All of it if it is in memory, otherwise its end.
 * @throws What the file system throws.
 */
export async function stderrEndOf(
  result: JobResult | undefined,
): Promise<Uint8Array | undefined> {
  const file = result?.stderrFile;
  return file === undefined ? result?.stderr : await endOfFile(file, stderrEndBytes);
}

/**
 * Makes ready for what the flags ask for. Nothing of it is loaded where they ask for nothing.
 *
 * @param context Flags and signal.
 * @param report The file for a report; empty for none.
 * @returns What keeps the jobs; undefined if nothing is asked for.
 * @throws {LlamaError} `output` if a file could not be written when all has ended.
 */
export async function openLookBack(
  context: CommandContext,
  report: string,
): Promise<LookBack | undefined> {
  const { global: { trace }, signal } = context;
  if (trace === "" && report === "") return undefined;
  const [{ RunJobs }, { checkWritable, reportFormat, traceFormat, writeCompressed }] = await Promise
    .all([
      import("../report/run.ts"),
      import("../report/write.ts"),
    ]);
  if (trace !== "") await checkWritable(trace, traceFormat);
  if (report !== "") await checkWritable(report, reportFormat);
  const jobs = new RunJobs();
  return {
    add: (record, spans, stderr) => jobs.add(record, spans, stderr),
    write: async (command, facts) => {
      // A run that was interrupted is looked back at, too.
      const stop = signal.aborted ? undefined : signal;
      const subcommand = command[0] === "invoke" ? "invoke" : "xargs";
      try {
        if (trace !== "") {
          const { traceText } = await import("../report/trace.ts");
          await writeCompressed(trace, traceText(jobs.all), traceFormat, stop);
        }
        if (report !== "") {
          const { reportPage } = await import("../report/page.ts");
          const title = `llama ${shellQuote(command)}`;
          const { all, failures } = jobs;
          const page = reportPage({ title, jobs: all, failures, subcommand, ...facts });
          await writeCompressed(report, [page], reportFormat, stop);
        }
        return undefined;
      } catch (error) {
        if (error instanceof LlamaError) return error;
        throw error;
      }
    },
  };
}
