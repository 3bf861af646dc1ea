/**
 * Renders the lists of failures and of jobs, which the page's script fills and filters.
 *
 * @module
 */

import { type FailureKind, failureText } from "../jobs/failure_kinds.ts";
import { countText } from "../text/amounts.ts";
import type { Figures } from "./figures.ts";
import { type Html, markup } from "./html.ts";

/** The maximum number of kinds of failure that are listed. */
const maxKinds = 20;

/**
 * Renders the failures by kind. Each kind is a button that shows its jobs.
 *
 * @param figures The run's figures.
 * @param kinds The kinds of failure, most frequent first.
 * @returns A section; undefined if no job failed.
 */
export function failuresSection(
  { jobs, failed }: Figures,
  kinds: readonly FailureKind[] = [],
): Html | undefined {
  if (failed === 0) return undefined;
  const rest = kinds.slice(maxKinds).reduce((sum, { count }) => sum + count, 0);
  const lines = jobs.filter(({ failedLine }) => failedLine !== undefined).length;
  return markup`<section aria-labelledby="failures-title" id="failures">
<div class="head">
<h2 id="failures-title">Failures</h2>
${
    lines > 0 &&
    markup`<div class="buttons"><button type="button" id="copy-lines">Copy the failed lines</button><button type="button" id="download">Download the failed lines</button></div>`
  }
</div>
<ul class="kinds">${
    kinds.slice(0, maxKinds).map((kind) =>
      markup`<li><button type="button" aria-pressed="false" data-kind="${kind.id}"><b>${
        kind.count.toLocaleString("en")
      }</b><span>${failureText(kind)}</span></button></li>`
    )
  }</ul>
${
    lines > 0 && lines < failed &&
    markup`<p class="note">${
      countText(failed - lines, "failed line")
    } did not fit into the report.</p>`
  }
${rest > 0 && markup`<p class="note">${countText(rest, "other failure")}</p>`}
</section>`;
}

/**
 * Renders the table of jobs, without its rows.
 *
 * @param figures The run's figures.
 * @param hasCommands Whether the commands of the jobs are known.
 * @returns A section.
 */
export function jobsSection({ jobs, failed }: Figures, hasCommands = true): Html {
  const columns = [["seq", "Job"], ["start", "Started"], ["time", "Time"], ["result", "Result"], [
    "command",
    "Command",
  ]];
  const count = (amount: number) => amount.toLocaleString("en");
  return markup`<section aria-labelledby="jobs-title" id="list">
<h2 id="jobs-title">Jobs</h2>
<div class="tools">
<label for="search">Search</label>
<input type="search" id="search" autocomplete="off" spellcheck="false" placeholder="command, error or number">
${
    failed > 0 && markup`<div class="buttons" role="group" aria-label="Show">
<button type="button" id="all" aria-pressed="true">All ${count(jobs.length)}</button>
<button type="button" id="only-failed" aria-pressed="false">Failed ${count(failed)}</button>
</div>`
  }
${hasCommands && markup`<button type="button" id="copy">Copy commands</button>`}
</div>
<p class="note" id="found" role="status"></p>
<table class="jobs">
<thead><tr>${
    columns.map(([key, name]) =>
      markup`<th scope="col" data-key="${key}"><button type="button">${name}</button></th>`
    )
  }</tr></thead>
<tbody id="job-rows"></tbody>
</table>
<button type="button" id="more" hidden>Show more</button>
<noscript><p>The list needs JavaScript.</p></noscript>
</section>`;
}
