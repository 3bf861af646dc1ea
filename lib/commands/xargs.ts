/**
 * `llama xargs`: one command in Lambda for each line of input.
 *
 * @module
 */

import { defaultPrices, readPrices } from "../cost/prices.ts";
import { LlamaError } from "../errors.ts";
import type { FlagValues } from "../flags.ts";
import { newCounts } from "../jobs/counts.ts";
import type { MapOptions } from "../llama.ts";
import { runnable } from "./command.ts";
import { type CommandContext, isLocal, openLlama, openProgress } from "./context.ts";
import { dryRun } from "./dry_run.ts";
import { exitCodeOf, exitCodes } from "./exit.ts";
import { xargsCommand, type xargsFlags } from "./flag_tables.ts";
import { openInput } from "./input.ts";
import { Printer } from "./print/printer.ts";
import { reportError } from "./report.ts";
import { splitInput } from "./run_flags.ts";
import { Summary } from "./summary.ts";

type Values = FlagValues<typeof xargsFlags>;
type Input = Iterable<string> | AsyncIterable<string>;

/** How many jobs' lines are read before there is room for them, so that their number is known. */
const readAhead = 10_000;

/** The command, as data and with what it does. */
export const xargs = runnable(
  xargsCommand,
  async (values, args, context: CommandContext): Promise<number> => {
    const { output } = context;
    const { command, lines } = splitInput(args);
    const summary = new Summary();
    try {
      const input = await openInput(values, { ...context, lines });
      if (values["dry-run"]) return await dryRun(command, input, values, context);
      const options = await mapOptions(values, context);
      const start = performance.now();
      const readsStdin = lines === undefined && values.a === "";
      const failure = await runAll(command, input, options, {
        values,
        context,
        summary,
        readsStdin,
      });
      if (failure) await reportError(output, failure);
      const { jobs, failed } = summary;
      if (values.summary || output.isTerminal) {
        await tell(summary, (performance.now() - start) / 1000, options, context);
      } else if (failed > 0) await output.message(`${failed} of ${jobs} jobs failed`);
      if (options.stop?.aborted) return exitCodes.interrupted;
      if (failure && jobs === 0) return exitCodeOf(failure, exitCodes.jobFailed);
      return failure || failed > 0 ? exitCodes.jobFailed : exitCodes.ok;
    } catch (error) {
      if (!(error instanceof LlamaError)) throw error;
      await reportError(output, error);
      return exitCodeOf(error, exitCodes.jobFailed);
    }
  },
);

/** What the flags say of the run. */
async function mapOptions(values: Values, context: CommandContext): Promise<MapOptions> {
  const { resume, "resume-failed": repeatFailed } = values;
  return {
    concurrency: values.j,
    linesPerJob: values.n,
    readAhead,
    files: values.file,
    logs: values.logs,
    timeoutSeconds: values.timeout,
    retries: values.retries,
    retryOn: values["retry-on"],
    halt: values.halt,
    maxDollars: values["max-cost"],
    prices: values.prices === "" ? undefined : await readPrices(values.prices),
    results: values.results || undefined,
    jobLog: values.joblog || undefined,
    resume: repeatFailed ? "succeeded" : resume ? "ended" : undefined,
    stop: context.drain(),
    signal: context.signal,
  };
}

/** Runs all jobs and prints what comes of them; gives what ended the run before its input. */
async function runAll(
  [functionName = "", ...templates]: readonly string[],
  input: Input,
  options: MapOptions,
  { values, context, summary, readsStdin }: {
    values: Values;
    context: CommandContext;
    summary: Summary;
    readsStdin: boolean;
  },
): Promise<LlamaError | undefined> {
  const { output, environment } = context;
  using printer = new Printer({
    output,
    form: values.print === "keep-order" ? "group" : values.print,
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
  const counts = newCounts();
  await using _progress = openProgress(context, values.progress, counts, readsStdin);
  const llama = openLlama(context, { invokeRetries: values["invoke-retries"] });
  const outcomes = llama.map(functionName, templates, input, { ...options, counts, onSkip });
  let failure: LlamaError | undefined;
  try {
    for await (const outcome of outcomes) {
      summary.add(outcome.record);
      await printer.print(outcome);
    }
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    failure = error;
  }
  await printer.end();
  return failure;
}

async function tell(
  summary: Summary,
  seconds: number,
  { prices = defaultPrices }: MapOptions,
  context: CommandContext,
): Promise<void> {
  const lines = summary.lines({ seconds, isLocal: isLocal(context), pricesDate: prices.date });
  for (const line of lines) await context.output.message(line);
}
