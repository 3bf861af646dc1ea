/**
 * `llama runs` lists the runs in the journal.
 *
 * @module
 */

import { type PastRun, readPastRun } from "../jobs/journal/past_run.ts";
import { journalDirectory, listRuns } from "../jobs/journal/place.ts";
import { dollarsText, durationText, localTimeText } from "../text/amounts.ts";
import { printableLine } from "../text/printable.ts";
import { printableJson } from "../text/printable_json.ts";
import { tableText } from "../text/table.ts";
import { terminalSize } from "../terminal/terminal_size.ts";
import { runnable } from "../cli/command.ts";
import type { CommandContext } from "./context.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { runsCommand } from "./spec/runs.ts";

/** The `runs` command. */
export const runs = runnable(
  runsCommand,
  async ({ n, json }, _args, { environment, output, signal }: CommandContext): Promise<number> => {
    const directory = journalDirectory(environment);
    const files = directory === undefined ? [] : listRuns(directory);
    const found: PastRun[] = [];
    for (const file of files) {
      if (found.length === n) break;
      const run = await readPastRun(file, signal);
      if (run !== undefined) found.unshift(run);
    }
    if (json) {
      for (const run of found) await output.text(printableJson(JSON.stringify(shown(run))) + "\n");
      return exitCodes.ok;
    }
    if (found.length === 0) {
      await output.message(
        directory === undefined
          ? "there is no journal: HOME is not set"
          : `no runs in ${printableLine(directory)}`,
      );
      return exitCodes.ok;
    }
    const columns = output.isStdoutTerminal ? terminalSize().columns : Infinity;
    await output.text(runsTable(found, columns));
    return exitCodes.ok;
  },
);

/** The lengths of commands in the table, in characters. */
const commandLength = { least: 30, most: 103 };

/**
 * Formats runs as a table.
 *
 * @param runs The runs.
 * @param columns The width of the terminal, for which commands are cut.
 * @returns One line per run, and a header.
 */
export function runsTable(runs: readonly PastRun[], columns = Infinity): string {
  const rows = [
    ["RUN", "STARTED", "TIME", "JOBS", "FAILED", "COST", "ENDED", "COMMAND"],
    ...runs.map(rowOf),
  ];
  const others = tableText(rows.map((row) => [...row.slice(0, -1), "|"])).indexOf("|");
  const { least, most } = commandLength;
  const room = Math.min(Math.max(columns - others, least), most);
  return tableText(
    rows.map((row) =>
      row.map((cell) => cell.length <= room ? cell : `${cell.slice(0, room - 3)}...`)
    ),
  );
}

function rowOf(run: PastRun): string[] {
  const { begin: { command, isLocal }, dollars, isEstimate } = run;
  return [
    String(run.run),
    localTimeText(run.started),
    durationText(run.seconds),
    run.jobs.toLocaleString("en"),
    run.failed.toLocaleString("en"),
    isLocal ? "-" : dollars === 0 && isEstimate ? "?" : dollarsText(dollars, isEstimate),
    run.ending,
    printableLine(command),
  ];
}

/** A run as `-json` has it. */
function shown(run: PastRun): object {
  const { begin, end, ending } = run;
  const { directory, command, concurrency, isLocal = false, jobLog, version } = begin;
  return {
    run: run.run,
    started: run.started,
    seconds: run.seconds,
    jobSeconds: run.jobSeconds,
    jobs: run.jobs,
    failed: run.failed,
    dollars: run.dollars,
    isEstimate: run.isEstimate,
    ended: ending,
    reason: end?.early?.reason,
    function: begin.function,
    command,
    directory,
    concurrency,
    isLocal,
    jobLog,
    version,
    file: run.path,
  };
}
