/**
 * The data of a report's script.
 *
 * @module
 */

import { failureOf } from "./failure_text.ts";
import type { Figures, PlacedJob } from "./figures.ts";
import { namedPhases, type PhaseName, phases } from "./phases.ts";
import type { Run } from "./run.ts";

/** The maximum lengths of an error and a command, in characters. */
const [maxError, maxCommand] = [500, 300];

/**
 * Returns the data that the page's script shows: `PageData` in timeline_data.js. Jobs are tuples, to
 * keep the page small.
 *
 * @param run The run.
 * @param figures Its figures.
 * @returns A value for JSON.
 */
export function dataOf(run: Run, { jobs, span }: Figures): unknown {
  const indexes = new Map<PhaseName, number>(phases.map(({ label }, index) => [label, index]));
  return {
    phases: namedPhases(run.isLocal ?? false).map(({ label }) => label),
    span,
    slots: jobs.reduce((most, { slot }) => Math.max(most, slot + 1), 1),
    hasNulLines: run.hasNulLines ?? false,
    jobs: jobs.map((job) => {
      const { record, start, slot, pieces } = job;
      return [
        record.seq,
        rounded(start),
        slot,
        record.ok ? 0 : failureOf(record).join("; ").slice(0, maxError).toWellFormed(),
        record.command.slice(0, maxCommand).toWellFormed(),
        pieces.flatMap(([phase, time]) => [indexes.get(phase), rounded(time)]),
        record.attempts,
        ...moreOf(job),
      ];
    }),
  };
}

/** Returns what few jobs have. */
function moreOf({ record, stderrEnd, kind, failedLine }: PlacedJob): unknown[] {
  const more = {
    ...(stderrEnd === "" ? {} : { stderr: stderrEnd }),
    ...(kind === undefined ? {} : { kind }),
    ...(failedLine === undefined ? {} : { line: failedLine }),
    ...(record.cache === undefined ? {} : { cache: record.cache.state }),
    ...(record.copies === undefined ? {} : { copies: record.copies }),
  };
  return Object.keys(more).length === 0 ? [] : [more];
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
