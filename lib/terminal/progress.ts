/**
 * How far a run is, shown while it goes on.
 *
 * @module
 */

import type { RunCounts } from "../jobs/counts.ts";
import { isIgnored } from "./interrupt.ts";
import type { Output } from "./output.ts";
import {
  logLine,
  type RunTimes,
  statusLines,
  type StatusStyle,
  type TerminalSize,
} from "./status_lines.ts";

/** The values of `-progress`. */
export const progressModes = ["auto", "bar", "lines", "none"] as const;

/** A value of `-progress`. */
export type ProgressMode = typeof progressModes[number];

/** Seconds between two lines: those that were asked for, and those that `auto` chose. */
const lineSeconds = { asked: 5, auto: 30 };

/** What a progress is shown on. */
export interface ProgressTarget {
  /** Where it is written. */
  readonly output: Output;
  /** The variable `TERM`: what kind of terminal it is. */
  readonly term: string | undefined;
  /** Whether a person types the run's input there, which a bar would get in the way of. */
  readonly hasTyping: boolean;
  /** What is said, and how. */
  readonly style: StatusStyle;
  /** Reads the terminal's size. */
  readonly size: () => TerminalSize;
  /** Whether the terminal is ours to draw on at the moment. */
  readonly isInForeground: () => boolean;
  /** Whether another program of the pipeline may write to it. */
  readonly isShared: () => boolean;
}

/** A form of progress. */
export interface ProgressView {
  /** How often it looks for news. */
  readonly everyMilliseconds: number;
  /** Shows how far the run is. */
  show(counts: Readonly<RunCounts>, times: RunTimes): void;
  /** Takes away what must not stay. */
  end(): Promise<void>;
  /** The same at once. */
  endSync(): void;
}

/**
 * The form that a value of `-progress` asks for.
 *
 * @param mode The value.
 * @param target What it is shown on. A bar needs a terminal whose cursor moves, and that nobody else
 * writes to; elsewhere it is lines.
 * @returns The form; undefined for none.
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

/** Lines at the bottom of a terminal, drawn anew where they are. */
export class ProgressBar implements ProgressView {
  /** As often as an eye can follow. */
  readonly everyMilliseconds = 100;
  readonly #target: ProgressTarget;
  #shown = "";
  #isDrawing = false;

  /** @param target The terminal. */
  constructor(target: ProgressTarget) {
    this.#target = target;
  }

  /** Draws what has changed: the numbers, or the terminal's size. */
  show(counts: Readonly<RunCounts>, times: RunTimes): void {
    // A terminal that stands still (ctrl-S) gets one drawing when it goes on, not all of them.
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

  /** Takes the lines away. */
  end(): Promise<void> {
    return this.#target.output.status([]);
  }

  /** Takes the lines away at once; the next drawing brings them back. */
  endSync(): void {
    this.#target.output.endStatusSync();
    this.#shown = "";
  }
}

/** A bar once it is known that nobody else writes to the terminal, and lines until then. */
export class UnsharedBar implements ProgressView {
  /** As a bar. */
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
    // The other programs may not have been started yet, so it is looked again, ever less often.
    if (!this.#isUnshared && times.elapsedSeconds >= firstLookSeconds * (2 ** this.#looks - 1)) {
      this.#looks++;
      this.#isUnshared = !this.#target.isShared();
    }
    if (this.#isUnshared) this.#bar.show(counts, times);
    else this.#log.show(counts, times);
  }

  /** Takes the bar away. */
  end(): Promise<void> {
    return this.#bar.end();
  }

  /** The same at once. */
  endSync(): void {
    this.#bar.endSync();
  }
}

/** The time between the first two looks at who else writes to the terminal. */
const firstLookSeconds = 0.1;

/** Lines in a log, ever fewer: each of them stays. */
export class ProgressLog implements ProgressView {
  /** Finer than what is between two lines. */
  readonly everyMilliseconds = 1000;
  readonly #target: Pick<ProgressTarget, "output" | "style">;
  readonly #everySeconds: number;
  #nextSeconds: number;

  /**
   * @param target Where the lines go.
   * @param everySeconds The time before the first line, and between two.
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
    // A tenth more of a long run is worth a line, so that a day does not fill a log.
    this.#nextSeconds = elapsedSeconds + Math.max(this.#everySeconds, elapsedSeconds / 10);
    const { output, style } = this.#target;
    void output.message(logLine(counts, times, style));
  }

  /** Nothing is to be taken away. */
  end(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing is to be taken away. */
  endSync(): void {}
}

/**
 * Shows how far a run is until it is closed. It looks at the counts now and then of its own accord,
 * so that a job costs nothing, however many there are.
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
   * Starts to show it.
   *
   * @param view How it is shown.
   * @param counts How far the run is, kept up to date by whoever runs it.
   */
  constructor(view: ProgressView, counts: Readonly<RunCounts>) {
    this.#view = view;
    this.#counts = counts;
    this.#timer = setInterval(() => this.#show(), view.everyMilliseconds);
    if (this.#canSuspend) Deno.addSignalListener("SIGTSTP", this.#suspend);
  }

  /** Ends it, and waits until nothing of it is left on the terminal. */
  async close(): Promise<void> {
    this.#stop();
    await this.#view.end();
  }

  /** The same at once, for a process that is about to exit. */
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

  /** Ctrl-Z: the shell gets a clean terminal, and the process stops as it would have. */
  readonly #suspend = (): void => {
    this.#view.endSync();
    Deno.kill(Deno.pid, "SIGSTOP");
  };
}
