/**
 * Finds, describes and selects jobs of the timeline.
 *
 * @module
 */

/** @import { Job, Timeline } from "./timeline_data.js" */

import { redraw } from "./timeline_draw.js";
import { durationLabel, timeAt } from "./timeline_scale.js";
import { show } from "./timeline_view.js";

/**
 * Returns the job at or next to a point of the canvas of slots.
 *
 * @param {Timeline} timeline
 * @param {number} x
 * @param {number} y
 * @returns {Job | undefined}
 */
export function jobAt({ view, slots, elements }, x, y) {
  const slot = slots[Math.floor((elements.rows.scrollTop + y) / view.row)];
  if (slot === undefined || x < view.left) return undefined;
  const near = 3 * (view.to - view.from) / view.width;
  const time = timeAt(view, x);
  return slot.find(({ start, end }) => start <= time && time <= end) ??
    slot.find(({ start, end }) => start - near <= time && time <= end + near);
}

/**
 * @param {string} name
 * @param {string} text Inserted as text, never as HTML.
 * @param {string} [className]
 */
export function elementOf(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

/**
 * Returns an element that describes a job.
 *
 * @param {Timeline} timeline
 * @param {Job} job
 * @param {boolean} hasOutput Whether to include the end of its standard error.
 */
export function describe({ phases }, job, hasOutput) {
  const box = elementOf("div", "", "job");
  const head = elementOf("div", "");
  const attempts = job.attempts > 1 ? `, ${job.attempts} attempts` : "";
  const copies = job.copies > 0 ? `, ${job.copies} ${job.copies > 1 ? "copies" : "copy"}` : "";
  head.append(
    elementOf("b", `Job ${job.seq}: ${durationLabel(job.end - job.start)}`),
    `, started at ${durationLabel(job.start)}${attempts}${copies}`,
  );
  const times = elementOf("div", "", "times");
  /** @type {Map<number, number>} */
  const sums = new Map();
  for (let i = 0; i < job.pieces.length; i += 2) {
    sums.set(job.pieces[i], (sums.get(job.pieces[i]) ?? 0) + job.pieces[i + 1]);
  }
  for (const [phase, sum] of sums) {
    const entry = elementOf("span", "");
    entry.append(elementOf("i", "", `key p${phase}`), `${phases[phase]} ${durationLabel(sum)}`);
    times.append(entry, " ");
  }
  box.append(head, elementOf("code", job.command), times);
  if (job.error !== 0) box.append(elementOf("p", job.error, "error"));
  if (hasOutput && job.stderr !== "") {
    const output = elementOf("pre", job.stderr);
    output.tabIndex = 0;
    output.setAttribute("aria-label", "Standard error");
    output.setAttribute("role", "region");
    box.append(output);
  }
  return box;
}

/**
 * Shows a job's tooltip next to a point, or hides the tooltip.
 *
 * @param {Timeline} timeline
 * @param {Job | undefined} job
 * @param {number} x
 * @param {number} y
 */
export function hover(timeline, job, x, y) {
  const { view, elements: { chart, rows, tip } } = timeline;
  tip.hidden = job === undefined;
  if (job === undefined) return;
  tip.replaceChildren(describe(timeline, job, false));
  const place = x + tip.offsetWidth + 16 > view.width ? x - tip.offsetWidth - 12 : x + 14;
  tip.style.left = `${Math.max(0, place)}px`;
  const middle = rows.offsetTop + y;
  const below = middle + 16;
  tip.style.top = `${
    below + tip.offsetHeight > chart.offsetHeight + 60 ? middle - tip.offsetHeight - 10 : below
  }px`;
}

/**
 * Selects a job and scrolls it into view, or clears the selection.
 *
 * @param {Timeline} timeline
 * @param {Job | undefined} job
 */
export function select(timeline, job) {
  const { view, elements: { chart, chosen, details, rows, tip } } = timeline;
  timeline.current = job;
  timeline.onSelect(job);
  // The focus must not vanish with a button of the panel.
  if (job === undefined && details.contains(document.activeElement)) {
    chart.focus({ preventScroll: true });
  }
  chosen.replaceChildren(...(job === undefined ? [] : [describe(timeline, job, true)]));
  details.hidden = job === undefined;
  document.body.style.paddingBottom = `${details.offsetHeight}px`;
  tip.hidden = true;
  if (job === undefined) return redraw(timeline);
  const range = view.to - view.from;
  if (job.end < view.from || job.start > view.to) {
    show(timeline, job.start - range / 3, job.start + range * 2 / 3);
  }
  const y = job.slot * view.row;
  if (y < rows.scrollTop || y + view.row > rows.scrollTop + view.height) {
    rows.scrollTop = y - view.height / 2;
  }
  redraw(timeline);
}

/**
 * Selects the next job by start, or the previous one.
 *
 * @param {Timeline} timeline
 * @param {1 | -1} by
 */
export function selectNext(timeline, by) {
  const { jobs, current, view } = timeline;
  const index = current === undefined
    ? jobs.findIndex(({ end }) => end >= view.from) - (by > 0 ? 1 : 0)
    : jobs.indexOf(current);
  select(timeline, jobs[Math.min(Math.max(index + by, 0), jobs.length - 1)]);
}

/**
 * Selects the next failed job by start, or the previous one.
 *
 * @param {Timeline} timeline
 * @param {1 | -1} by
 */
export function selectFailure(timeline, by) {
  const { jobs, current } = timeline;
  const failed = jobs.filter(({ error }) => error !== 0);
  const from = current?.start ?? (by > 0 ? -Infinity : Infinity);
  const later = failed.filter((job) => job !== current && by * (job.start - from) >= 0);
  const next = by > 0 ? later[0] : later.at(-1);
  if (next !== undefined) select(timeline, next);
}

/**
 * Selects the job of a neighboring slot that is nearest in time.
 *
 * @param {Timeline} timeline
 * @param {1 | -1} by
 */
export function selectNeighbor(timeline, by) {
  const { current, slots } = timeline;
  if (current === undefined) return selectNext(timeline, 1);
  const others = slots[current.slot + by] ?? [];
  const middle = (current.start + current.end) / 2;
  const distance = (/** @type {Job} */ { start, end }) => Math.max(start - middle, middle - end, 0);
  const nearest = others.reduce((a, b) => distance(b) < distance(a) ? b : a, others[0]);
  if (nearest !== undefined) select(timeline, nearest);
}
