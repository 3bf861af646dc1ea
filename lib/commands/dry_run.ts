/**
 * `llama xargs -dry-run`: prints the jobs of a run without running them.
 *
 * @module
 */

import { type BlobSource, sizeOf } from "../store/blob.ts";
import { asLlamaError, LlamaError } from "../errors.ts";
import type { FlagValues } from "../cli/flags.ts";
import { ExistingOutputs } from "../jobs/existing_outputs.ts";
import { expandInputs } from "../jobs/input_directory.ts";
import { findInputs, type FindObject } from "../jobs/inputs.ts";
import type { InputFile, Job, PlannedJob } from "../jobs/job.ts";
import { jobInputs, type Line } from "../jobs/job_input.ts";
import { hashSharedFiles } from "../jobs/log/identity.ts";
import { LoggedJobs } from "../jobs/log/logged_jobs.ts";
import { Planner } from "../jobs/plan.ts";
import { failureOf, type JobFailure } from "../jobs/record.ts";
import { sameJobs } from "../jobs/same_jobs.ts";
import { printableLine } from "../text/printable.ts";
import { printableJson } from "../text/printable_json.ts";
import { bytesText } from "../text/amounts.ts";
import type { Llama } from "../llama.ts";
import { type CommandContext, noticesTo } from "./context.ts";
import { KeptCount } from "./dry_kept.ts";
import { DryTotals, findRate } from "./dry_totals.ts";
import { exitCodes } from "../cli/exit_status.ts";
import { cacheModeOf } from "./spec/cache.ts";
import type { xargsFlags } from "./spec/xargs.ts";
import type { ResumedRun } from "./journal.ts";
import { jobLogTarget } from "./job_log.ts";
import { errorLines } from "./messages.ts";

/** A job that was not run, as printed by `-dry-run -json`. */
interface DryJob {
  readonly seq: number;
  readonly function: string;
  readonly command: string;
  readonly args: readonly string[];
  /** `local` may be an object's URL; it is absent for generated text. */
  readonly inputs: readonly { remote: string; local?: string; bytes: number }[];
  readonly outputs: readonly { remote: string; local: string }[];
  /** The errors by which it would fail before anything is sent. */
  readonly errors: readonly JobFailure[];
}

/** The run that is only shown. */
interface DryRun {
  /** The function and the templates of its arguments. */
  readonly command: readonly string[];
  readonly input: Iterable<Line> | AsyncIterable<Line>;
  readonly values: FlagValues<typeof xargsFlags>;
  /** The run that it would resume. */
  readonly last: ResumedRun | undefined;
  /** Opens the connection; called only for objects in S3 and kept results. */
  readonly llama: () => Promise<Llama>;
}

/**
 * Prints the jobs that would run, with their files, and sends nothing.
 *
 * @returns The exit status: 1 if a job would fail before anything is sent.
 * @throws {LlamaError} As a run does before its first job.
 */
export async function dryRun(
  { command, input, values, last, llama }: DryRun,
  context: CommandContext,
): Promise<number> {
  const { output, signal } = context;
  const [functionName = "", ...templates] = command;
  const findObject = async (url: string) => await (await llama()).findObject(url);
  const existing = values["skip-existing"]
    ? new ExistingOutputs(async function* (url) {
      yield* (await llama()).listObjects(url, signal);
    })
    : undefined;
  const repeatFailed = values["resume-failed"];
  const planner = new Planner({ functionName, templates });
  const shared = await expandInputs(values.file, values["f-links"]);
  if (values.resume || repeatFailed || last !== undefined) {
    const target = last?.log.path ?? jobLogTarget(values.joblog, output);
    const logged = await LoggedJobs.read(target, { onNotice: noticesTo(output), signal });
    planner.useLog({
      shared: await hashSharedFiles(shared, signal, {}, findObject),
      logged,
      repeatFailed,
    });
  }
  using totals = await DryTotals.open(context);
  totals.addShared(await sourcesOf(shared, findObject));
  const isKept = await keptOf({ command, values, llama }, context);
  const kept = isKept && new KeptCount(isKept, signal);
  const saidHints = new Set<string>();
  let failures = 0;
  let next = 0;
  let jobs = 0;
  const inputs = jobInputs(input, { linesPerJob: values.n, columnSeparator: values.colsep });
  for await (const jobInput of inputs) {
    signal.throwIfAborted();
    const index = next++;
    const isDone = planner.isDone(jobInput, index) ||
      await existing?.haveAll(planner.outputsOf(jobInput, index));
    if (isDone) {
      totals.addDone();
      continue;
    }
    const planned = planner.plan(jobInput, index);
    // A mistake in a template ends a real run, too.
    if (planned.error?.affectsAll) throw planned.error;
    if (++jobs === 2 && !planner.templates.usesInput) await output.message(sameJobs(templates));
    const { job, error, sources } = await look(planned, shared, findObject);
    if (error === undefined) {
      totals.addJob(sources);
      if (planned.job !== undefined) await kept?.add(planned.job);
    }
    await output.text(values.json ? printableJson(JSON.stringify(job)) + "\n" : textOf(job));
    if (error === undefined) continue;
    failures++;
    const [message = "", hint = ""] = errorLines(error, `job ${job.seq}: ${job.command}: `);
    await output.message(message);
    if (hint === "" || saidHints.has(hint)) continue;
    saidHints.add(hint);
    await output.message(hint);
  }
  const rate = await findRate(context, { command, values });
  totals.setKept(await kept?.end());
  for (const line of await totals.lines(rate, values.j)) await output.message(line);
  return failures === 0 ? exitCodes.ok : exitCodes.jobFailed;
}

/**
 * Returns what tells which jobs have kept results; undefined unless they were asked for, since a dry
 * run sends nothing otherwise.
 */
async function keptOf(
  { command: [functionName = ""], values, llama }: Pick<DryRun, "command" | "values" | "llama">,
  { signal }: CommandContext,
): Promise<((job: Job) => Promise<boolean>) | undefined> {
  const cache = cacheModeOf(values);
  if (cache !== "on" && cache !== "only") return undefined;
  const { file: files, "f-links": fileLinks } = values;
  return await (await llama()).findKept(functionName, { files, fileLinks, cache, signal });
}

/** Finds a job's files, as a run does before it sends them. */
async function look(
  { index, functionName, command, job, error }: PlannedJob,
  shared: readonly InputFile[],
  findObject: FindObject,
): Promise<{ job: DryJob; error: LlamaError | undefined; sources: BlobSource[] }> {
  let failure = error;
  let inputs: DryJob["inputs"] = [];
  let sources: BlobSource[] = [];
  try {
    const found = await findInputs([...shared, ...job?.inputs ?? []], undefined, findObject);
    inputs = found.map(({ remote, source, isDirectory = false, object }) => ({
      remote: isDirectory ? `${remote}/` : remote,
      ...(object ? { local: object.url } : {}),
      ...(source instanceof Uint8Array ? {} : { local: source.path }),
      bytes: object?.size ?? sizeOf(source),
    }));
    const isShared = new Set(shared.map(({ remote }) => remote));
    sources = found.filter(({ remote }) => !isShared.has(remote)).map(({ source }) => source);
  } catch (cause) {
    failure ??= asLlamaError(cause);
  }
  const dry = {
    seq: index + 1,
    function: functionName,
    command,
    args: job?.args ?? [],
    inputs,
    outputs: (job?.outputs ?? []).map(({ remote, local }) => ({ remote, local })),
    errors: failure ? [failureOf(failure)] : [],
  };
  return { job: dry, error: failure, sources };
}

/** Returns the contents of the shared files; none if one is missing, which fails each job. */
async function sourcesOf(
  shared: readonly InputFile[],
  findObject: FindObject,
): Promise<BlobSource[]> {
  try {
    return (await findInputs(shared, undefined, findObject)).map(({ source }) => source);
  } catch (error) {
    if (error instanceof LlamaError) return [];
    throw error;
  }
}

function textOf({ command, inputs, outputs }: DryJob): string {
  const lines = [
    command,
    ...inputs.map(({ remote, local = remote, bytes }) =>
      `  sends ${named(local, remote)} (${bytesText(bytes)})`
    ),
    ...outputs.map(({ remote, local }) => `  fetches ${named(remote, local)}`),
  ];
  return lines.join("\n") + "\n";
}

function named(from: string, to: string): string {
  return printableLine(from === to ? from : `${from} as ${to}`);
}
