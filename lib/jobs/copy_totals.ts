/**
 * Adds up the copies of stragglers.
 *
 * @module
 */

import { countText, durationText } from "../text/amounts.ts";
import type { JobRecord } from "./record.ts";

/** The copies of a run. */
export class CopyTotals {
  #jobs = 0;
  #copies = 0;
  #won = 0;
  #savedMilliseconds = 0;

  /** The number of copies. */
  get copies(): number {
    return this.#copies;
  }

  /** Adds a job. */
  add({ copies = 0, hasCopyWon = false, savedMilliseconds = 0 }: JobRecord): void {
    if (copies === 0) return;
    this.#jobs++;
    this.#copies += copies;
    if (hasCopyWon) this.#won++;
    this.#savedMilliseconds += savedMilliseconds;
  }

  /**
   * Returns one line such as `3 stragglers copied (4 copies), 2 won, up to 4m 21s saved`; undefined
   * if there are no copies. The jobs' timeouts bound the time that was saved.
   */
  get text(): string | undefined {
    if (this.#jobs === 0) return undefined;
    const seconds = this.#savedMilliseconds / 1000;
    return [
      countText(this.#jobs, "straggler") + " copied" +
      (this.#copies > this.#jobs ? ` (${countText(this.#copies, "copy", "copies")})` : ""),
      `${this.#won} won`,
      ...(seconds >= 1 ? [`up to ${durationText(seconds)} saved`] : []),
    ].join(", ");
  }
}
