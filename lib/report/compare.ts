/**
 * Compares two runs.
 *
 * @module
 */

import { bytesText, countText, dollarsText, timeText } from "../text/amounts.ts";
import { tableText } from "../text/table.ts";
import { figuresOf, quantile } from "./figures.ts";
import type { Run } from "./run.ts";

/** A run with its name. */
export interface NamedRun {
  /** Its name in the comparison. */
  readonly name: string;
  /** The run. */
  readonly run: Run;
}

/** The most jobs that are named in a line. */
const mostJobs = 10;

/**
 * Compares two runs: their figures, and the jobs, by number, whose outcomes differ.
 *
 * @returns Lines of text, of which names are not printable yet.
 */
export function compareRuns(before: NamedRun, after: NamedRun): string {
  const [a, b] = [figuresOf(before.run), figuresOf(after.run)];
  const row = (
    name: string,
    of: (figures: typeof a) => number,
    text: (amount: number) => string,
  ) => [name, text(of(a)), text(of(b)), change(of(a), of(b))];
  const costText = (figures: typeof a, run: Run) =>
    run.isLocal || figures.withoutCost === figures.jobs.length
      ? "-"
      : dollarsText(figures.dollars, figures.isEstimate);
  const costs = [costText(a, before.run), costText(b, after.run)];
  const rows = [
    ["", before.name, after.name, "CHANGE"],
    row("jobs", ({ jobs }) => jobs.length, (count) => count.toLocaleString("en")),
    row("failed", ({ failed }) => failed, (count) => count.toLocaleString("en")),
    row("time", ({ wall }) => wall, timeText),
    row("concurrency", ({ peak }) => peak, (count) => count.toLocaleString("en")),
    row("job, median", ({ sorted }) => quantile(sorted, 0.5), timeText),
    row("job, 95 %", ({ sorted }) => quantile(sorted, 0.95), timeText),
    row("job, longest", ({ sorted }) => sorted.at(-1) ?? 0, timeText),
    row("sent", ({ sentBytes }) => sentBytes, bytesText),
    row("received", ({ receivedBytes }) => receivedBytes, bytesText),
    [
      "cost",
      ...costs,
      costs.includes("-") ? "" : change(a.dollars, b.dollars),
    ],
  ];
  return tableText(rows) + differences(before, after).map((line) => `${line}\n`).join("");
}

/** Returns how much an amount has changed, such as `+12 %` or `x 3.1`; empty if it has not. */
function change(before: number, after: number): string {
  if (before === after || before === 0) return "";
  const ratio = after / before;
  if (ratio >= 2) return `x ${ratio.toFixed(1)}`;
  const percent = Math.round((ratio - 1) * 100);
  return `${percent > 0 ? "+" : ""}${percent} %`;
}

/** Returns lines about the jobs that only one of the runs has, or that ended differently. */
function differences(before: NamedRun, after: NamedRun): string[] {
  const [a, b] = [outcomesOf(before.run), outcomesOf(after.run)];
  const lines: string[] = [];
  const say = (what: string, seqs: readonly number[]) => {
    if (seqs.length === 0) return;
    const shown = seqs.toSorted((one, other) => one - other).slice(0, mostJobs).join(", ");
    const more = seqs.length > mostJobs ? `, and ${seqs.length - mostJobs} more` : "";
    lines.push(`${countText(seqs.length, "job")} ${what}: ${shown}${more}`);
  };
  const failedOnly = (one: Map<number, boolean>, other: Map<number, boolean>) =>
    [...one].flatMap(([seq, ok]) => !ok && other.get(seq) === true ? [seq] : []);
  const only = (one: Map<number, boolean>, other: Map<number, boolean>) =>
    [...one.keys()].filter((seq) => !other.has(seq));
  say(`failed in ${before.name} and not in ${after.name}`, failedOnly(a, b));
  say(`failed in ${after.name} and not in ${before.name}`, failedOnly(b, a));
  say(`only in ${before.name}`, only(a, b));
  say(`only in ${after.name}`, only(b, a));
  return lines;
}

function outcomesOf({ jobs }: Run): Map<number, boolean> {
  return new Map(jobs.map(({ record: { seq, ok } }) => [seq, ok]));
}
