/**
 * The summary at the end of a run: time, cost and traffic.
 *
 * @module
 */

import { type EarlyEnd, earlyEndText } from "../jobs/early_end.ts";
import { CopyTotals } from "../jobs/copy_totals.ts";
import { KeptTotals } from "../jobs/kept_totals.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { RequestTotals } from "../client/options.ts";
import { bytesText, countText, dollarsText, durationText } from "../text/amounts.ts";

/** Facts about a run besides its jobs' records. */
export interface SummaryDetails {
  /** The duration of the run, in seconds. */
  readonly seconds: number;
  /** The requests sent, by service. */
  readonly requests: RequestTotals;
  /** The cost of the requests to S3, in US dollars. */
  readonly s3Dollars: number;
  /** Whether the functions ran on this machine, so that nothing is billed. */
  readonly isLocal: boolean;
  /** Whether the prices are those of another region. */
  readonly isGuess: boolean;
  /** The date of the price table. */
  readonly pricesDate: string;
  /** The number of results that could not be kept. @default {0} */
  readonly unkept?: number | undefined;
  /** The progress of a run that ended early. */
  readonly earlyEnd?: EarlyEnd | undefined;
}

/** Adds up the records of a run. */
export class Summary {
  #jobs = 0;
  #failed = 0;
  #skipped = 0;
  #retries = 0;
  #coldStarts = 0;
  #remoteSeconds = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #rawSentBytes = 0;
  #rawReceivedBytes = 0;
  #dollars = 0;
  #isEstimate = false;
  #withoutCost = 0;
  readonly #copies = new CopyTotals();
  readonly #kept = new KeptTotals();

  /** The number of jobs that ended. */
  get jobs(): number {
    return this.#jobs;
  }

  /** The number of jobs that failed. */
  get failed(): number {
    return this.#failed;
  }

  /** The number of jobs whose result differs from the kept one. */
  get impure(): number {
    return this.#kept.impure;
  }

  /** Adds a job that ended. */
  add(record: JobRecord): void {
    const { ok, attempts, times, billedMilliseconds = 0, cost } = record;
    this.#kept.add(record);
    this.#jobs++;
    this.#copies.add(record);
    if (!ok) this.#failed++;
    this.#retries += Math.max(attempts - 1, 0);
    if (times?.cold) this.#coldStarts++;
    // The times are those of the last attempt, and a crash leaves none.
    const isWhole = times !== undefined && attempts === 1;
    this.#remoteSeconds += (isWhole ? times.totalMilliseconds : billedMilliseconds) / 1000;
    this.#sentBytes += record.sentBytes;
    this.#receivedBytes += record.receivedBytes;
    this.#rawSentBytes += record.rawBytes?.sent ?? record.sentBytes;
    this.#rawReceivedBytes += record.rawBytes?.received ?? record.receivedBytes;
    if (cost) {
      this.#dollars += cost.dollars;
      this.#isEstimate ||= cost.isEstimate;
    } else if (attempts > 0) this.#withoutCost++;
  }

  /** Counts a job that an earlier run has done. */
  skip(): void {
    this.#skipped++;
  }

  /**
   * Returns the lines of the summary.
   *
   * @param details Facts about the run besides its records.
   */
  lines(details: SummaryDetails): string[] {
    const { kept } = this.#kept;
    const jobs = [
      countText(this.#jobs, "job"),
      ...(this.#skipped > 0 ? [`${this.#skipped} skipped`] : []),
      ...(kept > 0 ? [`${kept.toLocaleString("en-US")} kept`] : []),
      ...(details.unkept ? [`${details.unkept.toLocaleString("en-US")} not kept`] : []),
      ...(this.#failed > 0 ? [`${this.#failed} failed`] : []),
      ...(this.#retries > 0 ? [countText(this.#retries, "retry", "retries")] : []),
      countText(this.#coldStarts, "cold start"),
    ].join(", ");
    const { earlyEnd, isLocal, seconds } = details;
    const saved = this.#kept.text(isLocal);
    return [
      ...(earlyEnd ? [`ended early: ${earlyEndText(earlyEnd, isLocal)}`] : []),
      `${jobs}; ${this.#time(seconds)}`,
      ...(this.#copies.text === undefined ? [] : [this.#copies.text]),
      this.#cost(details),
      ...(saved === undefined ? [] : [saved]),
    ];
  }

  #time(seconds: number): string {
    const remote = this.#remoteSeconds;
    const speedUp = remote / seconds;
    return `${secondsText(seconds)} for ${secondsText(remote)} of work` +
      (speedUp >= 1.05 ? `: ${speedUp.toFixed(1)} times as fast as one job at a time` : "");
  }

  #cost({ requests, s3Dollars, isLocal, isGuess, pricesDate }: SummaryDetails): string {
    const bytes = transferText("sent", this.#sentBytes, this.#rawSentBytes) + ", " +
      transferText("received", this.#receivedBytes, this.#rawReceivedBytes);
    const toS3 = requests.s3Reads + requests.s3Writes;
    const sent = `${countText(requests.lambda, "request")} to Lambda` +
      (toS3 > 0 ? `, ${toS3} to S3` : "");
    const dollars = dollarsText(this.#dollars + s3Dollars, this.#isEstimate);
    const notes = [
      `prices of ${pricesDate}`,
      ...(isGuess
        ? ["~ is a guess: prices in China are not built in, pass them with -prices FILE"]
        : this.#isEstimate
        ? ["~ is an estimate: with -logs it is what Lambda bills"]
        : []),
      ...(this.#withoutCost > 0
        ? [`without ${countText(this.#withoutCost, "job")} of unknown memory size`]
        : []),
    ];
    return `${bytes}; ${sent}; ${isLocal ? `${dollars} if run in AWS` : dollars} (${
      notes.join("; ")
    })`;
  }
}

function transferText(what: string, bytes: number, rawBytes: number): string {
  const text = `${bytesText(bytes)} ${what}`;
  return rawBytes === bytes ? text : `${text} (${bytesText(rawBytes)} uncompressed)`;
}

function secondsText(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)}s` : durationText(seconds);
}
