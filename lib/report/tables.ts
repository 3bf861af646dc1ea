/**
 * Renders the tables of failed and slow jobs.
 *
 * @module
 */

import { signalOf, timedOutStatus } from "../functions/command_status.ts";
import { type FailureKind, failureKindText } from "../jobs/failure_kinds.ts";
import { countText, timeText } from "../text/amounts.ts";
import type { Figures, PlacedJob } from "./figures.ts";
import { type Html, markup } from "./html.ts";

/** The maximum numbers of failed jobs, slow jobs and kinds of failure that are listed. */
const [maxFailed, maxSlow, maxKinds] = [100, 10, 20];

/**
 * Renders the failed jobs.
 *
 * @param figures The run's figures.
 * @param kinds The kinds of failure, most frequent first.
 * @returns A section; undefined if no job failed.
 */
export function failedTable(
  { jobs, failed }: Figures,
  kinds: readonly FailureKind[] = [],
): Html | undefined {
  if (failed === 0) return undefined;
  const shown = jobs.filter(({ record }) => !record.ok)
    .sort((a, b) => a.record.seq - b.record.seq).slice(0, maxFailed);
  return markup`<section aria-labelledby="failed-title"><h2 id="failed-title">Failed jobs</h2>
${failed > 1 && kindList(kinds)}
${
    failed > shown.length &&
    markup`<p class="note">The first ${maxFailed} of ${countText(failed, "failed job")}.</p>`
  }
${table("failed", shown)}</section>`;
}

/**
 * Renders the slowest jobs.
 *
 * @param figures The run's figures.
 * @returns A section; undefined if there are fewer than two jobs.
 */
export function slowTable({ jobs }: Figures): Html | undefined {
  if (jobs.length < 2) return undefined;
  const shown = jobs.toSorted((a, b) => b.record.elapsedMilliseconds - a.record.elapsedMilliseconds)
    .slice(0, maxSlow);
  return markup`<section aria-labelledby="slow-title"><h2 id="slow-title">Slowest jobs</h2>
${table("slow", shown)}</section>`;
}

function kindList(kinds: readonly FailureKind[]): Html | undefined {
  if (kinds.length === 0) return undefined;
  const rest = kinds.slice(maxKinds).reduce((sum, { count }) => sum + count, 0);
  const lines = kinds.slice(0, maxKinds).map(failureKindText);
  if (rest > 0) lines.push(`${rest} other failures`);
  return markup`<ul class="kinds">${lines.map((line) => markup`<li>${line}</li>`)}</ul>`;
}

function table(id: string, jobs: readonly PlacedJob[]): Html {
  return markup`
    <table class="jobs" id="${id}">
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col" class="n">Time</th>
          <th scope="col">Command</th>
        </tr>
      </thead>
      <tbody>${jobs.map((job) => row(job, id === "failed"))}</tbody>
    </table>
  `;
}

/** Renders a job. The standard error of failed jobs is expanded, since readers look for it. */
function row({ record, stderrEnd }: PlacedJob, isOpen: boolean): Html {
  const { seq, elapsedMilliseconds, command, ok } = record;
  return markup`<tr>
<td><button type="button" class="show" data-seq="${seq}" aria-label="Show job ${seq} in the timeline">${seq}</button></td>
<td class="n">${timeText(elapsedMilliseconds)}</td>
<td><code>${command}</code>${
    ok ? undefined : failureOf(record).map((line) => markup`<p class="error">${line}</p>`)
  }${
    stderrEnd === ""
      ? undefined
      : markup`<details${
        isOpen && markup` open`
      }><summary>standard error</summary><pre tabindex="0">${stderrEnd}</pre></details>`
  }</td>
</tr>`;
}

/**
 * Returns the reasons why a job failed.
 *
 * @param record Its record.
 * @returns One reason per line; at least one.
 */
export function failureOf({ status, errors }: PlacedJob["record"]): string[] {
  const lines = errors.map(({ message, hint }) =>
    message + (hint === undefined ? "" : ` (${hint})`)
  );
  return status === null || (status === 0 && lines.length > 0)
    ? lines.length > 0 ? lines : ["no exit status"]
    : [statusText(status), ...lines];
}

function statusText(status: number): string {
  const signal = signalOf(status);
  if (status === timedOutStatus) return `exit status ${status}: timed out`;
  return signal > 0 ? `exit status ${status}: killed by signal ${signal}` : `exit status ${status}`;
}
