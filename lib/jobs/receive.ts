/**
 * Receives the responses of jobs.
 *
 * @module
 */

import { isAbort, LlamaError, reasonOf } from "../errors.ts";
import { ownFeatures, type Sizes, sizesOf } from "../features.ts";
import type { Blob, Response } from "../protocol.ts";
import {
  noOutput,
  type ReceivedOutput,
  receiveOutput,
  removeOutput,
  shortOutput,
} from "./big_output.ts";
import type { Job, JobResult } from "./job.ts";
import type { LiveJob } from "./live_job.ts";
import { writeOutputs } from "./outputs.ts";
import type { JobRunner, RunJobOptions } from "./run_options.ts";
import { countInline, countObject, type Transfer } from "./transfer.ts";

/** The part of a result that its response holds. */
export type Received = Omit<JobResult, "logTail" | "requestId" | "elapsedMilliseconds">;

/**
 * Receives a job's response: writes its outputs, and fetches what it refers to.
 *
 * @param response The response, which is not trusted: only outputs of the job are written.
 * @returns The result. Outputs that could not be fetched are among its `outputErrors`.
 * @throws The reason of an aborted signal.
 */
export async function receive(
  runner: Pick<JobRunner, "store" | "features" | "outputFiles">,
  job: Job,
  response: Response,
  { transfer, sharedFiles, signal, spans, liveJob: live }:
    & Pick<RunJobOptions, "sharedFiles" | "signal" | "spans">
    & { readonly transfer: Transfer; readonly liveJob?: LiveJob | undefined },
): Promise<Received> {
  const { store } = runner;
  using _outputs = spans?.span("outputs");
  const needStore = () => {
    if (store) return store;
    throw new LlamaError(
      "config",
      "the function returned data through an object store, but none is configured",
      {
        hint: "set LLAMA_OBJECT_STORE to the function's store",
      },
    );
  };
  const succeeded = response.status === 0;
  const kinds = (runner.features ?? ownFeatures).contents;
  countInline(
    transfer,
    "received",
    sizesOf([response.stdout, response.stderr, ...Object.values(response.outputs)], kinds),
  );
  const onStored = (sizes: Sizes) => countObject(transfer, "received", sizes);
  const outputs = await writeOutputs(job.outputs, response.outputs, {
    succeeded,
    inputs: succeeded ? [] : [...job.inputs, ...sharedFiles?.inputs.values() ?? []],
    store: needStore,
    kinds,
    signal,
    spans,
    onStored,
  });
  const unreceived: LlamaError[] = [];
  const fetchOutput = async (name: string, blob: Blob): Promise<ReceivedOutput> => {
    try {
      return await receiveOutput(blob, {
        files: runner.outputFiles,
        store: needStore,
        kinds,
        signal,
        onStored,
      });
    } catch (cause) {
      if (isAbort(cause, signal)) throw cause;
      // The command has run and its files were written: keep the result.
      unreceived.push(cannotReceive(name, cause));
      return noOutput;
    }
  };
  const stdout = shortOutput(response.stdout) ??
    await fetchOutput("standard output", response.stdout);
  const stderr = shortOutput(response.stderr) ??
    await fetchOutput("standard error", response.stderr);
  const kept = live ? await live.finish({ stdout, stderr }) : { stdout, stderr };
  const files = [kept.stdout.file, kept.stderr.file].filter((file) => file !== undefined);
  return {
    status: response.status,
    stdout: kept.stdout.bytes,
    stdoutFile: kept.stdout.file,
    stderr: kept.stderr.bytes,
    stderrFile: kept.stderr.file,
    written: outputs.written,
    outputErrors: [...outputs.errors, ...unreceived],
    times: response.times,
    memory: response.memory,
    environment: response.environment,
    runtime: response.runtime,
    [Symbol.dispose]: () => {
      for (const file of files.splice(0)) removeOutput(file);
    },
  };
}

function cannotReceive(name: string, cause: unknown): LlamaError {
  return new LlamaError(
    cause instanceof LlamaError ? cause.code : "output",
    `cannot fetch ${name}: ${reasonOf(cause)}`,
    { cause, hint: cause instanceof LlamaError ? cause.hint : undefined },
  );
}
