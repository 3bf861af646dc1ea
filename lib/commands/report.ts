/**
 * `llama report`: a page from the log of an earlier run.
 *
 * @module
 */

import { reportPage } from "../report/page.ts";
import { readRun } from "../report/read_log.ts";
import { checkWritable, reportFormat, writeCompressed } from "../report/write.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, noticesTo } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { reportCommand } from "./spec/report.ts";

/** The command, as data and with what it does. */
export const runReport = runnable(
  reportCommand,
  async (values, [path = ""], { output, signal }: CommandContext): Promise<number> => {
    const target = values.output || `${path}.html`;
    const run = await readRun(path, noticesTo(output));
    await checkWritable(target, reportFormat);
    await writeCompressed(target, [reportPage(run)], reportFormat, signal);
    await output.message(`${run.jobs.length} jobs: ${target}`);
    return exitCodes.ok;
  },
);
