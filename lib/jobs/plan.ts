/**
 * From lines to jobs, before anything is sent.
 *
 * @module
 */

import { resolve } from "node:path";
import { asLlamaError, LlamaError, reasonOf } from "../errors.ts";
import { jobOf, LineTemplates } from "./expand.ts";
import type { Job, PlannedJob } from "./job.ts";
import { hashJob, noSharedFiles } from "./log/identity.ts";
import type { LoggedJobs } from "./log/logged_jobs.ts";
import { shellQuote } from "../text/shell_quote.ts";

/** What jobs are planned with. */
export interface PlannerOptions {
  /** The function that runs them. */
  readonly functionName: string;
  /** The arguments, as templates. */
  readonly templates: readonly string[];
}

/** What a job log has to do with a run. */
export interface LogOptions {
  /** The hash of the files that all jobs share; see {@linkcode hashSharedFiles}. */
  readonly shared: number;
  /** The jobs of the run that is resumed. @default {undefined} */
  readonly logged?: LoggedJobs | undefined;
  /** Whether those of them that failed run again. @default {false} */
  readonly repeatFailed?: boolean | undefined;
}

/** Plans the jobs of one run. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #templates: LineTemplates;
  readonly #claimed = new Map<string, number>();
  #log: LogOptions | undefined;

  /**
   * Parses the templates.
   *
   * @param options What jobs are planned with.
   * @throws {LlamaError} `template` if one does not parse.
   */
  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#templates = new LineTemplates(options.templates);
  }

  /** What differs from job to job. */
  get templates(): Pick<LineTemplates, "usesInput" | "variesFirst"> {
    return this.#templates;
  }

  /**
   * Gives the jobs an identity from now on, for a job log, and skips those that it has.
   *
   * @param log What the log has to do with the run.
   */
  useLog(log: LogOptions): void {
    this.#log = log;
  }

  /**
   * Whether the run that is resumed has done a job.
   *
   * @param input The job's line, or a list, which the templates see as `.Lines` too.
   * @param index Its number, from 0.
   * @returns True if it need not run again.
   * @throws {LlamaError} `usage` if the run that is resumed did something else.
   */
  isDone(input: string | readonly string[], index: number): boolean {
    const { shared = noSharedFiles, logged, repeatFailed = false } = this.#log ?? {};
    if (!logged?.isKept(index + 1, false)) return false;
    const { job } = this.#expand(input, index);
    const words = this.#wordsOf(job);
    const identity = { own: hashJob(words, input, job), shared };
    const isAll = () => shared === noSharedFiles && isAllInCommand(input, job);
    const isDone = logged.isDone(
      { seq: index + 1, words, identity, isAllInCommand: isAll },
      repeatFailed,
    );
    if (isDone && job !== undefined) this.#claimOutputs(job, index);
    return isDone;
  }

  /**
   * Plans a job.
   *
   * @param input Its line, or a list, which the templates see as `.Lines` too.
   * @param index Its number, from 0.
   * @returns The job.
   */
  plan(input: string | readonly string[], index: number): PlannedJob {
    const { functionName } = this.#options;
    const expanded = this.#expand(input, index);
    const { job } = expanded;
    const error = expanded.error ?? (job && this.#claimOutputs(job, index));
    const words = this.#wordsOf(job);
    const shared = this.#log?.shared;
    const identity = shared === undefined ? undefined : { own: hashJob(words, input, job), shared };
    const line = typeof input === "string" ? input : input.join("\n");
    return { index, functionName, line, command: shellQuote(words), identity, job, error };
  }

  #expand(
    input: string | readonly string[],
    index: number,
  ): { job?: Job; error?: LlamaError } {
    try {
      return { job: jobOf(this.#options.functionName, this.#templates.expand(input, index)) };
    } catch (cause) {
      return { error: asLlamaError(cause) };
    }
  }

  /** The function and its arguments; the templates where one fails. */
  #wordsOf(job: Job | undefined): string[] {
    const { functionName, templates } = this.#options;
    return [functionName, ...job?.args ?? templates];
  }

  /** Two jobs that write one file would leave either's result; the second is not even sent. */
  #claimOutputs(job: Job, index: number): LlamaError | undefined {
    if (job.outputs.length === 0) return undefined;
    let paths: Set<string>;
    try {
      paths = new Set(job.outputs.map(({ local }) => resolve(local)));
    } catch (cause) {
      // Relative paths lead nowhere once the current directory has been removed.
      return new LlamaError("output", `cannot write outputs here: ${reasonOf(cause)}`, {
        cause,
        hint: "the current directory has been removed",
      });
    }
    for (const path of paths) {
      const owner = this.#claimed.get(path);
      if (owner !== undefined) {
        return new LlamaError(
          "output",
          `output ${JSON.stringify(path)} is already written by job ${owner + 1}`,
          { hint: "give each job its own output, with {{.Line}} or {{.Idx}} in its name" },
        );
      }
    }
    for (const path of paths) this.#claimed.set(path, index);
    return undefined;
  }
}

/** Whether a job whose command is the same has the same lines too, and no generated files. */
function isAllInCommand(input: string | readonly string[], job: Job | undefined): boolean {
  if (job === undefined || job.inputs.some(({ source }) => typeof source !== "string")) {
    return false;
  }
  const lines = typeof input === "string" ? [input] : input;
  // `.I` cleans the paths that `find .` writes.
  return lines.every((line) =>
    job.args.some((arg) => arg.includes(line.startsWith("./") ? line.slice(2) : line))
  );
}
