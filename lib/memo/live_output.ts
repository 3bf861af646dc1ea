/**
 * The output of jobs that is streamed and kept.
 *
 * @module
 */

import { removeOutput } from "../jobs/big_output.ts";
import type { JobResult } from "../jobs/job.ts";
import { LiveJob, type LiveSinks } from "../jobs/live_job.ts";
import type { Received } from "../jobs/receive.ts";
import type { JobRunner, RunJobOptions } from "../jobs/run_options.ts";

/** Has a job keep the output that it streams. */
export function watch(live: RunJobOptions["live"]): {
  readonly live: RunJobOptions["live"];
  /** Returns the result as it would have been. */
  readonly shown: (result: JobResult) => JobResult;
} {
  let isKept = true;
  return {
    live: live && (() => {
      const sinks = live();
      isKept = sinks.isKept ?? false;
      return { ...sinks, isKept: true };
    }),
    // The result still removes its files when it is disposed of.
    shown: (result) => isKept ? result : { ...result, ...noStreams },
  };
}

/** The output of a result that has passed it on. */
const noStreams = {
  stdout: new Uint8Array(),
  stdoutFile: undefined,
  stderr: new Uint8Array(),
  stderrFile: undefined,
};

/** Passes the output of a kept result on, as if it had been streamed. */
export async function play(
  received: Received,
  live: () => LiveSinks,
  runner: Pick<JobRunner, "outputFiles">,
): Promise<Received> {
  await using job = new LiveJob(live(), runner);
  const { stdout, stdoutFile, stderr, stderrFile } = received;
  const kept = await job.finish({
    stdout: { bytes: stdout, file: stdoutFile, size: stdout.length },
    stderr: { bytes: stderr, file: stderrFile, size: stderr.length },
  });
  const files = [kept.stdout.file, kept.stderr.file].filter((file) => file !== undefined);
  return {
    ...received,
    stdout: kept.stdout.bytes,
    stdoutFile: kept.stdout.file,
    stderr: kept.stderr.bytes,
    stderrFile: kept.stderr.file,
    [Symbol.dispose]: () => {
      for (const file of files.splice(0)) removeOutput(file);
    },
  };
}
