/**
 * How far a run is, in words.
 *
 * All of it is ASCII, so that a character is a column in every terminal and every locale.
 *
 * @module
 */

import type { RunCounts } from "../jobs/counts.ts";
import { bytesText, dollarsText, durationText, rateText } from "../text/amounts.ts";

/** How long a run has taken. */
export interface RunTimes {
  /** Seconds since its start. */
  readonly elapsedSeconds: number;
  /** Seconds from its start to the last time that jobs were seen to have ended. */
  readonly lastEndSeconds: number;
}

/** The size of a terminal. */
export interface TerminalSize {
  /** Its width in characters. */
  readonly columns: number;
  /** Its height in lines. */
  readonly rows: number;
}

/** What is said of a run, and how. */
export interface StatusStyle {
  /** Whether failures are red. */
  readonly hasColour: boolean;
  /** Whether the run costs anything. */
  readonly hasCost: boolean;
}

/** One thing that is said, and how readily it is left out: the highest goes first. */
interface Part {
  readonly text: string;
  readonly rank: number;
  readonly isFailure?: boolean;
}

const red = "\x1b[31m";
const plain = "\x1b[m";

/** What is between two parts. */
const gap = "  ";

/** The widest bar, and the narrowest that is worth its place, with their brackets. */
const barColumns = { most: 32, least: 12 };

/**
 * What a status area says: two lines at most, none of them wider than the terminal. Where there is
 * no room for all of it, what matters least is left out.
 *
 * @param counts How far the run is.
 * @param times How long it has taken.
 * @param size The terminal's size.
 * @param style What is said, and how.
 * @returns The lines, the area's first line first; none where the terminal is too low for any.
 */
export function statusLines(
  counts: RunCounts,
  times: RunTimes,
  size: TerminalSize,
  style: StatusStyle,
): string[] {
  // One column is left free: some terminals wrap when the last one is written.
  const columns = Math.max(size.columns - 1, 0);
  const lines = [progressLine(counts, times, columns), fit(workParts(counts, style), columns)];
  // The line above the area is the cursor's, and one more of text is worth more than a second line.
  const room = Math.max(0, Math.min(lines.length, size.rows - 2));
  return lines.filter((parts) => parts.length > 0).slice(0, room).map((parts) =>
    parts.map(({ text, isFailure }) => style.hasColour && isFailure ? red + text + plain : text)
      .join(gap)
  );
}

/**
 * The same on one line, for a log.
 *
 * @param counts How far the run is.
 * @param times How long it has taken.
 * @param style What is said.
 * @returns The line, without its end.
 */
export function logLine(
  counts: RunCounts,
  times: RunTimes,
  style: Pick<StatusStyle, "hasCost">,
): string {
  return [...progressParts(counts, times), ...workParts(counts, style)].map(({ text }) => text)
    .join(", ");
}

/** The first line: how far it is, with a bar in what room is left. */
function progressLine(counts: RunCounts, times: RunTimes, columns: number): readonly Part[] {
  const parts = fit(progressParts(counts, times), columns);
  const fraction = fractionOf(counts);
  const room = Math.min(columns - widthOf(parts) - gap.length, barColumns.most);
  if (fraction === undefined || room < barColumns.least || parts.length === 0) return parts;
  return [{ text: bar(fraction, room), rank: 0 }, ...parts];
}

function progressParts(counts: RunCounts, times: RunTimes): Part[] {
  const { done, failed, skipped, total } = counts;
  const ended = done + failed;
  const fraction = fractionOf(counts);
  const left = secondsLeft(counts, times);
  return [
    ...counts.isEnding ? [{ text: "ending", rank: 2 }] : [],
    // Rounded down: 100% is when all have ended.
    ...fraction === undefined ? [] : [{ text: `${Math.floor(fraction * 100)}%`, rank: 2 }],
    { text: fraction === undefined ? `${done} done` : `${done} of ${total} done`, rank: 1 },
    ...skipped === 0 ? [] : [{ text: `${skipped} skipped`, rank: 3 }],
    ...ended === 0 ? [] : [{ text: rateText(ended / times.lastEndSeconds), rank: 4 }],
    {
      text: left === undefined ? durationText(times.elapsedSeconds) : `${durationText(left)} left`,
      rank: 3,
    },
  ];
}

function workParts(counts: RunCounts, { hasCost }: Pick<StatusStyle, "hasCost">): Part[] {
  const { done, failed, running, dropped, total, isEnding } = counts;
  const { bytesSent, bytesReceived, dollars, isEstimate } = counts;
  const waiting = total === undefined ? counts.waiting : total - done - failed - running - dropped;
  return [
    { text: `${failed} failed`, rank: 1, isFailure: failed > 0 },
    { text: `${running} running`, rank: 2 },
    { text: isEnding ? `${waiting} not started` : `${waiting} waiting`, rank: 4 },
    { text: `${bytesText(bytesSent)} sent`, rank: 5 },
    { text: `${bytesText(bytesReceived)} received`, rank: 6 },
    ...hasCost ? [{ text: dollarsText(dollars, isEstimate), rank: 3 }] : [],
  ];
}

/** Which part of the jobs has ended; undefined while nobody knows how many there will be. */
function fractionOf({ done, failed, total, isEnding }: RunCounts): number | undefined {
  if (total === undefined || isEnding) return undefined;
  return total === 0 ? 1 : (done + failed) / total;
}

/**
 * How long it will take if the rest is as fast as what has ended. Jobs that run side by side end
 * together, so the time since the last of them ended is not held against the rate.
 */
function secondsLeft(counts: RunCounts, times: RunTimes): number | undefined {
  const { done, failed, total, isEnding } = counts;
  const ended = done + failed;
  if (total === undefined || isEnding || ended === 0) return undefined;
  const left = (total - ended) * times.lastEndSeconds / ended -
    (times.elapsedSeconds - times.lastEndSeconds);
  // Less than nothing: the rest is slower than what has ended.
  return left < 0 ? undefined : left;
}

/** Leaves out what matters least until the rest fits. A number that is cut would be another. */
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
