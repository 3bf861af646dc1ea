/**
 * `llama invoke`: runs one command in Lambda.
 *
 * @module
 */

import { dirname } from "node:path";
import type { BlobSource } from "../store/blob.ts";
import { CostMeter } from "../cost/cost.ts";
import { defaultPrices, pricesOf } from "../cost/prices.ts";
import { FunctionError, LlamaError } from "../errors.ts";
import { isFunctionTimeout } from "../functions/timeout.ts";
import { removeIfThere } from "../files/whole.ts";
import { piecesOfFile } from "../files/pieces.ts";
import { expandInputs } from "../jobs/input_directory.ts";
import { findInputs } from "../jobs/inputs.ts";
import { KeptTotals } from "../jobs/kept_totals.ts";
import { type Job, type JobResult, succeeded } from "../jobs/job.ts";
import { bytesText } from "../text/amounts.ts";
import { printableLine } from "../text/printable.ts";
import type { RunJobOptions } from "../jobs/run_options.ts";
import { spool } from "../jobs/spool.ts";
import type { RequestTotals } from "../client/options.ts";
import { Spans } from "../spans.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, openLlama, openWaiting } from "./context.ts";
import { exitCodeOf, exitCodes } from "../cli/exit_status.ts";
import { checkAreDistinct } from "./job_log.ts";
import { cacheModeOf } from "./spec/cache.ts";
import { invokeCommand } from "./spec/invoke.ts";
import { type LookBack, openLookBack, StderrEnd } from "./look_back.ts";
import { costLine, reportError, reportLogs, timesLine } from "./messages.ts";

/** `llama invoke`. */
export const invoke = runnable(
  invokeCommand,
  async (values, [functionName = "", ...templates], context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    let spooled: string | undefined;
    let result: JobResult;
    let lookBack: LookBack | undefined;
    const command = ["invoke", functionName, ...templates];
    checkAreDistinct({ "-report": values.report, "-trace": context.global.trace });
    const llama = await openLlama(context, { invokeRetries: values["invoke-retries"] });
    try {
      lookBack = await openLookBack(context, values.report);
      const spans = lookBack && new Spans();
      const template = spans?.span("template");
      const { args, inputs, outputs } = await expandJob(functionName, templates);
      template?.[Symbol.dispose]();
      const files = await expandInputs(values.file, values["f-links"]);
      let stdin: BlobSource | undefined;
      if (values.stdin) {
        // A missing file is reported before the user types any input.
        await findInputs([...files, ...inputs], undefined, (url) => llama.findObject(url));
        stdin = await readStdin(context);
        if (!(stdin instanceof Uint8Array)) spooled = stdin.path;
      }
      const job = {
        functionName,
        args,
        stdin,
        inputs: [...files, ...inputs],
        outputs: [...outputs, ...values.output],
      };
      const options = {
        logs: values.logs,
        noClobber: values["no-clobber"],
        timeoutSeconds: values.timeout,
        cache: cacheModeOf(values),
        explainCache: values["cache-explain"],
        spans,
        signal,
      };
      const stderrEnd = lookBack && new StderrEnd();
      const live = values["no-stream"] ? undefined : {
        stdout: (bytes: Uint8Array) => output.data(bytes),
        stderr: (bytes: Uint8Array) => {
          stderrEnd?.add(bytes.slice());
          return output.talkLive(bytes);
        },
        isTransient: true,
      };
      await using _sending = openWaiting(context, () => sendingText(llama.requests));
      const run = (job: Job, options: RunJobOptions) => llama.run(job, { ...options, live });
      if (lookBack === undefined) result = await run(job, options);
      else {
        const { runRecorded } = await import("./recorded_job.ts");
        result = await runRecorded(llama, job, { options, run, lookBack, stderrEnd });
      }
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      await reportError(output, error);
      const unwritten = await lookBack?.write(command, { isLocal: llama.isLocal });
      if (unwritten) await reportError(output, unwritten);
      const isTimeout = error instanceof FunctionError && isFunctionTimeout(error);
      return isTimeout ? exitCodes.timedOut : exitCodeOf(error, exitCodes.failed);
    } finally {
      if (spooled !== undefined) await removeIfThere(dirname(spooled));
    }
    const { state, why } = result.cache ?? {};
    if (why !== undefined && (state === "impure" || values["cache-explain"])) {
      await output.message(printableLine(why));
    }
    if (result.logTail !== undefined) await reportLogs(output, result.logTail);
    using _result = result;
    const { stdoutFile, stderrFile } = result;
    await output.talk(stderrFile === undefined ? result.stderr : piecesOfFile(stderrFile));
    await output.data(stdoutFile === undefined ? result.stdout : piecesOfFile(stdoutFile));
    if (values.time) {
      await output.message(timesLine(result.elapsedMilliseconds, result.times));
      const kept = new KeptTotals();
      kept.add(result);
      const meter = new CostMeter(pricesOf(defaultPrices, await llama.region()));
      await output.message(
        kept.text(llama.isLocal) ??
          costLine(meter.costOf(result), result.memory, llama.isLocal),
      );
    }
    for (const error of result.outputErrors) await reportError(output, error);
    const unwritten = await lookBack?.write(command, {
      region: llama.isLocal ? undefined : await llama.region(),
      architecture: result.environment?.arch,
      pricesDate: defaultPrices.date,
      isLocal: llama.isLocal,
    });
    if (unwritten) await reportError(output, unwritten);
    if (result.status === 0 && (unwritten || !succeeded(result))) return exitCodes.failed;
    if (result.status === 0 && state === "impure") return exitCodes.jobFailed;
    return result.status;
  },
);

/** Reads standard input, and says so where somebody waits for it. */
async function readStdin(context: CommandContext): Promise<BlobSource> {
  const { output, environment, isStdinTerminal, signal } = context;
  let read = 0;
  if (isStdinTerminal) await output.message("reading standard input; end it with ctrl-D");
  await using _reading = isStdinTerminal
    ? undefined
    : openWaiting(context, () =>
      read === 0
        ? "waiting for standard input"
        : `reading standard input to its end: ${bytesText(read)} so far`);
  return await spool(context.stdin(), environment, signal, (bytes) => void (read = bytes));
}

/** Returns how far sending files has come; undefined once the function is called. */
function sendingText({ lambda, s3WrittenBytes }: RequestTotals): string | undefined {
  if (lambda > 0) return undefined;
  return s3WrittenBytes === 0
    ? "preparing files"
    : `sending files: ${bytesText(s3WrittenBytes)} so far`;
}

/**
 * Returns the job of a command line. The language of templates is loaded only if an argument has a
 * template.
 */
async function expandJob(functionName: string, templates: readonly string[]): Promise<Job> {
  const isPlain = (text: string) => !text.includes("{{") && text.isWellFormed();
  if (templates.every(isPlain)) {
    return { functionName, args: [...templates], inputs: [], outputs: [] };
  }
  const { expandOnce, jobOf } = await import("../jobs/expand.ts");
  return jobOf(functionName, expandOnce(templates));
}
