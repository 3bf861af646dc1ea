/**
 * `llama invoke`: one command in Lambda.
 *
 * @module
 */

import { dirname } from "node:path";
import type { BlobSource } from "../blob.ts";
import { CostMeter } from "../cost/cost.ts";
import { defaultPrices, pricesOf } from "../cost/prices.ts";
import { LlamaError } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { expandOnce } from "../jobs/expand.ts";
import { expandInputs, findInputs } from "../jobs/inputs.ts";
import { type JobResult, succeeded } from "../jobs/job.ts";
import { spool } from "../jobs/spool.ts";
import { runnable } from "./command.ts";
import { type CommandContext, isLocal, openLlama } from "./context.ts";
import { exitCodeOf, exitCodes } from "./exit.ts";
import { invokeCommand } from "./flag_tables.ts";
import { costLine, reportError, reportLogs, timesLine } from "./report.ts";

/** The command, as data and with what it does. */
export const invoke = runnable(
  invokeCommand,
  async (values, [functionName = "", ...templates], context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    let spooled: string | undefined;
    let result: JobResult;
    const llama = await openLlama(context, { invokeRetries: values["invoke-retries"] });
    try {
      const { args, inputs, outputs } = expandOnce(templates);
      const files = await expandInputs(values.file);
      let stdin: BlobSource | undefined;
      if (values.stdin) {
        // Whoever is asked for input shall not find out afterwards that a file is missing.
        await findInputs([...files, ...inputs]);
        stdin = await spool(context.stdin(), context.environment, signal);
        if (!(stdin instanceof Uint8Array)) spooled = stdin.path;
      }
      const job = {
        functionName,
        args,
        stdin,
        inputs: [...files, ...inputs],
        outputs: [...outputs, ...values.output],
      };
      result = await llama.run(job, {
        logs: values.logs,
        timeoutSeconds: values.timeout,
        signal,
      });
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      await reportError(output, error);
      return exitCodeOf(error, exitCodes.failed);
    } finally {
      if (spooled !== undefined) await removeIfThere(dirname(spooled));
    }
    if (result.logTail !== undefined) await reportLogs(output, result.logTail);
    await output.talk(result.stderr);
    await output.data(result.stdout);
    if (values.time) {
      await output.message(timesLine(result.elapsedMilliseconds, result.times));
      const meter = new CostMeter(pricesOf(defaultPrices, await llama.region()));
      await output.message(costLine(meter.costOf(result), result.memory, isLocal(context)));
    }
    for (const error of result.outputErrors) await reportError(output, error);
    if (result.status === 0 && !succeeded(result)) return exitCodes.failed;
    return result.status;
  },
);
