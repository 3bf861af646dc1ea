/**
 * Adds up how the jobs of a run used kept results.
 *
 * @module
 */

import { countText, dollarsText, durationText } from "../text/amounts.ts";
import type { JobRecord } from "./record.ts";

/** The kept results of a run. */
export class KeptTotals {
  #kept = 0;
  #impure = 0;
  #savedMilliseconds = 0;
  #savedDollars = 0;

  /** The number of jobs that did not run, since their results were kept. */
  get kept(): number {
    return this.#kept;
  }

  /** The number of jobs whose results differ from the kept ones. */
  get impure(): number {
    return this.#impure;
  }

  /** Adds a job. */
  add({ cache }: Pick<JobRecord, "cache">): void {
    if (cache?.state === "impure") this.#impure++;
    if (cache?.state !== "hit") return;
    this.#kept++;
    this.#savedMilliseconds += cache.savedMilliseconds ?? 0;
    this.#savedDollars += cache.savedDollars ?? 0;
  }

  /**
   * Returns one line such as `151 kept results saved 11m33s of work and ~$0.020`.
   *
   * @param isLocal Whether the functions run on this machine, at no cost.
   * @returns The line; undefined if there was none.
   */
  text(isLocal: boolean): string | undefined {
    if (this.#kept === 0) return undefined;
    const seconds = this.#savedMilliseconds / 1000;
    const time = seconds < 60 ? `${seconds.toFixed(1)}s` : durationText(seconds);
    const dollars = dollarsText(this.#savedDollars, true);
    return `${countText(this.#kept, "kept result")} saved ${time} of work and ${dollars}` +
      (isLocal ? " if run in AWS" : "");
  }
}
