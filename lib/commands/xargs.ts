/**
 * `llama xargs`: runs one command in Lambda per line of input.
 *
 * @module
 */

import { setTimeout as nextTurn } from "node:timers/promises";
import { defaultPrices, pricesOf, readPrices } from "../cost/prices.ts";
import { LlamaError } from "../errors.ts";
import type { FlagValues } from "../cli/flags.ts";
import { newCounts, type RunCounts } from "../jobs/counts.ts";
import { FailureKinds, failureKindText } from "../jobs/failure_kinds.ts";
import { type EarlyEnd, earlyEndOf, earlyEndText } from "../jobs/early_end.ts";
import type { Line } from "../jobs/job_input.ts";
import type { Ending } from "../jobs/journal/lines.ts";
import type { MapOptions } from "../client/options.ts";
import type { Llama } from "../llama.ts";
import { runnable } from "../cli/command.ts";
import {
  type CommandContext,
  isLocal,
  noticesTo,
  openLlama,
  openProgress,
  settingsOf,
} from "./context.ts";
import { exitCodeOf, exitCodes } from "../cli/exit_status.ts";
import { cacheModeOf } from "./spec/cache.ts";
import { xargsCommand, type xargsFlags } from "./spec/xargs.ts";
import { inputName, openInput } from "./input.ts";
import { findLastRun, openJournal, type ResumedRun } from "./journal.ts";
import { checkSettings } from "../deploy/settings_file.ts";
import { checkAreDistinct, checkIsNotInput, jobLogTarget } from "./job_log.ts";
import { type LookBack, openLookBack, stderrEndOf } from "./look_back.ts";
import { LiveLines } from "./print/live_lines.ts";
import { Printer } from "./print/printer.ts";
import { printableJson } from "../text/printable_json.ts";
import type { JobRecord } from "../jobs/record.ts";
import { countText, localTimeText } from "../text/amounts.ts";
import { printableLine } from "../text/printable.ts";
import { reportError } from "./messages.ts";
import { splitInput } from "./spec/run.ts";
import { Summary, type SummaryDetails } from "./summary.ts";
import { Interrupted } from "../terminal/interrupt.ts";

type Values = FlagValues<typeof xargsFlags>;
type Input = Iterable<Line> | AsyncIterable<Line>;

/** The state that the parts of a run share. */
interface Run {
  readonly llama: Llama;
  readonly options: MapOptions;
  readonly values: Values;
  readonly context: CommandContext;
  readonly summary: Summary;
  /** The run's progress. */
  readonly counts: RunCounts;
  /** The failures of its jobs, by kind. */
  readonly failures: FailureKinds;
  /** Collects the jobs for the trace and the report; undefined if there is neither. */
  readonly lookBack: LookBack | undefined;
  /** Whether the lines come from standard input. */
  readonly readsStdin: boolean;
  /** The function's architecture, once a job has reported it. */
  architecture?: string | undefined;
}

/** The number of jobs whose lines are read ahead, so that the progress can show a total. */
const readAhead = 10_000;

/** `llama xargs`. */
export const xargs = runnable(
  xargsCommand,
  async (values, args, context: CommandContext): Promise<number> => {
    const { output } = context;
    const { command, lists } = splitInput(args);
    let opened: Promise<Llama> | undefined;
    const open = () => opened ??= openLlama(context, { invokeRetries: values["invoke-retries"] });
    try {
      const { joblog, report } = values;
      checkAreDistinct({ "-joblog": joblog, "-report": report, "-trace": context.global.trace });
      if (joblog !== "") await checkIsNotInput(joblog, inputName(values.a), lists);
      const last = await findLastRun(context, { command, values });
      const readsStdin = lists === undefined && inputName(values.a) === "";
      if (readsStdin && context.isStdinTerminal) {
        await output.message("reading lines from standard input; end them with ctrl-D");
      }
      const input = await openInput(values, {
        ...context,
        lists,
        onNotice: noticesTo(output),
        s3: open,
      });
      if (values["dry-run"]) {
        const { dryRun } = await import("./dry_run.ts");
        return await dryRun({ command, input, values, last, llama: open }, context);
      }
      const lookBack = await openLookBack(context, values.report);
      const mapped = { ...await mapOptions(values, context, last), spans: lookBack !== undefined };
      const counts = newCounts();
      const jobLog = typeof mapped.jobLog === "string" ? mapped.jobLog : undefined;
      const journal = await openJournal(context, { command, values, last, jobLog, counts });
      if (last !== undefined) {
        await output.message(
          `continuing run ${last.run}, which started ${localTimeText(last.started)}`,
        );
      }
      const options = {
        ...mapped,
        onRecord: journal?.add,
        resumeWith: values.joblog !== "" && jobLog !== undefined
          ? "-resume"
          : journal && "-resume-last",
      };
      const llama = await open();
      const summary = new Summary();
      const run: Run = {
        llama,
        options,
        values,
        context,
        summary,
        counts,
        failures: new FailureKinds(),
        lookBack,
        readsStdin,
      };
      const start = performance.now();
      let failure = await runAll(command, input, run);
      const seconds = (performance.now() - start) / 1000;
      const interrupted = interruptionOf(context, options);
      // The message about a ctrl-C is printed in the next turn, and comes first.
      if (interrupted) await nextTurn();
      const earlyEnd = howItEnded(run.counts, failure, interrupted);
      if (values.json && earlyEnd) {
        await output.text(printableJson(JSON.stringify({ run: earlyEnd })) + "\n");
      }
      await tellFailures(run);
      if (failure) await reportError(output, failure);
      const s3Cost = await s3CostOf(run);
      const { s3Dollars } = s3Cost;
      await journal?.end({ how: endingOf(failure, interrupted), s3Dollars, early: earlyEnd });
      const unwritten = await lookBack?.write(["xargs", ...command], {
        seconds,
        s3Dollars,
        pricesDate: (options.prices ?? defaultPrices).date,
        region: llama.isLocal || llama.requests.lambda === 0 ? undefined : await llama.region(),
        architecture: run.architecture,
        hasNulLines: values["0"] || values.d === 0,
        isLocal: llama.isLocal,
        resumeWith: options.resumeWith,
        peak: run.counts.peak,
        earlyEnd,
      });
      if (unwritten && unwritten.message !== failure?.message) await reportError(output, unwritten);
      failure ??= unwritten;
      const { jobs, failed } = summary;
      if (values.summary || output.isTerminal) await tell(run, { ...s3Cost, seconds, earlyEnd });
      else if (earlyEnd) {
        await output.message(`ended early: ${earlyEndText(earlyEnd, llama.isLocal)}`);
      } else if (failed > 0) await output.message(`${failed} of ${jobs} jobs failed`);
      if (summary.impure > 0) {
        await output.message(
          `the results of ${summary.impure} of ${countText(jobs, "job")} differ from the kept ones`,
        );
      }
      if (interrupted) {
        const { resumeWith } = options;
        // Of a run without jobs that ended there is no journal to go on with.
        const isResumable = resumeWith === "-resume" || jobs + counts.skipped > 0;
        if (resumeWith !== undefined && isResumable) {
          await output.message(`hint: run the same command with ${resumeWith} to continue`);
        }
        return interrupted.exitCode;
      }
      if (failure && jobs === 0) return exitCodeOf(failure, exitCodes.jobFailed);
      return failure || failed > 0 || summary.impure > 0 ? exitCodes.jobFailed : exitCodes.ok;
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      await reportError(output, error);
      return exitCodeOf(error, exitCodes.jobFailed);
    }
  },
);

/** Returns the interruption that ended the run, at once or once its jobs in flight had ended. */
function interruptionOf(
  { signal }: CommandContext,
  { stop }: MapOptions,
): Interrupted | undefined {
  const reason: unknown = signal.aborted ? signal.reason : stop?.aborted ? stop.reason : undefined;
  return reason instanceof Interrupted ? reason : undefined;
}

/** Returns how far a run that ended early got; undefined if no job has run and the failure says all. */
function howItEnded(
  counts: RunCounts,
  failure: LlamaError | undefined,
  interrupted: Interrupted | undefined,
): EarlyEnd | undefined {
  const hasRun = counts.done + counts.failed + counts.dropped > 0;
  if (!hasRun && interrupted === undefined) return undefined;
  return earlyEndOf(counts, failure?.message ?? interrupted?.message ?? "");
}

function endingOf(
  failure: LlamaError | undefined,
  interrupted: Interrupted | undefined,
): Ending {
  if (interrupted !== undefined) return "interrupted";
  return failure === undefined ? "complete" : failure.code === "halted" ? "halted" : "failed";
}

function isCtrlC(reason: unknown): boolean {
  return reason instanceof Interrupted && reason.exitCode === exitCodes.interrupted;
}

/** Returns the options of the run that the flags set. */
async function mapOptions(
  values: Values,
  context: CommandContext,
  last: ResumedRun | undefined,
): Promise<MapOptions> {
  const { resume, "resume-failed": repeatFailed } = values;
  const { log } = last ?? {};
  return {
    concurrency: values.j,
    linesPerJob: values.n,
    columnSeparator: values.colsep,
    readAhead,
    files: values.file,
    fileLinks: values["f-links"],
    logs: values.logs,
    timeoutSeconds: values.timeout,
    noClobber: values["no-clobber"],
    skipExisting: values["skip-existing"],
    retries: values.retries,
    retryOn: values["retry-on"],
    stragglers: values.stragglers,
    halt: values.halt,
    maxDollars: await maxDollars(values["max-cost"], context),
    prices: values.prices === "" ? undefined : await readPrices(values.prices),
    results: values.results || undefined,
    cache: cacheModeOf(values),
    // A record in JSON is for programs, which can ignore the reason.
    explainCache: values["cache-explain"] || values.json,
    jobLog: values.joblog !== ""
      ? jobLogTarget(values.joblog, context.output)
      : log?.isJobLog
      ? log.path
      : undefined,
    resumeFrom: log?.path,
    resume: repeatFailed ? "succeeded" : resume || log ? "ended" : undefined,
    stop: context.drain(),
    signal: context.signal,
  };
}

/**
 * Returns the cost at which the run ends: that of the flag, else of the settings; undefined if there
 * is no limit. Runs on this machine cost nothing, and have only that of the flag.
 */
async function maxDollars(
  flag: number | undefined,
  context: CommandContext,
): Promise<number | undefined> {
  if (flag !== undefined) return Number.isFinite(flag) ? flag : undefined;
  const { maxCost } = isLocal(context) ? {} : await settingsOf(context);
  if (maxCost === undefined) return undefined;
  // A value of the environment has not been checked yet.
  return Number(checkSettings({ maxCost }, "LLAMA_MAX_COST").maxCost);
}

/** Runs all jobs and prints their outcomes; returns the error that ended the run early, if any. */
async function runAll(
  [functionName = "", ...templates]: readonly string[],
  input: Input,
  run: Run,
): Promise<LlamaError | undefined> {
  const { llama, options, values, context, summary, counts, failures, lookBack, readsStdin } = run;
  const { output, environment } = context;
  const isLive = values.print === "live";
  const stop = new AbortController();
  const lines = isLive ? new LiveLines({ output, tag: values.tag, stop }) : undefined;
  using printer = new Printer({
    output,
    form: values.print === "keep-order" ? "group" : isLive ? "none" : values.print,
    keepOrder: values.k || values.print === "keep-order",
    tag: values.tag,
    json: values.json,
    logs: values.logs,
    directory: environment["TMPDIR"] || "/tmp",
  });
  const onSkip = (index: number) => {
    printer.skip(index);
    summary.skip();
  };
  await using _progress = openProgress(context, values.progress, {
    counts,
    readsStdin,
    isLocal: () => llama.isLocal,
  });
  const mapped = llama.map(functionName, templates, input, {
    ...options,
    ...lines && {
      live: (job) => lines.sinksOf(job),
      signal: AbortSignal.any([context.signal, stop.signal]),
    },
    counts,
    onSkip,
  });
  let failure: LlamaError | undefined;
  try {
    for await (const outcome of mapped) {
      const { record, result } = outcome;
      summary.add(record);
      run.architecture ??= result?.environment?.arch;
      const stderr = lookBack || !record.ok ? await stderrEndOf(result) : undefined;
      lookBack?.add(record, outcome.spans, stderr);
      const isToldBefore = !record.ok && !failures.add(record, stderr).isFirst;
      await printer.print(outcome, isToldBefore);
      const cacheLine = cacheLineOf(record, values);
      if (cacheLine !== undefined) await output.message(cacheLine);
    }
  } catch (error) {
    if (error instanceof LlamaError) failure = error;
    // After a ctrl-C the run's results are still reported. Other signals leave no time for that.
    else if (error !== context.signal.reason || !isCtrlC(error)) throw error;
  }
  await printer.end();
  return failure;
}

/** Returns what the user asked to know about a job and the kept results. */
function cacheLineOf({ seq, cache }: JobRecord, values: Values): string | undefined {
  const { state, why } = cache ?? {};
  const isTold = state === "impure" || state === "miss" && values["cache-explain"];
  return isTold ? printableLine(`job ${seq}: ${why ?? "no kept result"}`) : undefined;
}

/** The maximum number of kinds of failure listed at the end. */
const mostKinds = 10;

/** Lists the failed jobs by kind of failure. A single one has been reported when it happened. */
async function tellFailures({ summary, failures, context: { output } }: Run): Promise<void> {
  if (summary.failed < 2) return;
  const { all } = failures;
  for (const kind of all.slice(0, mostKinds)) await output.message(failureKindText(kind));
  const rest = all.slice(mostKinds).reduce((sum, { count }) => sum + count, 0);
  if (rest > 0) await output.message(`${rest} x other failures`);
}

/** Prints the summary. */
async function tell(
  { llama, options: { prices = defaultPrices }, context, summary, counts }: Run,
  end: Pick<SummaryDetails, "seconds" | "s3Dollars" | "isGuess" | "earlyEnd">,
): Promise<void> {
  const lines = summary.lines({
    ...end,
    requests: llama.requests,
    isLocal: llama.isLocal,
    pricesDate: prices.date,
    unkept: counts.unkept,
  });
  for (const line of lines) await context.output.message(line);
}

/** Returns the cost of the requests to S3, in US dollars, and whether the prices are a guess. */
async function s3CostOf(
  { llama, options: { prices = defaultPrices } }: Run,
): Promise<{ s3Dollars: number; isGuess: boolean }> {
  const { lambda, s3Reads, s3Writes } = llama.requests;
  // If nothing was sent, a region may not be configured.
  if (lambda + s3Reads + s3Writes === 0) return { s3Dollars: 0, isGuess: false };
  const { s3Get, s3Put, isGuess = false } = pricesOf(prices, await llama.region());
  return { s3Dollars: s3Reads * s3Get + s3Writes * s3Put, isGuess };
}
