/**
 * From lines to jobs, before anything is sent.
 *
 * @module
 */

import { resolve } from "node:path";
import { LlamaError, messageOf } from "../errors.ts";
import { jobOf, LineTemplates } from "./expand.ts";
import type { Job } from "./job.ts";
import { isLogged, type LoggedJobs } from "./joblog.ts";
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
  /** What was run before, by the run that is resumed. */
  readonly logged?: LoggedJobs | undefined;
  /** Whether jobs that failed before run again. @default {false} */
  readonly repeatFailed?: boolean | undefined;
}

/** Plans the jobs of one run. */
export class Planner {
  readonly #options: PlannerOptions;
  readonly #templates: LineTemplates;
  readonly #claimed = new Map<string, number>();
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

  /** What differs from job to job. */
  get templates(): Pick<LineTemplates, "usesInput" | "variesFirst"> {
    return this.#templates;
  }

  /**
   * Plans the next job.
   *
   * @param input Its line, or a list, which the templates see as `.Lines` too.
   * @returns The job, and whether the run that is resumed has done it.
   * @throws {LlamaError} `usage` if the run that is resumed did something else.
   */
  plan(input: string | readonly string[]): { planned: PlannedJob; isDone: boolean } {
    const { functionName, templates, logged, repeatFailed = false } = this.#options;
    const index = this.#next++;
    const line = typeof input === "string" ? input : input.join("\n");
    let job: Job | undefined;
    let error: LlamaError | undefined;
    try {
      job = jobOf(functionName, this.#templates.expand(input, index));
      this.#claimOutputs(job, index);
    } catch (cause) {
      error = asLlamaError(cause);
    }
    const command = shellQuote([functionName, ...job?.args ?? templates]);
    const isDone = logged !== undefined && isLogged(logged, index + 1, command, repeatFailed);
    return { planned: { index, functionName, line, command, job, error }, isDone };
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
