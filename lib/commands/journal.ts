/**
 * The journal of `llama xargs`, and the run that `-resume-last` goes on with.
 *
 * @module
 */

import { isFile } from "../files/is_file.ts";
import { resolve } from "node:path";
import { inForce, readSettings } from "../deploy/settings_file.ts";
import { isOn } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import type { RunCounts } from "../jobs/counts.ts";
import { type EarlyEnd, earlyEndOf } from "../jobs/early_end.ts";
import { Journal } from "../jobs/journal/journal.ts";
import { commandText, type Ending, type RunBegin, runKey } from "../jobs/journal/lines.ts";
import { journalDirectory, runFiles } from "../jobs/journal/place.ts";
import type { JobRecord } from "../jobs/record.ts";
import { ownProcess } from "../system/process_name.ts";
import { version } from "../version.ts";
import type { FlagValues } from "../cli/flags.ts";
import { type CommandContext, isLocal, noticesTo } from "./context.ts";
import type { xargsFlags } from "./spec/xargs.ts";

/** The parts of a run's command line that its journal depends on. */
export interface JournalValues {
  /** The function and the templates of its arguments. */
  readonly command: readonly string[];
  /** The flags. */
  readonly values: FlagValues<typeof xargsFlags>;
}

/** The run that is resumed. */
export interface ResumedRun {
  /** Its number. */
  readonly run: number;
  /** When it started, in ISO 8601 and UTC. */
  readonly started: string;
  /** The job log that says which jobs are done: its own, else its file in the journal. */
  readonly log: { readonly path: string; readonly isJobLog: boolean };
}

/**
 * Finds the run that `-resume-last` goes on with: the last one with the same function, templates,
 * `-n`, `-colsep` and `-local` in this directory of which a job has ended.
 *
 * @returns The run; undefined without `-resume-last`.
 * @throws {LlamaError} `usage` if there is none, or the journal is off.
 */
export async function findLastRun(
  context: CommandContext,
  { command, values }: JournalValues,
): Promise<ResumedRun | undefined> {
  if (!values["resume-last"]) return undefined;
  const directory = journalDirectory(context.environment);
  if (directory === undefined || !await isWanted(context)) {
    throw new LlamaError(
      "usage",
      directory === undefined
        ? "there is no journal, and so no last run: HOME is not set"
        : "there is no last run: the journal is off",
      { hint: "keep a job log with -joblog FILE, and continue with -resume" },
    );
  }
  const key = keyOf(context, { command, values });
  const found = await findRun(directory, (begin) => begin.key === key);
  if (found === undefined) {
    throw new LlamaError("usage", "no earlier run of this command in this directory", {
      hint:
        "`llama runs` lists the runs; function, arguments, -n, -colsep and -local must be the same",
    });
  }
  const { run, path, begin: { started, jobLog } } = found;
  const isJobLog = jobLog !== undefined && isFile(jobLog);
  return { run, started, log: { path: isJobLog ? jobLog : path, isJobLog } };
}

async function findRun(
  directory: string,
  isIt: (begin: RunBegin) => boolean,
): Promise<{ run: number; path: string; begin: RunBegin } | undefined> {
  const { readBeginWithJobs } = await import("../jobs/journal/past_run.ts");
  try {
    for (const { run, path } of runFiles(directory)) {
      const begin = readBeginWithJobs(path);
      if (begin !== undefined && isIt(begin)) return { run, path, begin };
    }
    return undefined;
  } catch (cause) {
    throw new LlamaError("input", `cannot read the journal ${directory}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

/** The journal of a run that is going on. */
export interface RunJournal {
  /** Adds a job that ended. */
  readonly add: (record: JobRecord, identity: string) => Promise<void>;
  /** Adds the end of the run. */
  end(end: JournalEnd): Promise<void>;
}

/** The end of a run, besides its counts. */
export interface JournalEnd {
  readonly how: Ending;
  /** The cost of requests to S3, in US dollars. */
  readonly s3Dollars: number;
  readonly early?: EarlyEnd | undefined;
}

/** Options for {@linkcode openJournal}. */
export interface OpenRunOptions extends JournalValues {
  /** The run that is resumed. */
  readonly last: ResumedRun | undefined;
  /** The path of the run's job log, if it has one. */
  readonly jobLog: string | undefined;
  /** The run's progress. */
  readonly counts: RunCounts;
}

/**
 * Opens the journal of a run; a failure is only reported.
 *
 * @returns The journal; undefined if there is none.
 * @throws {LlamaError} `usage` if the run to resume is still going on.
 */
export async function openJournal(
  context: CommandContext,
  options: OpenRunOptions,
): Promise<RunJournal | undefined> {
  const { environment, output, closeAtExit } = context;
  const { values, command, last, counts } = options;
  const directory = journalDirectory(environment);
  if (values["no-journal"] || directory === undefined || !await isWanted(context)) return undefined;
  const onNotice = noticesTo(output);
  try {
    const key = keyOf(context, options);
    const jobLog = options.jobLog === undefined ? undefined : resolve(options.jobLog);
    const isResumed = values.resume || values["resume-failed"];
    // A run that its job log resumes stays one run.
    const resumed = last?.run ??
      (jobLog !== undefined && isResumed
        ? (await findRun(directory, (begin) => begin.key === key && begin.jobLog === jobLog))?.run
        : undefined);
    const begin: RunBegin = {
      started: new Date().toISOString(),
      key,
      directory: Deno.cwd(),
      function: command[0] ?? "",
      command: commandText(command),
      concurrency: values.j,
      ...isLocal(context) ? { isLocal: true } : {},
      ...jobLog === undefined ? {} : { jobLog },
      version,
      process: { host: Deno.hostname(), ...ownProcess() },
    };
    const journal = await Journal.open(directory, { begin, resumed, onNotice });
    const start = performance.now();
    let jobMilliseconds = 0;
    const endOf = ({ how, s3Dollars, early }: JournalEnd) => ({
      how,
      seconds: Math.round(performance.now() - start) / 1000,
      jobSeconds: Math.round(jobMilliseconds) / 1000,
      jobs: counts.done + counts.failed,
      failed: counts.failed,
      dollars: Number((counts.dollars + s3Dollars).toPrecision(6)),
      isEstimate: counts.isEstimate,
      s3Dollars,
      early,
    });
    // The end of a run that does not come to its own: by a signal, or a defect.
    const cut = () => {
      const { signal } = context;
      const reason = signal.aborted ? String(signal.reason.message) : "internal error";
      return endOf({
        how: signal.aborted ? "interrupted" : "failed",
        s3Dollars: 0,
        early: earlyEndOf({ ...counts, isEnding: true }, reason),
      });
    };
    closeAtExit({ close: () => journal.end(cut()), closeSync: () => journal.endSync(cut()) });
    return {
      add: (record, identity) => {
        jobMilliseconds += record.elapsedMilliseconds;
        return journal.append(record, identity);
      },
      end: (end) => journal.end(endOf(end)),
    };
  } catch (error) {
    if (last !== undefined && error instanceof LlamaError) throw error;
    onNotice(
      `this run has no journal: ${reasonOf(error)}`,
      "-no-journal, or LLAMA_JOURNAL=off, runs without one",
    );
    return undefined;
  }
}

/** Returns the key of the runs that can resume a run. */
export function keyOf(context: CommandContext, { command, values }: JournalValues): string {
  return runKey({
    directory: Deno.cwd(),
    command,
    linesPerJob: values.n,
    columnSeparator: values.colsep,
    isLocal: isLocal(context),
  });
}

/** Whether the settings want a journal. */
async function isWanted({ environment }: CommandContext): Promise<boolean> {
  let journal;
  try {
    ({ journal } = inForce(await readSettings(environment), environment));
  } catch (error) {
    // Settings that cannot be read may have switched it off. A run in AWS reports the error.
    if (error instanceof LlamaError) return false;
    throw error;
  }
  return journal === undefined || journal !== "off" && isOn(journal);
}
