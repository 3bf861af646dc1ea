/**
 * Renders the header of a report: the command, where it ran, and how the run ended.
 *
 * @module
 */

import { earlyEndText } from "../jobs/early_end.ts";
import { countText } from "../text/amounts.ts";
import { shellQuote } from "../text/shell_quote.ts";
import type { Figures } from "./figures.ts";
import { type Html, markup } from "./html.ts";
import type { Run } from "./run.ts";

/**
 * Renders the header.
 *
 * @param run The run.
 * @param figures Its figures.
 * @returns The `header` element.
 */
export function headerOf(run: Run, figures: Figures): Html {
  const { flags = [], region, architecture, isLocal } = run;
  const { started, functionMemory } = figures;
  const facts: readonly (readonly [string, string | Html | undefined])[] = [
    ["Ended", endOf(run, figures)],
    ["Started", Number.isNaN(started) ? undefined : timeOf(started)],
    ["Flags", flags.length === 0 ? undefined : markup`<code>${shellQuote(flags)}</code>`],
    ["Region", isLocal ? "this machine" : region],
    [
      "Function",
      [
        ...(functionMemory === undefined ? [] : [`${functionMemory.toLocaleString("en")} MB`]),
        ...(architecture === undefined ? [] : [architecture]),
      ].join(", ") || undefined,
    ],
  ];
  return markup`<header>
<h1><code>${run.title}</code></h1>
<dl class="facts">${
    facts.map(([name, value]) =>
      value === undefined ? undefined : markup`<div><dt>${name}</dt><dd>${value}</dd></div>`
    )
  }</dl>
</header>`;
}

/** Says how the run ended, in color unless all is well. */
function endOf({ earlyEnd, isLocal = false }: Run, { jobs, failed }: Figures): Html {
  if (earlyEnd !== undefined) {
    return markup`<b class="bad-text">early: ${earlyEnd.reason}</b>; ${
      earlyEndText(earlyEnd, isLocal)
    }`;
  }
  if (jobs.length === 0) return markup`before the first job`;
  if (failed === 0) {
    return markup`<b class="ok-text">complete:</b> ${
      jobs.length === 1 ? "the job" : `all ${countText(jobs.length, "job")}`
    } succeeded`;
  }
  return markup`complete: <b class="bad-text">${failed.toLocaleString("en")} of ${
    countText(jobs.length, "job")
  } failed</b>`;
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}
