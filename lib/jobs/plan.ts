/**
 * From lines to jobs, before anything is sent.
 *
 * @module
 */

import { resolve } from "node:path";
import { LlamaError, messageOf } from "../errors.ts";
import { jobOf, LineTemplates } from "./expand.ts";
import type { Job } from "./job.ts";
import { hashJob, type Identity, noSharedFiles } from "./identity.ts";
import type { LoggedJobs } from "./logged_jobs.ts";
import type { Spans } from "../trace/spans.ts";
import { shellQuote } from "./quote.ts";

/** What a line came to. */
export interface PlannedJob {
  /** The job's number, from 0. */
  readonly index: number;
  /** The function that runs it. */
  readonly functionName: string;
  /** The line; several are joined by line feeds. */
  readonly line: string;
  /** Function and arguments as a shell would read them; the templates where one fails. */
  readonly command: string;
  /** What the job is made of, for a job log. */
  readonly identity?: Identity | undefined;
  /** What is to run; absent if a template fails on this line. */
  readonly job: Job | undefined;
  /** Why it is not sent; absent if it is. */
  readonly error?: LlamaError | undefined;
  /** Where its time goes, if that is measured. */
  readonly spans?: Spans | undefined;
}

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
  #next = 0;

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

  /**
   * Gives the jobs an identity from now on, for a job log, and leaves out those that it has.
   *
   * @param log What the log has to do with the run.
   */
  useLog(log: LogOptions): void {
    this.#log = log;
  }

  /**
   * Plans the next job.
   *
   * @param input Its line, or a list, which the templates see as `.Lines` too.
   * @returns The job's number, from 0, and the job; undefined if the run that is resumed has done it.
   * @throws {LlamaError} `usage` if the run that is resumed did something else.
   */
  plan(
    input: string | readonly string[],
  ): { readonly index: number; readonly planned: PlannedJob | undefined } {
    const { functionName, templates } = this.#options;
    const index = this.#next++;
    let job: Job | undefined;
    let error: LlamaError | undefined;
    try {
      job = jobOf(functionName, this.#templates.expand(input, index));
      this.#claimOutputs(job, index);
    } catch (cause) {
      error = asLlamaError(cause);
    }
    const words = [functionName, ...job?.args ?? templates];
    let identity: Identity | undefined;
    if (this.#log !== undefined) {
      const { shared, logged, repeatFailed = false } = this.#log;
      const identify = () => identity ??= { own: hashJob(words, input, job), shared };
      const isAll = () => shared === noSharedFiles && isAllInCommand(input, job);
      const before = { seq: index + 1, words, identity: identify, isAllInCommand: isAll };
      if (logged?.isDone(before, repeatFailed)) return { index, planned: undefined };
      identify();
    }
    const line = typeof input === "string" ? input : input.join("\n");
    const command = shellQuote(words);
    return { index, planned: { index, functionName, line, command, identity, job, error } };
  }

  /** Two jobs that write one file would leave either's result; the second is not even sent. */
  #claimOutputs(job: Job, index: number): void {
    const paths = new Set(job.outputs.map(({ local }) => resolve(local)));
    for (const path of paths) {
      const owner = this.#claimed.get(path);
      if (owner !== undefined) {
        throw new LlamaError(
          "output",
          `output ${JSON.stringify(path)} is named by job ${owner + 1} already`,
          { hint: "give each job an output of its own, with {{.Line}} or {{.Idx}} in its name" },
        );
      }
    }
    for (const path of paths) this.#claimed.set(path, index);
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

/**
 * Makes an error of llama's of whatever was thrown.
 *
 * @param error What was thrown.
 * @returns The error itself if it is one.
 */
export function asLlamaError(error: unknown): LlamaError {
  return error instanceof LlamaError
    ? error
    : new LlamaError("service", `unexpected failure: ${messageOf(error)}`, { cause: error });
}
