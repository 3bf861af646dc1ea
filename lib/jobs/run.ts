/**
 * Runs one job, from input files to outputs on this machine.
 *
 * @module
 */

import { findInputs } from "./inputs.ts";
import type { Job, JobResult } from "./job.ts";
import { LiveJob } from "./live_job.ts";
import { checkReplacesNothing } from "./no_clobber.ts";
import { checkOutputs } from "./outputs.ts";
import type { JobRunner, RunJobOptions } from "./run_options.ts";
import type { Transfer } from "./transfer.ts";
import { receive } from "./receive.ts";
import { send } from "./send.ts";

/**
 * Runs one job: sends its files, invokes the function, writes its outputs.
 *
 * @returns The result, whatever the command's exit status.
 * @throws {LlamaError} If the job could not be run: an input cannot be read, the call failed, or the
 * function crashed.
 */
export async function runJob(
  runner: JobRunner,
  job: Job,
  options: RunJobOptions = {},
): Promise<JobResult> {
  const start = performance.now();
  const { signal, spans } = options;
  const transfer: Transfer = options.transfer ?? { sentBytes: 0, receivedBytes: 0 };
  signal?.throwIfAborted();
  checkOutputs(job.outputs);
  // An earlier attempt may have written them.
  const isFirst = transfer.sentBytes === 0 && !options.mayHaveWritten;
  if (options.noClobber && isFirst) await checkReplacesNothing(job.outputs);
  const shared = options.sharedFiles?.inputs;
  using inputs = job.inputs.length > 0 ? spans?.span("inputs") : undefined;
  const found = job.inputs.length > 0
    ? await findInputs(job.inputs, shared, runner.findObject)
    : [];
  const objects = found.flatMap(({ object }) => object ?? []);
  if (objects.length > 0) await runner.objectChecks?.check(job.functionName, objects);
  inputs?.[Symbol.dispose]();
  await using live = options.live && new LiveJob(options.live(), runner);
  const sendOptions = { ...options, transfer, liveJob: live };
  const { invocation, response } = await send(runner, job, found, sendOptions);
  const { logTail, requestId } = invocation;
  if (options.delivery) options.delivery.isLlama = true;
  options.onInvoked?.(invocation);
  const received = await receive(runner, job, response, { ...options, transfer, liveJob: live });
  return {
    ...received,
    logTail,
    requestId,
    elapsedMilliseconds: performance.now() - start,
  };
}
