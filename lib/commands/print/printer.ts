/**
 * Prints what came of jobs, as the flags say.
 *
 * @module
 */

import type { JobOutcome } from "../../jobs/map.ts";
import type { Output } from "../../terminal/output.ts";
import { KeepOrder } from "./keep_order.ts";
import { printPieces } from "./piece.ts";
import { render, type RenderOptions } from "./render.ts";

/** How jobs are printed. */
export interface PrinterOptions extends RenderOptions {
  /** Where to. */
  readonly output: Output;
  /** Whether in the order of the input, or as they end. */
  readonly keepOrder: boolean;
  /** Where a temporary file is made when too much waits for its turn. */
  readonly directory: string;
}

/** Prints what came of jobs. */
export class Printer implements Disposable {
  readonly #options: PrinterOptions;
  readonly #order: KeepOrder | undefined;
  readonly #saidHints = new Set<string>();

  /** @param options How. */
  constructor(options: PrinterOptions) {
    const { output, keepOrder, directory } = options;
    this.#options = options;
    this.#order = keepOrder
      ? new KeepOrder({ print: (pieces) => printPieces(output, pieces), directory })
      : undefined;
  }

  /**
   * Prints what came of a job, or keeps it until it is its turn; then the result is disposed of. One
   * call at a time.
   *
   * @param outcome What came of it.
   * @param isToldBefore Whether it has failed as another job has, so that nothing is said of it.
   * @throws {OutputClosed} If nobody reads standard output any more.
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
   * There will be nothing of a job.
   *
   * @param index Its number, from 0.
   */
  skip(index: number): void {
    this.#order?.skip(index);
  }

  /** Prints what still waits for jobs that never ended. */
  async end(): Promise<void> {
    await this.#order?.end();
  }

  /** Removes what is temporary. */
  [Symbol.dispose](): void {
    this.#order?.[Symbol.dispose]();
  }
}
