/**
 * Messages about runtimes of other versions.
 *
 * @module
 */

import type { KnownFunctions } from "../aws/known_functions.ts";
import type { Job, JobResult } from "../jobs/job.ts";
import { nameOfFunction } from "../jobs/negotiation.ts";
import { unsupportedFeatures } from "../jobs/older_runtime.ts";
import { printableLine } from "../text/printable.ts";
import { isOlder, version } from "../version.ts";

/** Warns about runtimes of other versions, once per function. */
export class RuntimeNotices {
  readonly #notice: (message: string, hint?: string) => void;
  /** The functions that are known to have an older runtime. */
  readonly #older = new Set<string>();
  /** The functions whose runtime was replaced by an older one. */
  readonly #replaced = new Set<string>();

  /** @param notice Shows a message. */
  constructor(notice: (message: string, hint?: string) => void) {
    this.#notice = notice;
  }

  /**
   * Warns if a runtime does not support everything that a job asks for.
   *
   * @param job The job.
   * @param timeoutSeconds Its time limit.
   * @param result Its result.
   */
  older(job: Job, timeoutSeconds: number | undefined, result: JobResult): void {
    const { functionName } = job;
    const what = unsupportedFeatures(job, timeoutSeconds, result);
    if (what === undefined || this.#older.has(functionName)) return;
    this.#older.add(functionName);
    this.#notice(
      `the runtime of ${functionName} is older than this llama and does not support ${what}`,
      "redeploy the function with this llama's runtime",
    );
  }

  /**
   * Warns if a runtime is of another version than this llama; once per pair of versions, which is
   * remembered on this machine.
   *
   * @param functionName The function.
   * @param runtime The version of its runtime.
   * @param known Where it is remembered.
   */
  otherVersion(functionName: string, runtime = version, known: KnownFunctions | undefined): void {
    // The field may hold anything: limit what is shown.
    const theirs = runtime.slice(0, 64);
    const toldOf = `${theirs} ${version}`;
    if (theirs === version || !known || known.get(functionName)?.toldOf === toldOf) return;
    known.learn(functionName, { toldOf });
    this.#notice(
      `the runtime of ${functionName} has version ${printableLine(theirs)}, this llama ${version}`,
      isOlder(version, theirs)
        ? "update llama"
        : `update the runtime: llama update-function ${nameOfFunction(functionName)}`,
    );
  }

  /** Warns that a function's runtime was replaced by an older one during the run. */
  replaced(functionName: string): void {
    if (this.#replaced.has(functionName)) return;
    this.#replaced.add(functionName);
    this.#notice(
      `the runtime of ${functionName} was replaced by an older one: its jobs are sent again ` +
        "without the features that it lacks",
      `update the runtime: llama update-function ${nameOfFunction(functionName)}`,
    );
  }
}
