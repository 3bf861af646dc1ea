/**
 * Decides when a job is retried, and when a run ends early.
 *
 * @module
 */

import { type ErrorCode, FunctionError, LlamaError } from "../errors.ts";
import { countText, dollarsText } from "../text/amounts.ts";
import type { RunCounts } from "./counts.ts";

/** Which failures to retry: the command's, the function's and the network's, or both. */
export type RetryOn = "exit" | "function" | "all";

/** Errors that a retry may avoid. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "function",
  "throttled",
  "network",
  "service",
  "store",
  "missing-object",
  "protocol",
]);

/** Errors that would affect every other job. */
const common: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "config",
  "credentials",
  "no-such-function",
]);

/**
 * Reports whether to retry a failed job.
 *
 * @param error The reason why it has no result; undefined if its command ran and failed.
 * @param retryOn Which failures to retry.
 * @returns False also for failures that a retry cannot fix, such as a missing input.
 */
export function isWorthRetrying(error: LlamaError | undefined, retryOn: RetryOn): boolean {
  return error === undefined
    ? retryOn !== "function"
    : retryOn !== "exit" && passing.has(error.code) && !error.affectsAll && !isForGood(error);
}

/** An object that has changed since it was found stays so. */
function isForGood(error: LlamaError): boolean {
  return error instanceof FunctionError && error.errorType === "Llama.Changed";
}

/** Reports whether every other job would fail in the same way, so that the run ends. */
export function concernsAllJobs(error: LlamaError): boolean {
  return common.has(error.code) || error.affectsAll;
}

/** The error types of functions that cannot be started. */
const startFailures: ReadonlySet<string> = new Set([
  "Extension.Crash",
  "Extension.InitError",
  "Extension.LaunchError",
  "Llama.BadFunction",
  "Runtime.HandlerNotFound",
  "Runtime.ImportModuleError",
  "Runtime.InvalidEntrypoint",
  "Runtime.InvalidWorkingDir",
  "Runtime.UserCodeSyntaxError",
]);

/**
 * Reports whether a function failed independently of its job, so that every other job would fail, too.
 * Called only while no job has run.
 *
 * @param program The program named by the job, if jobs may name different ones.
 * @returns True if the function or its command cannot be started.
 */
export function failsAtStart(
  { errorType, errorMessage }: FunctionError,
  program: string | undefined,
): boolean {
  if (errorType === "Llama.NoSuchCommand") {
    return program === undefined ||
      !errorMessage.startsWith(`no such command: ${JSON.stringify(program)}:`);
  }
  // The function has no command of its own, and no job names one.
  if (errorType === "Llama.BadRequest") {
    return program === undefined && errorMessage.startsWith("args: no command:");
  }
  // A signal may be due to the job, for example to its use of memory.
  return startFailures.has(errorType) || errorType === "Runtime.ExitError" &&
      /exit status|without providing a reason/.test(errorMessage);
}

/** When failed jobs end a run, like GNU parallel's `--halt`. */
export interface Halt {
  /** Whether the jobs in flight are dropped (`now`) or waited for (`soon`). */
  readonly when: "now" | "soon";
  /** The number of failures that ends the run. */
  readonly count: number;
  /** Whether `count` is a percentage of all jobs, in effect once the end of the input is reached. */
  readonly isPercent: boolean;
}

/** Options for {@linkcode StopPolicy}. */
export interface StopPolicyOptions {
  /** Which failures end the run. */
  readonly halt?: Halt | undefined;
  /** The cost in US dollars that ends the run. */
  readonly maxDollars?: number | undefined;
  /** Aborted when the user wants no new jobs. */
  readonly stop?: AbortSignal | undefined;
  /** The flag that resumes the run, for hints. */
  readonly resumeWith?: string | undefined;
}

/** Decides when a run stops. Dispose of it when the run has ended. */
export class StopPolicy implements Disposable {
  readonly #options: StopPolicyOptions;
  readonly #counts: RunCounts;
  readonly #soon = new AbortController();
  readonly #unsent = new AbortController();
  readonly #now = new AbortController();
  readonly #stop = () => {
    this.#unsent.abort(this.#options.stop?.reason);
    this.#endSoon(this.#options.stop?.reason);
  };
  #error: unknown;

  /**
   * @param counts The run's counts, whose `isEnding` is set here.
   */
  constructor(counts: RunCounts, options: StopPolicyOptions) {
    this.#counts = counts;
    this.#options = options;
    if (options.stop?.aborted) this.#stop();
    options.stop?.addEventListener("abort", this.#stop, { once: true });
  }

  /** Aborted when no more jobs are to be started. */
  get soon(): AbortSignal {
    return this.#soon.signal;
  }

  /** Aborted when started jobs that have not been sent are to be dropped. */
  get unsent(): AbortSignal {
    return this.#unsent.signal;
  }

  /** Aborted when the jobs in flight are to be dropped. */
  get now(): AbortSignal {
    return this.#now.signal;
  }

  /** The reason why the run ended early; undefined if it did not, or the user stopped it. */
  get error(): unknown {
    return this.#error;
  }

  /** Stops listening to the user's signal. */
  [Symbol.dispose](): void {
    this.#options.stop?.removeEventListener("abort", this.#stop);
  }

  /** Ends the run once the jobs in flight have ended. The first reason counts. */
  end(error: unknown): void {
    this.#unsent.abort(error);
    this.endInput(error);
  }

  /** Ends the run at once and drops the jobs in flight. The first reason counts. */
  endNow(error: unknown): void {
    this.end(error);
    this.#now.abort(error);
  }

  /** Ends the run once all started jobs have ended. The first reason counts. */
  endInput(error: unknown): void {
    this.#error ??= error;
    this.#endSoon(error);
  }

  #endSoon(reason: unknown): void {
    this.#counts.isEnding = true;
    this.#soon.abort(reason);
  }

  /** Checks the limits; call it after a job has ended and was counted. */
  jobEnded(): void {
    const { halt, maxDollars, resumeWith } = this.#options;
    const { failed, total, dollars, isEstimate } = this.#counts;
    if (maxDollars !== undefined && dollars >= maxDollars) {
      this.end(
        new LlamaError(
          "halted",
          `the run has cost ${dollarsText(dollars, isEstimate)}: no more jobs are started`,
          {
            hint: resumeWith === undefined
              ? "raise -max-cost or the setting maxCost; a run with -joblog FILE can be resumed"
              : `raise -max-cost or the setting maxCost, and continue with ${resumeWith}`,
          },
        ),
      );
    }
    if (halt === undefined) return;
    const limit = halt.isPercent
      ? total === undefined ? Infinity : total * halt.count / 100
      : halt.count;
    if (failed < limit) return;
    const rest = halt.when === "now" ? "jobs in flight are dropped" : "no more jobs are started";
    this.end(
      new LlamaError("halted", `${countText(failed, "job")} failed: ${rest}`, {
        hint: resumeWith === undefined
          ? "a run with -joblog FILE can be resumed"
          : `continue with the same command and ${resumeWith}; add -resume-failed to rerun failed jobs too`,
      }),
    );
    if (halt.when === "now") this.#now.abort(this.#error);
  }
}
