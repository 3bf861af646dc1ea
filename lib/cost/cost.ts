/**
 * Computes the cost of invocations.
 *
 * @module
 */

import type { ExecutionEnvironment, Times } from "../protocol.ts";
import type { Architecture, RegionPrices } from "./prices.ts";
import { parseReport } from "./report_line.ts";

/** The known facts about an invocation that has ended. */
export interface Invoked {
  /** The tail of the log, if it was requested. */
  readonly logTail?: string | undefined;
  /** The runtime's times, if it reported them. */
  readonly times?: Times | undefined;
  /** The execution environment, if the runtime reported it. */
  readonly environment?: ExecutionEnvironment | undefined;
  /** The duration as measured on this machine, in milliseconds. */
  readonly elapsedMilliseconds: number;
}

/** The cost of an invocation. */
export interface InvocationCost {
  /** The billed time in milliseconds; an estimate unless Lambda reported it. */
  readonly billedMilliseconds: number;
  /** The function's memory in MB, if known. */
  readonly memory: number | undefined;
  /** The maximum memory used by the function's processes in MB, if Lambda reported it. */
  readonly usedMemory: number | undefined;
  /** The price in US dollars; only that of the request if the memory is unknown. */
  readonly dollars: number;
  /** Whether it is an estimate: not based on Lambda's own figures, or on guessed prices. */
  readonly isEstimate: boolean;
}

/**
 * Computes the cost of one function's invocations. Facts missing for one invocation, for example
 * because it crashed, are taken from earlier invocations of the same function.
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
   * Returns the cost of an invocation. It is based on Lambda's own figures if the log has them,
   * otherwise on the runtime's times, which lack the end of the response (1 to 2 ms), otherwise on
   * the time measured on this machine, which is longer.
   *
   * @param invoked The known facts about the invocation.
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
