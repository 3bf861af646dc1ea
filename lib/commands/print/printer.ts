/**
 * Prints the outcomes of jobs as the flags ask for.
 *
 * @module
 */

import type { JobOutcome } from "../../jobs/map_options.ts";
import type { Output } from "../../terminal/output.ts";
import { KeepOrder } from "./keep_order.ts";
import { printPieces } from "./piece.ts";
import { render, type RenderOptions } from "./render.ts";

/** Options for {@linkcode Printer}. */
export interface PrinterOptions extends RenderOptions {
  /** The output to print to. */
  readonly output: Output;
  /** Whether to print in input order rather than as jobs end. */
  readonly keepOrder: boolean;
  /** The directory of a temporary file for large output that waits for its turn. */
  readonly directory: string;
}

/** Prints the outcomes of jobs. */
export class Printer implements Disposable {
  readonly #options: PrinterOptions;
  readonly #order: KeepOrder | undefined;
  readonly #saidHints = new Set<string>();

  /** @param options How to print. */
  constructor(options: PrinterOptions) {
    const { output, keepOrder, directory } = options;
    this.#options = options;
    this.#order = keepOrder
      ? new KeepOrder({ print: (pieces) => printPieces(output, pieces), directory })
      : undefined;
  }

  /**
   * Prints the outcome of a job at its turn, and then disposes of the result. Calls must not overlap.
   *
   * @param outcome The outcome.
   * @param isToldBefore Whether a failure of the same kind has been reported, so that this one is not.
   * @throws {OutputClosed} If the reader of standard output has closed it.
   */
  async print(outcome: JobOutcome, isToldBefore: boolean): Promise<void> {
    const said = { failure: isToldBefore, hints: this.#saidHints };
    const pieces = render(outcome, this.#options, said);
    const end = () => outcome.result?.[Symbol.dispose]();
    if (this.#order) return await this.#order.add(outcome.index, pieces, end);
    await printPieces(this.#options.output, pieces);
    end();
  }

  /**
   * Skips a job that does not run.
   *
   * @param index Its number, from 0.
   */
  skip(index: number): void {
    this.#order?.skip(index);
  }

  /** Prints the output that still waits for jobs that never ended. */
  async end(): Promise<void> {
    await this.#order?.end();
  }

  /** Removes the temporary file. */
  [Symbol.dispose](): void {
    this.#order?.[Symbol.dispose]();
  }
}
