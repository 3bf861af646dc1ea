/**
 * Plans jobs from lines, before anything is sent.
 *
 * @module
 */

import { resolve } from "node:path";
import { asLlamaError, LlamaError, reasonOf } from "../errors.ts";
import { ClaimedOutputs } from "./claimed_outputs.ts";
import { jobOf, LineTemplates } from "./expand.ts";
import type { Job, OutputFile, PlannedJob } from "./job.ts";
import { columnsOf, type JobInput, lineOf, linesOf } from "./job_input.ts";
import { hashJob, noSharedFiles } from "./log/identity.ts";
import { placeOf } from "./paths.ts";
import type { LoggedJobs } from "./log/logged_jobs.ts";
import { shellQuote } from "../text/shell_quote.ts";

/** Options for {@linkcode Planner}. */
export interface PlannerOptions {
  /** The function that runs the jobs. */
  readonly functionName: string;
  /** The arguments, as templates. */
  readonly templates: readonly string[];
}

/** The job log of a run. */
export interface LogOptions {
  /** The hash of the shared files; see {@linkcode hashSharedFiles}. */
  readonly shared: number;
  /** The jobs of the resumed run. @default {undefined} */
  readonly logged?: LoggedJobs | undefined;
  /** Whether to run failed jobs again. @default {false} */
  readonly repeatFailed?: boolean | undefined;
  /** The log itself, which no job may replace. @default {not a file} */
  readonly path?: string | undefined;
}

/** Plans the jobs of one run. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #templates: LineTemplates;
  readonly #claimed = new ClaimedOutputs();
  #directory: string | undefined;
  #log: LogOptions | undefined;

  /**
   * Parses the templates.
   *
   * @throws {LlamaError} `template` if one does not parse.
   */
  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#templates = new LineTemplates(options.templates);
  }

  /** How the arguments vary between jobs. */
  get templates(): Pick<LineTemplates, "usesInput" | "variesFirst"> {
    return this.#templates;
  }

  /** From now on, gives jobs an identity for the job log, and skips those in it. */
  useLog(log: LogOptions): void {
    this.#log = log;
  }

  /**
   * Reports whether the resumed run has done a job.
   *
   * @param input The job's line, or its list of lines.
   * @param index The job's number, from 0.
   * @throws {LlamaError} `usage` if the job log has a different job of this number.
   */
  isDone(input: JobInput, index: number): boolean {
    const { shared = noSharedFiles, logged, repeatFailed = false } = this.#log ?? {};
    if (!logged?.isKept(index + 1, false)) return false;
    const { job } = this.#expand(input, index);
    const words = this.#wordsOf(job);
    const identity = { own: hashJob(words, linesOf(input), job), shared };
    const isAll = () => shared === noSharedFiles && isAllInCommand(input, job);
    const isDone = logged.isDone(
      { seq: index + 1, words, identity, isAllInCommand: isAll },
      repeatFailed,
    );
    if (isDone && job !== undefined) this.#claimOutputs(job, index);
    return isDone;
  }

  /**
   * Returns the outputs of a job; none if a template fails.
   *
   * @param input The job's line, or a list, also available as `.Lines`.
   * @param index The job's number, from 0.
   */
  outputsOf(input: JobInput, index: number): readonly OutputFile[] {
    return this.#expand(input, index).job?.outputs ?? [];
  }

  /**
   * Plans a job.
   *
   * @param input The job's line, or its list of lines.
   * @param index The job's number, from 0.
   */
  plan(input: JobInput, index: number): PlannedJob {
    const { functionName } = this.#options;
    const expanded = this.#expand(input, index);
    const { job } = expanded;
    const error = expanded.error ?? (job && this.#claimOutputs(job, index));
    const words = this.#wordsOf(job);
    const shared = this.#log?.shared;
    const identity = shared === undefined
      ? undefined
      : { own: hashJob(words, linesOf(input), job), shared };
    const line = lineOf(input);
    return { index, functionName, line, command: shellQuote(words), identity, job, error };
  }

  #expand(input: JobInput, index: number): { job?: Job; error?: LlamaError } {
    try {
      return { job: jobOf(this.#options.functionName, this.#templates.expand(input, index)) };
    } catch (cause) {
      return { error: asLlamaError(cause) };
    }
  }

  /** Returns the function and its arguments, or the templates if one fails. */
  #wordsOf(job: Job | undefined): string[] {
    const { functionName, templates } = this.#options;
    return [functionName, ...job?.args ?? templates];
  }

  /** Refuses a job that writes an earlier job's output, which would leave either one's result. */
  #claimOutputs(job: Job, index: number): LlamaError | undefined {
    if (job.outputs.length === 0) return undefined;
    const { path: log } = this.#log ?? {};
    let paths: Set<string>;
    let replacesLog;
    try {
      // Asked for once, not per job.
      const directory = this.#directory ??= resolve();
      paths = new Set(job.outputs.map(({ local }) => placeOf(local, directory)));
      replacesLog = log !== undefined && paths.has(resolve(directory, log));
    } catch (cause) {
      // Relative paths lead nowhere once the current directory has been removed.
      return new LlamaError("output", `cannot write outputs here: ${reasonOf(cause)}`, {
        cause,
        hint: "the current directory has been removed",
      });
    }
    if (replacesLog) {
      return new LlamaError("output", `output ${JSON.stringify(log)} is the job log of this run`, {
        hint: "give the job log or the output another name",
      });
    }
    for (const path of paths) {
      const owner = this.#claimed.ownerOf(path);
      if (owner !== undefined) {
        return new LlamaError(
          "output",
          `output ${JSON.stringify(path)} is already written by job ${owner + 1}`,
          { hint: "give each job its own output, with {{.Line}} or {{.Idx}} in its name" },
        );
      }
    }
    for (const path of paths) this.#claimed.add(path, index);
    return undefined;
  }
}

/** Reports whether the command alone defines the job: it shows all lines, and no files are generated. */
function isAllInCommand(input: JobInput, job: Job | undefined): boolean {
  if (job === undefined || job.inputs.some(({ source }) => typeof source !== "string")) {
    return false;
  }
  const lines = linesOf(input);
  // `.I` removes the "./" of paths from `find .`.
  const isShown = (text: string) =>
    job.args.some((arg) => arg.includes(text.startsWith("./") ? text.slice(2) : text));
  return (typeof lines === "string" ? [lines] : lines).every(isShown) ||
    columnsOf(input).every(isShown);
}
