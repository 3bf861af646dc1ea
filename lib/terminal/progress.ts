/**
 * The progress display of a run.
 *
 * @module
 */

import type { RunCounts } from "../jobs/counts.ts";
import { isIgnored } from "./interrupt.ts";
import type { Output } from "./output.ts";
import type { ProgressMode } from "./progress_mode.ts";
import {
  logLine,
  type RunTimes,
  statusLines,
  type StatusStyle,
  type TerminalSize,
} from "./status_lines.ts";

/** Seconds between two lines, if lines were asked for or chosen by `auto`. */
const lineSeconds = { asked: 5, auto: 30 };

/** Options for {@linkcode progressView}. */
export interface ProgressTarget {
  /** The output to write to. */
  readonly output: Output;
  /** The kind of terminal: the variable `TERM`. */
  readonly term: string | undefined;
  /** Whether the run's input is typed on the terminal, where a bar would disturb. */
  readonly hasTyping: boolean;
  /** The style of the text. */
  readonly style: StatusStyle;
  /** Returns the terminal's current size. */
  readonly size: () => TerminalSize;
  /** Returns whether the process is in the foreground of the terminal at the moment. */
  readonly isInForeground: () => boolean;
  /** Returns whether another program of the pipeline may write to the terminal. */
  readonly isShared: () => boolean;
}

/** A form of progress display. */
export interface ProgressView {
  /** The interval between calls of `show`. */
  readonly everyMilliseconds: number;
  /** Shows the progress. */
  show(counts: Readonly<RunCounts>, times: RunTimes): void;
  /** Removes what must not stay on the terminal. */
  end(): Promise<void>;
  /** Does the same synchronously. */
  endSync(): void;
}

/**
 * Returns the display for a value of `-progress`. A bar needs a terminal whose cursor can be moved
 * and that no other program writes to; otherwise lines are printed.
 *
 * @param mode The value of `-progress`.
 * @param target The terminal or log.
 * @returns The display; undefined for none.
 */
export function progressView(
  mode: ProgressMode,
  target: ProgressTarget,
): ProgressView | undefined {
  const { output, term = "", hasTyping } = target;
  if (mode === "none") return undefined;
  const canMove = output.isTerminal && term !== "" && term !== "dumb";
  const wantsBar = mode === "bar" || mode === "auto" && !hasTyping;
  const log = new ProgressLog(target, mode === "auto" ? lineSeconds.auto : lineSeconds.asked);
  return canMove && wantsBar ? new UnsharedBar(target, log) : log;
}

/** A bar and counts in the status area of a terminal. */
export class ProgressBar implements ProgressView {
  /** Ten times a second; more could not be read. */
  readonly everyMilliseconds = 100;
  readonly #target: ProgressTarget;
  #shown = "";
  #isDrawing = false;

  /** @param target The terminal. */
  constructor(target: ProgressTarget) {
    this.#target = target;
  }

  /** Redraws the lines if they or the terminal's size have changed. */
  show(counts: Readonly<RunCounts>, times: RunTimes): void {
    // A terminal that was paused by ctrl-S gets one drawing when it resumes, not all of them.
    if (this.#isDrawing || !this.#target.isInForeground()) return;
    const { output, style } = this.#target;
    const size = this.#target.size();
    const lines = statusLines(counts, times, size, style);
    const shown = JSON.stringify([size, lines]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#isDrawing = true;
    void output.status(lines).finally(() => this.#isDrawing = false);
  }

  /** Removes the lines. */
  end(): Promise<void> {
    return this.#target.output.status([]);
  }

  /** Removes the lines synchronously; the next `show` draws them again. */
  endSync(): void {
    this.#target.output.endStatusSync();
    this.#shown = "";
  }
}

/** A bar once it is known that no other program writes to the terminal, and lines until then. */
export class UnsharedBar implements ProgressView {
  /** That of a bar. */
  readonly everyMilliseconds: number;
  readonly #target: ProgressTarget;
  readonly #bar: ProgressBar;
  readonly #log: ProgressLog;
  #isUnshared = false;
  #looks = 0;

  /**
   * @param target The terminal.
   * @param log The lines.
   */
  constructor(target: ProgressTarget, log: ProgressLog) {
    this.#target = target;
    this.#log = log;
    this.#bar = new ProgressBar(target);
    this.everyMilliseconds = this.#bar.everyMilliseconds;
  }

  /** Draws the bar, or writes a line if it is time for one. */
  show(counts: Readonly<RunCounts>, times: RunTimes): void {
    // The other programs may not have been started yet. Checks become less frequent with time.
    if (!this.#isUnshared && times.elapsedSeconds >= firstLookSeconds * (2 ** this.#looks - 1)) {
      this.#looks++;
      this.#isUnshared = !this.#target.isShared();
    }
    if (this.#isUnshared) this.#bar.show(counts, times);
    else this.#log.show(counts, times);
  }

  /** Removes the bar. */
  end(): Promise<void> {
    return this.#bar.end();
  }

  /** Removes the bar synchronously. */
  endSync(): void {
    this.#bar.endSync();
  }
}

/** The time between the first two checks for other programs on the terminal. */
const firstLookSeconds = 0.1;

/** Progress as lines in a log, at growing intervals. */
export class ProgressLog implements ProgressView {
  /** Shorter than the interval between two lines. */
  readonly everyMilliseconds = 1000;
  readonly #target: Pick<ProgressTarget, "output" | "style">;
  readonly #everySeconds: number;
  #nextSeconds: number;

  /**
   * @param target The output and style.
   * @param everySeconds The time before the first line, and the shortest time between two.
   */
  constructor(target: Pick<ProgressTarget, "output" | "style">, everySeconds: number) {
    this.#target = target;
    this.#everySeconds = everySeconds;
    this.#nextSeconds = everySeconds;
  }

  /** Writes a line if it is time for one. */
  show(counts: Readonly<RunCounts>, times: RunTimes): void {
    const { elapsedSeconds } = times;
    if (elapsedSeconds < this.#nextSeconds) return;
    // A line per tenth of the elapsed time keeps the log of a long run short.
    this.#nextSeconds = elapsedSeconds + Math.max(this.#everySeconds, elapsedSeconds / 10);
    const { output, style } = this.#target;
    void output.message(logLine(counts, times, style));
  }

  /** Does nothing: the lines stay. */
  end(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: the lines stay. */
  endSync(): void {}
}

/**
 * Shows the progress of a run until it is closed. It polls the counts, so that the display costs
 * nothing per job.
 */
export class Progress {
  readonly #view: ProgressView;
  readonly #counts: Readonly<RunCounts>;
  readonly #start = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #canSuspend = !isIgnored("SIGTSTP");
  #endedJobs = 0;
  #lastEndSeconds = 0;

  /**
   * Starts the display.
   *
   * @param view The form of display.
   * @param counts The counts, which the run updates.
   */
  constructor(view: ProgressView, counts: Readonly<RunCounts>) {
    this.#view = view;
    this.#counts = counts;
    this.#timer = setInterval(() => this.#show(), view.everyMilliseconds);
    if (this.#canSuspend) Deno.addSignalListener("SIGTSTP", this.#suspend);
  }

  /** Ends the display, and waits until it has been removed from the terminal. */
  async close(): Promise<void> {
    this.#stop();
    await this.#view.end();
  }

  /** Ends the display synchronously, for a process that is about to exit. */
  closeSync(): void {
    this.#stop();
    this.#view.endSync();
  }

  #stop(): void {
    clearInterval(this.#timer);
    if (this.#canSuspend) Deno.removeSignalListener("SIGTSTP", this.#suspend);
  }

  #show(): void {
    const elapsedSeconds = (performance.now() - this.#start) / 1000;
    const endedJobs = this.#counts.done + this.#counts.failed;
    if (endedJobs !== this.#endedJobs) {
      this.#endedJobs = endedJobs;
      this.#lastEndSeconds = elapsedSeconds;
    }
    this.#view.show(this.#counts, { elapsedSeconds, lastEndSeconds: this.#lastEndSeconds });
  }

  /** Handles ctrl-Z: removes the display, and stops the process as the default action does. */
  readonly #suspend = (): void => {
    this.#view.endSync();
    Deno.kill(Deno.pid, "SIGSTOP");
  };
}
