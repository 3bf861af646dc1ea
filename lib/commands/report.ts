/**
 * `llama report`: creates an HTML page about an earlier run from its log, or compares two runs.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { isRunName, journalDirectory, listRuns } from "../jobs/journal/place.ts";
import { compareRuns, type NamedRun } from "../report/compare.ts";
import { reportPage } from "../report/page.ts";
import { readRun } from "../report/read_log.ts";
import { checkWritable, reportFormat, writeCompressed } from "../report/write.ts";
import { countText } from "../text/amounts.ts";
import { printableLine } from "../text/printable.ts";
import { runnable } from "../cli/command.ts";
import { type CommandContext, noticesTo } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { isStandardOutput } from "./job_log.ts";
import { writePieces } from "./look_back.ts";
import { reportCommand } from "./spec/report.ts";

/** `llama report`. */
export const runReport = runnable(
  reportCommand,
  async (values, [name = "", other], context: CommandContext): Promise<number> => {
    const { output, signal } = context;
    const found = await findRun(name, context);
    if (other !== undefined) {
      const before = await named(found, context);
      const after = await named(await findRun(other, context), context);
      await output.text(compareRuns(before, after));
      return exitCodes.ok;
    }
    const target = values.output || `${found.isRun ? `run-${name}` : name}.html`;
    const run = await readRun(found.path, noticesTo(output));
    if (isStandardOutput(target)) {
      await writePieces([reportPage(run)], output);
      return exitCodes.ok;
    }
    await checkWritable(target, reportFormat);
    await writeCompressed(target, [reportPage(run)], reportFormat, signal);
    await output.message(`${countText(run.jobs.length, "job")}: ${target}`);
    return exitCodes.ok;
  },
);

/** A log that a command line names. */
interface FoundRun {
  readonly name: string;
  readonly path: string;
  /** Whether it is the number of a run in the journal. */
  readonly isRun: boolean;
}

async function named(
  { name, path, isRun }: FoundRun,
  { output }: CommandContext,
): Promise<NamedRun> {
  const run = await readRun(path, noticesTo(output));
  return { name: isRun ? `run ${name}` : printableLine(name), run };
}

/** Finds a log by its path, or by the number of its run; a file wins. */
async function findRun(name: string, { environment }: CommandContext): Promise<FoundRun> {
  if (!isRunName(name) || await exists(name)) return { name, path: name, isRun: false };
  const directory = journalDirectory(environment);
  const file = directory === undefined
    ? undefined
    : listRuns(directory).find(({ run }) => run === Number(name));
  if (file !== undefined) return { name, path: file.path, isRun: true };
  throw new LlamaError("input", `there is no file ${name}, and no run of this number`, {
    hint: "`llama runs` lists the runs",
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
