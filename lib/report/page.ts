/**
 * Renders a report as one self-contained HTML page.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { bytesText, countText, dollarsText, percentText, timeText } from "../text/amounts.ts";
import { version } from "../version.ts";
import { adviceOn } from "./advice.ts";
import { durationChart, phaseChart } from "./charts.ts";
import { dataOf } from "./data.ts";
import { type Figures, figuresOf, quantile } from "./figures.ts";
import { headerOf } from "./header.ts";
import { Html, type HtmlPart, jsonIn, markup } from "./html.ts";
import { failuresSection, jobsSection } from "./jobs_section.ts";
import { namedPhases, phases } from "./phases.ts";
import type { Run } from "./run.ts";
import { style } from "./style.ts";
import { pageScript } from "./page_script.js";

/**
 * Renders the page.
 *
 * @param run The run.
 * @returns The whole document.
 */
export function reportPage(run: Run): string {
  const figures = figuresOf(run);
  const script = pageScript();
  // Allows only the page's own script and no external resources, whatever a command's text contains.
  const policy =
    `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${
      createHash("sha256").update(script).digest("base64")
    }'`;
  const title = `llama: ${run.title}`;
  return markup`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${policy}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <link rel="icon" href="data:,">
        <title>${title}</title>
        <style>${new Html(style + phaseStyle())}</style>
      </head>
      <body>
        <main>
    ${headerOf(run, figures)}
    ${figures.jobs.length === 0 ? empty() : body(run, figures)}
    <footer>llama ${version}${
    run.pricesDate !== undefined &&
    ` · prices as of ${run.pricesDate}`
  }</footer>
        </main>
        ${detailsPanel(run.hasCommands)}
        <script type="application/json" id="data">${jsonIn(dataOf(run, figures))}</script>
        <script>${new Html(script)}</script>
      </body>
    </html>
  `.text;
}

function phaseStyle(): string {
  const rules = (theme: 0 | 1) =>
    phases.map(({ colors }, index) => `--p${index}:${colors[theme]}`).join(";");
  return `:root{${rules(0)}}@media(prefers-color-scheme:dark){:root{${rules(1)}}}` +
    phases.map((_, index) => `.p${index}{background:var(--p${index})}`).join("");
}

function empty(): Html {
  return markup`
    <section class="empty">
      <h2>No jobs</h2>
      <p>The run ended before its first job, or its input was empty.</p>
    </section>
  `;
}

function body(run: Run, figures: Figures): Html {
  return markup`
    ${tiles(run, figures)}
    ${adviceSection(run, figures)}
    ${failuresSection(figures, run.failures)}
    ${timelineSection(figures, run.isLocal ?? false)}
    <div class="two">
      <section aria-labelledby="phases-title"><h2 id="phases-title">Where the time went</h2>
    ${phaseChart(figures, run.isLocal ?? false)}</section>
      <div>
    <section aria-labelledby="durations-title"><h2 id="durations-title">Job durations</h2>
    ${durationChart(figures)}
    ${durationList(figures)}
    ${figures.copiesText !== undefined && markup`<p class="note">${figures.copiesText}</p>`}
    ${figures.keptText !== undefined && markup`<p class="note">${figures.keptText}</p>`}</section>
    ${costSection(run, figures)}
      </div>
    </div>
    ${jobsSection(figures, run.hasCommands)}
  `;
}

function tiles(run: Run, figures: Figures): Html {
  const { jobs, failed, retries, wall, remote, peak, elapsed, span, coldStarts, tellCold } =
    figures;
  const speedUp = remote / wall;
  const mean = elapsed / span;
  return markup`<dl class="tiles">${[
    tile("jobs", "Jobs", jobs.length.toLocaleString("en"), [
      failed > 0
        ? markup`<b class="bad-text">${failed.toLocaleString("en")} failed</b>`
        : "all succeeded",
      ...(retries > 0 ? [`, ${countText(retries, "retry", "retries")}`] : []),
    ]),
    tile("time", "Time", timeText(wall), [
      remote > 0 && speedUp >= 1.05
        ? `${speedUp.toFixed(1)} times as fast as one job at a time`
        : "from start to end",
    ]),
    tile("peak", "Peak concurrency", peak.toLocaleString("en"), [
      peak === 1 ? "one job at a time" : `${mean.toFixed(1)} on average`,
    ]),
    tile("cold", "Cold starts", tellCold > 0 ? coldStarts.toLocaleString("en") : "?", [
      tellCold > 0 ? `${percentText(coldStarts / tellCold)} of the jobs` : "not reported",
    ]),
    tile("cost", run.isLocal ? "Cost in AWS" : "Cost", costText(figures), [
      costNote(run, figures),
    ]),
  ]}</dl>`;
}

function tile(id: string, name: string, value: string, more: readonly HtmlPart[]): Html {
  return markup`
    <div>
      <dt>${name}</dt>
      <dd><span class="big" id="${id}">${value}</span><small>${more}</small></dd>
    </div>
  `;
}

function costNote({ isLocal }: Run, { isEstimate, withoutCost, jobs }: Figures): string {
  if (withoutCost === jobs.length) return "unknown";
  return isLocal ? "if run in AWS" : isEstimate ? "estimated" : "as billed by Lambda";
}

function costText({ dollars, isEstimate, withoutCost, jobs }: Figures): string {
  return withoutCost === jobs.length ? "?" : dollarsText(dollars, isEstimate);
}

function adviceSection(run: Run, figures: Figures): Html {
  const advice = adviceOn(figures, run.isLocal ?? false, run);
  const command = (figures.sums.get("command") ?? 0) / figures.elapsed || 0;
  return markup`<section aria-labelledby="advice-title"><h2 id="advice-title">What to try next</h2>
${
    advice.length === 0
      ? markup`<p>Nothing stands out${
        command > 0 && `: ${percentText(command)} of the jobs' time was spent in the command itself`
      }.</p>`
      : markup`<ul class="advice">${
        advice.map(({ seen, tip }) => markup`<li><b>${seen}</b> ${withCode(tip)}</li>`)
      }</ul>`
  }</section>`;
}

function withCode(text: string): HtmlPart {
  return text.split("`").map((part, index) =>
    index % 2 === 0 ? part : markup`<code>${part}</code>`
  );
}

function timelineSection({ jobs, sums, failed }: Figures, isLocal: boolean): Html {
  const named = namedPhases(isLocal);
  const shown = named.filter(({ id }) => (sums.get(id) ?? 0) > 0);
  return markup`
    <section aria-labelledby="timeline-title" id="timeline">
      <div class="head">
        <h2 id="timeline-title">Timeline</h2>
        <div class="buttons" role="group"
          aria-label="Timeline">${
    failed > 0 &&
    markup`<button type="button" id="previous-failure" aria-label="Previous failed job">&lsaquo; failed</button><button type="button" id="next-failure" aria-label="Next failed job">failed &rsaquo;</button>`
  }<button type="button" id="out" aria-label="Zoom out">&minus;</button><button type="button" id="in" aria-label="Zoom in">+</button><button type="button" id="fit">Fit</button></div>
      </div>
      <p class="legend"><span><i class="key load"></i>jobs in flight</span>${
    shown.map((phase) =>
      markup`<span><i class="key p${named.indexOf(phase)}"></i>${phase.label}</span>`
    )
  }${failed > 0 && markup`<span><i class="key bad"></i>failed</span>`}</p>
      <div class="chart" id="chart" tabindex="0" role="application" aria-roledescription="timeline"
        aria-label="Timeline of ${countText(jobs.length, "job")}" aria-describedby="keys">
        <canvas id="load" aria-hidden="true"></canvas>
        <div id="rows">
          <canvas id="slots" aria-hidden="true"></canvas>
          <div id="room"></div>
        </div>
        <div id="tip" hidden></div>
      </div>
      <p class="note"
        id="keys">Drag to pan; ctrl + wheel or pinch to zoom; click a job for details. Keys: <kbd>&larr;</kbd> <kbd>&rarr;</kbd> previous and next job, <kbd>&uarr;</kbd> <kbd>&darr;</kbd> neighboring slot, <kbd>shift</kbd> + <kbd>&larr;</kbd> <kbd>&rarr;</kbd> pan, <kbd>+</kbd> <kbd>&minus;</kbd> zoom, <kbd>0</kbd> fit${
    failed > 0 && markup`, <kbd>f</kbd> next failed job`
  }, <kbd>esc</kbd> close the details.</p>
    </section>
  `;
}

/** Renders the panel at the bottom of the window that describes the selected job. */
function detailsPanel(hasCommands = true): Html {
  return markup`
    <aside id="details" aria-label="Selected job" hidden>
      <div class="inner">
        <div id="chosen" aria-live="polite"></div>
        <div class="buttons"><button type="button" id="previous" aria-label="Previous job">&lsaquo;</button><button type="button" id="next" aria-label="Next job">&rsaquo;</button>${
    hasCommands && markup`<button type="button" id="copy-command">Copy command</button>`
  }<button type="button" id="locate">Show in timeline</button><button type="button" id="close" aria-label="Close">&times;</button></div>
      </div>
    </aside>
  `;
}

function durationList({ sorted }: Figures): Html {
  const rows: readonly (readonly [string, number])[] = [
    ["shortest", sorted[0] ?? 0],
    ["median", quantile(sorted, 0.5)],
    ["95 %", quantile(sorted, 0.95)],
    ["99 %", quantile(sorted, 0.99)],
    ["longest", sorted.at(-1) ?? 0],
  ];
  return markup`<dl class="row">${
    rows.map(([name, time]) =>
      markup`
        <div>
          <dt>${name}</dt>
          <dd>${timeText(time)}</dd>
        </div>
      `
    )
  }</dl>`;
}

function costSection(run: Run, figures: Figures): Html {
  const { jobs, dollars, isEstimate, billed, sentBytes, receivedBytes, rawBytes, withoutCost } =
    figures;
  const colds = jobs.flatMap(({ pieces }) =>
    pieces.filter(([phase]) => phase === "cold start").map(([, time]) => time)
  ).sort((a, b) => a - b);
  const { functionMemory, usedMemory, coldStarts } = figures;
  const rows: readonly (readonly [string, string] | undefined)[] = [
    colds.length === 0 ? undefined : [
      coldStarts === 1 ? "cold start" : "cold starts",
      coldStarts === 1
        ? timeText(quantile(colds, 1))
        : `${timeText(quantile(colds, 0.5))} median, ${timeText(quantile(colds, 1))} longest`,
    ],
    billed === 0 ? undefined : ["billed time", `${isEstimate ? "~" : ""}${timeText(billed)}`],
    withoutCost === jobs.length ? undefined : [
      "per 1,000 jobs",
      dollarsText(dollars / jobs.length * 1000, isEstimate),
    ],
    run.s3Dollars ? ["S3 requests", dollarsText(run.s3Dollars)] : undefined,
    withoutCost > 0 && withoutCost < jobs.length
      ? ["jobs with unknown cost", withoutCost.toLocaleString("en")]
      : undefined,
    functionMemory === undefined ? undefined : [
      "memory",
      `${functionMemory.toLocaleString("en")} MB` +
      (usedMemory === undefined ? "" : `, at most ${usedMemory.toFixed(0)} MB used`),
    ],
    ["sent / received", `${bytesText(sentBytes)} / ${bytesText(receivedBytes)}`],
    rawBytes.sent === sentBytes && rawBytes.received === receivedBytes ? undefined : [
      "uncompressed",
      `${bytesText(rawBytes.sent)} / ${bytesText(rawBytes.received)}`,
    ],
  ];
  return markup`
    <section aria-labelledby="cost-title">
      <h2 id="cost-title">Cold starts and cost</h2>
      <dl class="list">${
    rows.map((row) =>
      row && markup`
          <div>
            <dt>${row[0]}</dt>
            <dd>${row[1]}</dd>
          </div>
        `
    )
  }</dl>
    </section>
  `;
}
