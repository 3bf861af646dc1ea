/**
 * The tables of jobs.
 *
 * @module
 */

import { type FailureKind, failureKindText } from "../jobs/failure_kinds.ts";
import { countText, timeText } from "./amounts.ts";
import type { Figures, PlacedJob } from "./figures.ts";
import { type Html, markup } from "./html.ts";

/** How many failed jobs are listed, how many slow ones, and how many kinds of failure. */
const [mostFailed, mostSlow, mostKinds] = [100, 10, 20];

/**
 * The jobs that failed.
 *
 * @param figures The run's figures.
 * @param kinds What went wrong, the most frequent kind first.
 * @returns A section; nothing if none did.
 */
export function failedTable(
  { jobs, failed }: Figures,
  kinds: readonly FailureKind[] = [],
): Html | undefined {
  if (failed === 0) return undefined;
  const shown = jobs.filter(({ record }) => !record.ok)
    .sort((a, b) => a.record.seq - b.record.seq).slice(0, mostFailed);
  return markup`<section aria-labelledby="failed-title"><h2 id="failed-title">Failed jobs</h2>
${failed > 1 && kindList(kinds)}
${
    failed > shown.length &&
    markup`<p class="note">The first ${mostFailed} of ${countText(failed, "failed job")}.</p>`
  }
${table("failed", shown)}</section>`;
}

/**
 * The jobs that took longest.
 *
 * @param figures The run's figures.
 * @returns A section.
 */
export function slowTable({ jobs }: Figures): Html | undefined {
  if (jobs.length < 2) return undefined;
  const shown = jobs.toSorted((a, b) => b.record.elapsedMilliseconds - a.record.elapsedMilliseconds)
    .slice(0, mostSlow);
  return markup`<section aria-labelledby="slow-title"><h2 id="slow-title">Slowest jobs</h2>
${table("slow", shown)}</section>`;
}

function kindList(kinds: readonly FailureKind[]): Html | undefined {
  if (kinds.length === 0) return undefined;
  const rest = kinds.slice(mostKinds).reduce((sum, { count }) => sum + count, 0);
  const lines = kinds.slice(0, mostKinds).map(failureKindText);
  if (rest > 0) lines.push(`${rest} x other failures`);
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

/** What a failed command says is why a person looks. */
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
 * Why a job failed.
 *
 * @param record Its record.
 * @returns Lines; at least one.
 */
export function failureOf({ status, errors }: PlacedJob["record"]): string[] {
  const lines = errors.map(({ message, hint }) =>
    message + (hint === undefined ? "" : ` (${hint})`)
  );
  return status === null || (status === 0 && lines.length > 0)
    ? lines.length > 0 ? lines : ["no exit status"]
    : [endedHow(status), ...lines];
}

function endedHow(status: number): string {
  const signal = status - 128;
  if (status === 124) return "exit status 124: timed out";
  return signal > 0 && signal < 65
    ? `exit status ${status}: ended by signal ${signal}`
    : `exit status ${status}`;
}
