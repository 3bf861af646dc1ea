/**
 * The static charts: a bar, and a histogram as SVG.
 *
 * @module
 */

import { countText, percentText, timeText } from "../text/amounts.ts";
import { type Figures, quantile } from "./figures.ts";
import { type Html, markup } from "./html.ts";
import { namedPhases } from "./phases.ts";

/**
 * Renders the share of each phase in the jobs' time as a bar and a table.
 *
 * @param figures The run's figures.
 * @param isLocal Whether the functions ran on this machine.
 * @returns HTML.
 */
export function phaseChart({ sums, elapsed, jobs }: Figures, isLocal: boolean): Html {
  const rows = namedPhases(isLocal).map(({ id, label, help }, index) => {
    const sum = sums.get(id) ?? 0;
    return { id, label, help, index, sum, part: sum / elapsed || 0 };
  }).filter(({ sum }) => sum > 0);
  return markup`
    <div class="bar" aria-hidden="true">${
    rows.map(({ label, index, part, sum }) =>
      markup`<i class="p${index}" style="flex-grow:${part.toFixed(5)}" title="${label}: ${
        timeText(sum)
      }"></i>`
    )
  }</div>
    <table class="phases">
      <thead>
        <tr>
          <th scope="col">Phase</th>
          <th scope="col" class="n">Total</th>
          <th scope="col" class="n">Share</th>
          <th scope="col" class="n">Per job</th>
        </tr>
      </thead>
      <tbody>${
    rows.map(({ id, label, help, index, sum, part }) =>
      markup`
          <tr data-phase="${id}" data-ms="${sum.toFixed(3)}">
            <th scope="row"><i class="key p${index}"></i>${label}<small>${help}</small></th>
            <td class="n">${timeText(sum)}</td>
            <td class="n">${percentText(part)}</td>
            <td class="n">${timeText(sum / jobs.length)}</td>
          </tr>
        `
    )
  }</tbody>
      <tfoot>
        <tr>
          <th scope="row">total</th>
          <td class="n">${timeText(elapsed)}</td>
          <td class="n">${percentText(elapsed > 0 ? 1 : 0)}</td>
          <td class="n">${timeText(elapsed / jobs.length)}</td>
        </tr>
      </tfoot>
    </table>
  `;
}

/** The chart's size and margins in SVG units; the page scales it to the available width. */
const [width, height, left, right, bottom, top] = [560, 240, 58, 46, 50, 26];

/** The number of bars. */
const binCount = 28;

/**
 * Renders a histogram of the jobs' durations.
 *
 * @param figures The run's figures.
 * @returns HTML.
 */
export function durationChart({ jobs, sorted, failed }: Figures): Html {
  const scale = scaleOf(sorted[0] ?? 0, sorted.at(-1) ?? 0);
  const bins = Array.from({ length: binCount }, () => ({ ok: 0, failed: 0 }));
  for (const { record: { ok, elapsedMilliseconds } } of jobs) {
    const at = Math.floor(scale.part(elapsedMilliseconds) * binCount);
    const bin = bins[Math.min(Math.max(at, 0), binCount - 1)];
    if (bin) bin[ok ? "ok" : "failed"]++;
  }
  const most = Math.max(...bins.map(({ ok, failed }) => ok + failed));
  const step = niceStep(most / 4);
  const high = Math.max(Math.ceil(most / step) * step, 1);
  const x = (part: number) => (left + part * (width - left - right)).toFixed(1);
  const tall = (count: number) => count / high * (height - bottom - top);
  const y = (count: number) => (height - bottom - tall(count)).toFixed(1);
  const barWidth = ((width - left - right) / binCount - 1.5).toFixed(1);
  const counts = Array.from({ length: Math.round(high / step) + 1 }, (_, index) => index * step);
  const quantiles = [["median", 0.5], ["95 %", 0.95]] as const;
  const [median = "", high95 = ""] = quantiles.map(([, part]) => timeText(quantile(sorted, part)));
  const label = `Histogram of ${countText(jobs.length, "job")}: median ${median}, ` +
    `95 % within ${high95}, longest ${timeText(sorted.at(-1) ?? 0)}`;
  return markup`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
${
    counts.map((count) =>
      markup`<line class="grid" x1="${left}" x2="${width - right}" y1="${y(count)}" y2="${
        y(count)
      }"/><text x="${left - 8}" y="${y(count)}" dy="4" text-anchor="end">${
        count.toLocaleString("en")
      }</text>`
    )
  }
${
    bins.map(({ ok, failed }, index) => {
      if (ok + failed === 0) return undefined;
      const [from, to] = [index, index + 1].map((at) => timeText(scale.at(at / binCount)));
      const bar = (name: string, top: string, count: number) =>
        markup`<rect class="${name}" x="${
          x(index / binCount)
        }" y="${top}" width="${barWidth}" height="${tall(count).toFixed(1)}"/>`;
      return markup`<g><title>${from} to ${to}: ${countText(ok + failed, "job")}${
        failed > 0 && `, ${failed} failed`
      }</title>${bar("ok", y(ok), ok)}${failed > 0 && bar("bad", y(ok + failed), failed)}</g>`;
    })
  }
${
    scale.ticks.map((time) => {
      const [at, under] = [x(scale.part(time)), height - bottom];
      return markup`<line class="tick" x1="${at}" x2="${at}" y1="${under}" y2="${
        under + 5
      }"/><text x="${at}" y="${under + 20}" text-anchor="middle">${tickText(time)}</text>`;
    })
  }
${
    jobs.length < 5 ? undefined : markers(quantiles.map(([name, part]) => {
      const time = quantile(sorted, part);
      return { name, x: Number(x(scale.part(time))) };
    }))
  }
<text class="title" x="${(left + width) / 2}" y="${height - 5}" text-anchor="middle">job duration${
    scale.isLogarithmic && " (logarithmic)"
  }</text>
</svg>${
    failed > 0 &&
    markup`
      <p
        class="legend"><span><i class="key ok"></i>succeeded</span><span><i class="key bad"></i>failed</span></p>
    `
  }`;
}

/** Labels the first marker on its left and the second on its right, so that they never overlap. */
function markers(all: readonly { name: string; x: number }[]): Html[] {
  return all.map(({ name, x }, index) => {
    const isFirst = index === 0;
    return markup`
      <line class="mark" x1="${x}" x2="${x}" y1="4" y2="${height - bottom}" />
      <text class="mark" x="${isFirst ? x - 5 : x + 5}" y="14" text-anchor="${
      isFirst ? "end" : "start"
    }">${name}</text>
    `;
  });
}

/** Formats an axis label, without trailing zeros. */
function tickText(milliseconds: number): string {
  if (milliseconds >= 60_000) return timeText(milliseconds);
  return milliseconds >= 1000
    ? `${milliseconds / 1000} s`
    : `${Number(milliseconds.toPrecision(3))} ms`;
}

/** A time scale. */
interface Scale {
  readonly isLogarithmic: boolean;
  /** Maps a time to a position from 0 to 1. */
  readonly part: (time: number) => number;
  /** Maps a position back to a time. */
  readonly at: (part: number) => number;
  readonly ticks: readonly number[];
}

/** Returns a logarithmic scale if the longest time is more than thirty times the shortest. */
function scaleOf(shortest: number, longest: number): Scale {
  const low = Math.max(shortest, 0.01);
  if (longest / low > 30) {
    const [from, to] = [Math.log10(low), Math.log10(longest)];
    // Ticks between powers of ten too, if there is room.
    const factors = to - from < 2.5 ? [1, 2, 5] : [1];
    const ticks = Array.from(
      { length: Math.floor(to) - Math.floor(from) + 1 },
      (_, index) => factors.map((factor) => factor * 10 ** (Math.floor(from) + index)),
    ).flat();
    return {
      isLogarithmic: true,
      part: (time) => (Math.log10(Math.max(time, low)) - from) / (to - from),
      at: (part) => 10 ** (from + part * (to - from)),
      ticks: ticks.filter((time) => time >= low && time <= longest),
    };
  }
  const step = niceStep(Math.max(longest, 1) / 5);
  const high = Math.max(Math.ceil(longest / step) * step, step);
  return {
    isLogarithmic: false,
    part: (time) => time / high,
    at: (part) => part * high,
    ticks: Array.from({ length: Math.round(high / step) + 1 }, (_, index) => index * step),
  };
}

/** Rounds up to 1, 2 or 5 times a power of ten, and to at least 1. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return power * (least <= power ? 1 : least <= 2 * power ? 2 : least <= 5 * power ? 5 : 10);
}
