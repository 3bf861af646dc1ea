/**
 * What an invocation costs.
 *
 * @module
 */

import type { ExecutionEnvironment, Times } from "../protocol.ts";
import type { Architecture, RegionPrices } from "./prices.ts";
import { parseReport } from "./report_line.ts";

/** What is known of an invocation when it has ended. */
export interface Invoked {
  /** The log's tail, where it was asked for. */
  readonly logTail?: string | undefined;
  /** Where the time went, if the runtime says so. */
  readonly times?: Times | undefined;
  /** What it ran in, if the runtime says so. */
  readonly environment?: ExecutionEnvironment | undefined;
  /** How long it took, seen from here, in milliseconds. */
  readonly elapsedMilliseconds: number;
}

/** What an invocation costs. */
export interface InvocationCost {
  /** The time that Lambda bills, in milliseconds; an estimate unless it is Lambda's own figure. */
  readonly billedMilliseconds: number;
  /** The function's memory in MB, if it is known. */
  readonly memory: number | undefined;
  /** The most memory that the function's processes had together, in MB, if Lambda says so. */
  readonly usedMemory: number | undefined;
  /** The price in US dollars; that of the request alone if the memory is not known. */
  readonly dollars: number;
  /** Whether it is an estimate, and not from Lambda's own figures and prices that are known. */
  readonly isEstimate: boolean;
}

/**
 * Tells the cost of one function's invocations. What is not told for one, such as one that crashed,
 * is taken from those before it: all are of the same function.
 */
export class CostMeter {
  readonly #prices: RegionPrices;
  #memory: number | undefined;
  #architecture: Architecture = "x86_64";

  /** @param prices The prices of the function's region. */
  constructor(prices: RegionPrices) {
    this.#prices = prices;
  }

  /**
   * The cost of an invocation: Lambda's own figures where the log has them; else an estimate from
   * the runtime's, which leave out the last steps of the answer (1 to 2 ms); else from the time seen
   * from here, which is longer.
   *
   * @param invoked What is known of it.
   * @returns The cost.
   */
  costOf({ logTail, times, environment, elapsedMilliseconds }: Invoked): InvocationCost {
    const report = logTail === undefined ? undefined : parseReport(logTail);
    this.#memory = report?.memory ?? environment?.memory ?? this.#memory;
    if (environment?.arch === "arm64" || environment?.arch === "x86_64") {
      this.#architecture = environment.arch;
    }
    const billedMilliseconds = report?.billedMilliseconds ??
      Math.ceil(
        times?.e2e === undefined ? elapsedMilliseconds : (times.e2e + (times.init ?? 0)) / 1e6,
      );
    const gigabyteSeconds = (this.#memory ?? 0) / 1024 * billedMilliseconds / 1000;
    return {
      billedMilliseconds,
      memory: this.#memory,
      usedMemory: report?.usedMemory,
      dollars: this.#prices.request + gigabyteSeconds * this.#prices[this.#architecture],
      isEstimate: report === undefined || (this.#prices.isGuess ?? false),
    };
  }
}
