/**
 * A line at the bottom of the terminal that says what a command is waiting for.
 *
 * @module
 */

import type { RunCounts } from "../jobs/counts.ts";
import { printableLine } from "../text/printable.ts";
import type { ProgressTarget, ProgressView } from "./progress.ts";
import type { RunTimes } from "./status_lines.ts";

/** Nobody needs to know about shorter waits, in seconds. */
const leastSeconds = 1;

/**
 * Returns the display of a line.
 *
 * @param text Returns the line; undefined for none at the moment.
 * @param target The terminal.
 * @returns The display; undefined if there is no terminal, or its cursor cannot be moved.
 */
export function waitingView(
  text: () => string | undefined,
  target: Omit<ProgressTarget, "style" | "hasTyping">,
): ProgressView | undefined {
  const { output, term = "" } = target;
  return output.isTerminal && term !== "" && term !== "dumb"
    ? new WaitingView(text, target)
    : undefined;
}

class WaitingView implements ProgressView {
  readonly everyMilliseconds = 250;
  readonly #text: () => string | undefined;
  readonly #target: Omit<ProgressTarget, "style" | "hasTyping">;
  #isShared: boolean | undefined;
  #shown = "";

  constructor(
    text: () => string | undefined,
    target: Omit<ProgressTarget, "style" | "hasTyping">,
  ) {
    this.#text = text;
    this.#target = target;
  }

  show(_: Readonly<RunCounts>, { elapsedSeconds }: RunTimes): void {
    if (elapsedSeconds < leastSeconds) return;
    const { output, size, isInForeground, isShared } = this.#target;
    // Checked only now, when all programs of the pipeline have been started.
    this.#isShared ??= isShared();
    if (this.#isShared || !isInForeground()) return;
    const text = printableLine(this.#text() ?? "").slice(0, size().columns - 1);
    if (text === this.#shown) return;
    this.#shown = text;
    void output.status(text === "" ? [] : [text]);
  }

  end(): Promise<void> {
    return this.#target.output.status([]);
  }

  endSync(): void {
    this.#target.output.endStatusSync();
    this.#shown = "";
  }
}
