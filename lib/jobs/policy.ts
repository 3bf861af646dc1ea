/**
 * When a job is repeated, and when a run ends before its input.
 *
 * @module
 */

import { type ErrorCode, type FunctionError, LlamaError } from "../errors.ts";
import type { RunCounts } from "./counts.ts";

/** Which failures are worth a repeat: the command's, the function's and the network's, or both. */
export type RetryOn = "exit" | "function" | "all";

/** Failures of which the next attempt would be another. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "function",
  "throttled",
  "network",
  "service",
  "store",
  "missing-object",
  "protocol",
]);

/** Failures that every other job would meet too. */
const common: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "config",
  "credentials",
  "no-such-function",
]);

/**
 * Whether a job that failed may do better in another attempt.
 *
 * @param error Why it has no result; undefined if its command ran and failed.
 * @param retryOn Which failures are worth it.
 * @returns False too for what another attempt cannot mend, such as a missing input.
 */
export function isWorthRetrying(error: LlamaError | undefined, retryOn: RetryOn): boolean {
  return error === undefined
    ? retryOn !== "function"
    : retryOn !== "exit" && passing.has(error.code) && !error.affectsAll;
}

/**
 * Whether a failure is not the job's own: it ends the run.
 *
 * @param error Why the job has no result.
 * @returns True if every other job would fail in the same way.
 */
export function concernsAllJobs(error: LlamaError): boolean {
  return common.has(error.code) || error.affectsAll;
}

/** The error types of functions that cannot be started, whatever they are asked for. */
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
 * Whether a function failed before it looked at its job, so that every other job would meet the same
 * failure. Called while none has run.
 *
 * @param error How it failed.
 * @param program The program that the job itself names, if each job may name another one.
 * @returns True if the function cannot be started, or not the command that it runs.
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
  // A signal may have come of what the job did, such as that it needed too much memory.
  return startFailures.has(errorType) || errorType === "Runtime.ExitError" &&
      /exit status|without providing a reason/.test(errorMessage);
}

/** When a run ends because jobs failed, as GNU parallel's `--halt` has it. */
export interface Halt {
  /** Whether the jobs in flight are dropped, or waited for. */
  readonly when: "now" | "soon";
  /** How many failures it takes. */
  readonly count: number;
  /** Whether `count` is per cent of all jobs; it takes effect once the input's end was seen. */
  readonly isPercent: boolean;
}

/** What ends a run before its input. */
export interface StopPolicyOptions {
  /** After how many jobs. */
  readonly halt?: Halt | undefined;
  /** After how many US dollars. */
  readonly maxDollars?: number | undefined;
  /** When the user wants no new jobs. */
  readonly stop?: AbortSignal | undefined;
  /** The job log, without which a run cannot be resumed. */
  readonly jobLog?: string | undefined;
}

/** Whether a run goes on. Dispose of it when the run has ended. */
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
   * @param counts How far the run is; they are told when it ends.
   * @param options What ends it.
   */
  constructor(counts: RunCounts, options: StopPolicyOptions) {
    this.#counts = counts;
    this.#options = options;
    if (options.stop?.aborted) this.#stop();
    options.stop?.addEventListener("abort", this.#stop, { once: true });
  }

  /** Aborted when no job is to be started any more. */
  get soon(): AbortSignal {
    return this.#soon.signal;
  }

  /** Aborted when those that were started and not sent yet are to be dropped. */
  get unsent(): AbortSignal {
    return this.#unsent.signal;
  }

  /** Aborted when those in flight are to be dropped. */
  get now(): AbortSignal {
    return this.#now.signal;
  }

  /** Why the run ended before its input; undefined if it did not, or the user wanted it. */
  get error(): unknown {
    return this.#error;
  }

  /** Stops listening for the user's wish. */
  [Symbol.dispose](): void {
    this.#options.stop?.removeEventListener("abort", this.#stop);
  }

  /**
   * Ends the run once the jobs in flight have ended. The first reason counts.
   *
   * @param error Why.
   */
  end(error: unknown): void {
    this.#unsent.abort(error);
    this.endInput(error);
  }

  /**
   * Ends the run at once, and drops the jobs in flight. The first reason counts.
   *
   * @param error Why.
   */
  endNow(error: unknown): void {
    this.end(error);
    this.#now.abort(error);
  }

  /**
   * Ends the run once all jobs that were started have ended. The first reason counts.
   *
   * @param error Why there can be no others.
   */
  endInput(error: unknown): void {
    this.#error ??= error;
    this.#endSoon(error);
  }

  #endSoon(reason: unknown): void {
    this.#counts.isEnding = true;
    this.#soon.abort(reason);
  }

  /** A job has ended, and the counts say so. */
  jobEnded(): void {
    const { halt, maxDollars, jobLog } = this.#options;
    const { failed, total, dollars } = this.#counts;
    if (maxDollars !== undefined && dollars >= maxDollars) {
      this.end(
        new LlamaError(
          "halted",
          `the run has cost $${dollars.toPrecision(3)}: no more jobs are started`,
          {
            hint: jobLog === undefined
              ? "raise -max-cost; a run with -joblog FILE can be resumed"
              : "raise -max-cost and continue with -resume",
          },
        ),
      );
    }
    if (halt === undefined) return;
    const limit = halt.isPercent
      ? total === undefined ? Infinity : total * halt.count / 100
      : halt.count;
    if (failed < limit) return;
    const jobs = failed === 1 ? "1 job" : `${failed} jobs`;
    const rest = halt.when === "now" ? "jobs in flight are dropped" : "no more jobs are started";
    this.end(
      new LlamaError("halted", `${jobs} failed: ${rest}`, {
        hint: jobLog === undefined
          ? "a run with -joblog FILE can be resumed"
          : "continue with the same command and -resume, or -resume-failed to repeat failed jobs too",
      }),
    );
    if (halt.when === "now") this.#now.abort(this.#error);
  }
}
