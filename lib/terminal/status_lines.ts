/**
 * The text of the progress display.
 *
 * It is ASCII, so that a character takes one column in every terminal and locale.
 *
 * @module
 */

import type { RunCounts } from "../jobs/counts.ts";
import type { Straggler } from "../jobs/stragglers.ts";
import { bytesText, countText, dollarsText, durationText, rateText } from "../text/amounts.ts";
import { printableLine } from "../text/printable.ts";

/** Times of a run. */
export interface RunTimes {
  /** Seconds since its start. */
  readonly elapsedSeconds: number;
  /** Seconds from its start to the last poll that found that jobs had ended. */
  readonly lastEndSeconds: number;
}

/** The size of a terminal. */
export interface TerminalSize {
  /** Its width in characters. */
  readonly columns: number;
  /** Its height in lines. */
  readonly rows: number;
}

/** Options for the text. */
export interface StatusStyle {
  /** Whether failures are red. */
  readonly hasColor: boolean;
  /** Whether the run costs anything. */
  readonly hasCost: boolean;
}

/** A part of a line. If there is not enough room, the part with the highest rank is omitted first. */
interface Part {
  readonly text: string;
  readonly rank: number;
  readonly isFailure?: boolean;
}

const red = "\x1b[31m";
const plain = "\x1b[m";

/** Separates two parts. */
const gap = "  ";

/** The widest bar, and the narrowest that is useful, including brackets. */
const barColumns = { most: 32, least: 12 };

/**
 * Returns the lines of the status area: at most two, none wider than the terminal. The least
 * important parts are omitted if there is not enough room.
 *
 * @param counts The counts of the run.
 * @param times The times of the run.
 * @param size The terminal's size.
 * @param style Options for the text.
 * @returns The lines from top to bottom; none if the terminal is too low.
 */
export function statusLines(
  counts: RunCounts,
  times: RunTimes,
  size: TerminalSize,
  style: StatusStyle,
): string[] {
  // Some terminals wrap when the last column is written.
  const columns = Math.max(size.columns - 1, 0);
  const lines = [progressLine(counts, times, columns), fit(workParts(counts, style), columns)];
  // The cursor needs the line above the area, and one line of text is worth more than a second line.
  const room = Math.max(0, Math.min(lines.length, size.rows - 2));
  return lines.filter((parts) => parts.length > 0).slice(0, room).map((parts) =>
    parts.map(({ text, isFailure }) => style.hasColor && isFailure ? red + text + plain : text)
      .join(gap)
  );
}

/**
 * Returns the progress as one line, for a log.
 *
 * @param counts The counts of the run.
 * @param times The times of the run.
 * @param style Options for the text.
 * @returns The line, without a line feed.
 */
export function logLine(
  counts: RunCounts,
  times: RunTimes,
  style: Pick<StatusStyle, "hasCost">,
): string {
  return [...progressParts(counts, times), ...workParts(counts, style)].map(({ text }) => text)
    .join(", ");
}

/** Returns the first line: the progress, with a bar if there is room. */
function progressLine(counts: RunCounts, times: RunTimes, columns: number): readonly Part[] {
  const parts = fit(progressParts(counts, times), columns);
  const fraction = fractionOf(counts);
  const room = Math.min(columns - widthOf(parts) - gap.length, barColumns.most);
  if (fraction === undefined || room < barColumns.least || parts.length === 0) return parts;
  return [{ text: bar(fraction, room), rank: 0 }, ...parts];
}

function progressParts(counts: RunCounts, times: RunTimes): Part[] {
  const { skipped, kept, total } = counts;
  const ended = counts.done + counts.failed;
  const fraction = fractionOf(counts);
  const left = secondsLeft(counts, times);
  return [
    ...counts.isEnding ? [{ text: "ending", rank: 2 }] : [],
    // Rounded down, so that 100% means that all jobs have ended.
    ...fraction === undefined ? [] : [{ text: `${Math.floor(fraction * 100)}%`, rank: 2 }],
    { text: fraction === undefined ? `${ended} ended` : `${ended} of ${total} ended`, rank: 1 },
    ...skipped === 0 ? [] : [{ text: `${skipped} skipped`, rank: 3 }],
    ...kept === 0 ? [] : [{ text: `${kept.toLocaleString("en-US")} kept`, rank: 3 }],
    ...ended === 0 ? [] : [{ text: rateText(ended / times.lastEndSeconds), rank: 4 }],
    {
      text: left === undefined ? durationText(times.elapsedSeconds) : `${durationText(left)} left`,
      rank: 3,
    },
  ];
}

function workParts(counts: RunCounts, { hasCost }: Pick<StatusStyle, "hasCost">): Part[] {
  const { done, failed, running, dropped, total, isEnding } = counts;
  const { bytesSent, bytesReceived, dollars, isEstimate, straggler } = counts;
  const waiting = total === undefined ? counts.waiting : total - done - failed - running - dropped;
  return [
    { text: `${failed} failed`, rank: 1, isFailure: failed > 0 },
    { text: `${running} running`, rank: 2 },
    { text: isEnding ? `${waiting} not started` : `${waiting} waiting`, rank: 5 },
    ...straggler === undefined ? [] : [{ text: stragglerText(straggler), rank: 4 }],
    { text: `${bytesText(bytesSent)} sent`, rank: 6 },
    { text: `${bytesText(bytesReceived)} received`, rank: 7 },
    ...hasCost ? [{ text: dollarsText(dollars, isEstimate), rank: 3 }] : [],
  ];
}

/** The longest part of a job's name that is shown. */
const nameColumns = 24;

function stragglerText({ name, seconds, copies }: Straggler): string {
  // Characters beyond ASCII may take two columns or none.
  const line = printableLine(name).replace(/[^ -~]/g, "?");
  const shown = line.length <= nameColumns ? line : `${line.slice(0, nameColumns - 3)}...`;
  const copied = copies === 0 ? "" : `, ${countText(copies, "copy", "copies")}`;
  return `slow: ${shown} ${durationText(seconds)}${copied}`;
}

/** Returns the fraction of the jobs that have ended; undefined while their number is unknown. */
function fractionOf({ done, failed, total, isEnding }: RunCounts): number | undefined {
  if (total === undefined || isEnding) return undefined;
  return total === 0 ? 1 : (done + failed) / total;
}

/**
 * Returns the remaining time at the rate so far. Concurrent jobs tend to end together, so the rate
 * leaves out the time since the last of them ended.
 */
function secondsLeft(counts: RunCounts, times: RunTimes): number | undefined {
  const { done, failed, total, isEnding } = counts;
  const ended = done + failed;
  if (total === undefined || isEnding || ended === 0) return undefined;
  const left = (total - ended) * times.lastEndSeconds / ended -
    (times.elapsedSeconds - times.lastEndSeconds);
  // Negative: the rest is slower than the jobs so far.
  return left < 0 ? undefined : left;
}

/** Omits the least important parts until the rest fits. Cutting one could change a number. */
function fit(parts: readonly Part[], columns: number): readonly Part[] {
  let kept = parts;
  while (widthOf(kept) > columns) {
    const last = Math.max(...kept.map(({ rank }) => rank));
    kept = kept.filter(({ rank }) => rank < last);
  }
  return kept;
}

function widthOf(parts: readonly Part[]): number {
  return parts.map(({ text }) => text).join(gap).length;
}

function bar(fraction: number, columns: number): string {
  const inside = columns - 2;
  const full = Math.floor(fraction * inside);
  const done = "=".repeat(full) + (full < inside ? ">" : "");
  return `[${done.padEnd(inside)}]`;
}
