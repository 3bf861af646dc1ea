/**
 * What a run took and cost.
 *
 * @module
 */

import { type EarlyEnd, earlyEndText } from "../jobs/early_end.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { RequestTotals } from "../llama.ts";
import { bytesText, dollarsText, durationText } from "../text/amounts.ts";

/** What the records of the jobs do not say. */
export interface SummaryDetails {
  /** How long the run took, in seconds. */
  readonly seconds: number;
  /** The requests that were sent. */
  readonly requests: RequestTotals;
  /** What those to S3 cost, in US dollars. */
  readonly s3Dollars: number;
  /** Whether the functions ran on this machine, so that nothing was paid. */
  readonly isLocal: boolean;
  /** Whether the prices are another region's. */
  readonly isGuess: boolean;
  /** When the prices were looked up. */
  readonly pricesDate: string;
  /** How far the run came, if it ended before its input. */
  readonly earlyEnd?: EarlyEnd | undefined;
}

/** Adds up the records of a run. */
export class Summary {
  #jobs = 0;
  #failed = 0;
  #skipped = 0;
  #repeats = 0;
  #coldStarts = 0;
  #remoteSeconds = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #dollars = 0;
  #isEstimate = false;
  #withoutCost = 0;

  /** How many jobs there were. */
  get jobs(): number {
    return this.#jobs;
  }

  /** How many of them failed. */
  get failed(): number {
    return this.#failed;
  }

  /** @param record The record of a job that ended. */
  add(record: JobRecord): void {
    const { ok, attempts, times, billedMilliseconds = 0, cost } = record;
    this.#jobs++;
    if (!ok) this.#failed++;
    this.#repeats += Math.max(attempts - 1, 0);
    if (times?.cold) this.#coldStarts++;
    // The times are the last attempt's, and of one that crashed there are none.
    const isWhole = times !== undefined && attempts === 1;
    this.#remoteSeconds += (isWhole ? times.totalMilliseconds : billedMilliseconds) / 1000;
    this.#sentBytes += record.sentBytes;
    this.#receivedBytes += record.receivedBytes;
    if (cost) {
      this.#dollars += cost.dollars;
      this.#isEstimate ||= cost.isEstimate;
    } else if (attempts > 0) this.#withoutCost++;
  }

  /** A job was done by an earlier run. */
  skip(): void {
    this.#skipped++;
  }

  /**
   * The summary.
   *
   * @param details What the records do not say.
   * @returns Its lines.
   */
  lines(details: SummaryDetails): string[] {
    const jobs = [
      amount(this.#jobs, "job"),
      ...(this.#skipped > 0 ? [`${this.#skipped} more done before`] : []),
      ...(this.#failed > 0 ? [`${this.#failed} failed`] : []),
      ...(this.#repeats > 0 ? [amount(this.#repeats, "repeat")] : []),
      amount(this.#coldStarts, "cold start"),
    ].join(", ");
    const { earlyEnd, isLocal, seconds } = details;
    return [
      ...(earlyEnd ? [`ended early: ${earlyEndText(earlyEnd, isLocal)}`] : []),
      `${jobs}; ${this.#time(seconds)}`,
      this.#cost(details),
    ];
  }

  #time(seconds: number): string {
    const remote = this.#remoteSeconds;
    const speedUp = remote / seconds;
    return `${secondsText(seconds)}, for ${secondsText(remote)} of work there` +
      (speedUp >= 1.05 ? `: ${speedUp.toFixed(1)} times as fast as one job after the other` : "");
  }

  #cost({ requests, s3Dollars, isLocal, isGuess, pricesDate }: SummaryDetails): string {
    const bytes = `${bytesText(this.#sentBytes)} sent, ${bytesText(this.#receivedBytes)} received`;
    const toS3 = requests.s3Reads + requests.s3Writes;
    const sent = `${amount(requests.lambda, "request")} to Lambda` +
      (toS3 > 0 ? `, ${toS3} to S3` : "");
    const dollars = dollarsText(this.#dollars + s3Dollars, this.#isEstimate);
    const notes = [
      `prices of ${pricesDate}`,
      ...(isGuess
        ? ["~ is a guess: China's own prices are not built in, -prices FILE has them"]
        : this.#isEstimate
        ? ["~ is an estimate: with -logs Lambda says what it bills"]
        : []),
      ...(this.#withoutCost > 0
        ? [`without ${amount(this.#withoutCost, "job")} of unknown memory`]
        : []),
    ];
    return `${bytes}; ${sent}; ${isLocal ? `${dollars} if it were AWS` : dollars} (${
      notes.join("; ")
    })`;
  }
}

function amount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function secondsText(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)}s` : durationText(seconds);
}
