/**
 * Draws the timeline on its two canvases: the number of running jobs above, the slots below.
 *
 * @module
 */

/** @import { Colors, Steps, Timeline } from "./timeline_data.js" */

import { ticksOf, tickText, timeAt, xOf } from "./timeline_scale.js";

/**
 * Reads the colors of the current theme from the style sheet.
 *
 * @param {string[]} phases
 * @returns {Colors}
 */
export function readColors(phases) {
  const style = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    phases: phases.map((_, index) => of(`--p${index}`)),
    text: of("--text"),
    soft: of("--soft"),
    grid: of("--grid"),
    load: of("--load"),
    bad: of("--bad"),
    card: of("--card"),
    accent: of("--accent"),
  };
}

/**
 * Draws everything, and exposes the state in `data-` attributes.
 *
 * @param {Timeline} timeline
 */
export function draw(timeline) {
  timeline.isDue = false;
  const { view, current, elements: { chart } } = timeline;
  const { ticks, step } = ticksOf(view);
  drawLoad(timeline, ticks, step);
  drawSlots(timeline, ticks);
  chart.dataset.from = view.from.toFixed(3);
  chart.dataset.to = view.to.toFixed(3);
  chart.dataset.job = String(current?.seq ?? "");
}

/**
 * Draws in the next frame.
 *
 * @param {Timeline} timeline
 */
export function redraw(timeline) {
  if (timeline.isDue) return;
  timeline.isDue = true;
  requestAnimationFrame(() => draw(timeline));
}

/**
 * Clears a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function clearCanvas(canvas) {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser cannot draw on a canvas");
  const ratio = devicePixelRatio || 1;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  return context;
}

/**
 * Draws the numbers of jobs in flight and of commands running, and the time axis.
 *
 * @param {Timeline} timeline
 * @param {number[]} ticks
 * @param {number} step The distance of the ticks.
 */
export function drawLoad(timeline, ticks, step) {
  const { view, colors, inFlight, running, elements } = timeline;
  const { left, right, width, loadHeight } = view;
  const context = clearCanvas(elements.load);
  const max = Math.max(inFlight.max, 1);
  const y = (/** @type {number} */ count) => loadHeight - count / max * (loadHeight - 12);
  context.textAlign = "right";
  for (const count of max > 1 ? [0, max] : [0, 1]) {
    context.fillStyle = colors.grid;
    context.fillRect(left, Math.round(y(count)), width - left - right, 1);
    context.fillStyle = colors.soft;
    context.fillText(count.toLocaleString("en"), left - 8, y(count));
  }
  drawArea(timeline, context, inFlight, y, colors.load);
  drawArea(timeline, context, running, y, colors.accent);
  drawFailures(timeline, context);
  context.fillStyle = colors.soft;
  for (const time of ticks) {
    const text = tickText(view, time, step);
    const half = context.measureText(text).width / 2;
    const x = xOf(view, time);
    context.textAlign = "center";
    context.fillRect(Math.round(x), loadHeight, 1, 5);
    context.fillText(text, Math.min(Math.max(x, half), width - half), loadHeight + 15);
  }
}

/**
 * Fills the area below a count; each column of pixels shows the maximum within it.
 *
 * @param {Timeline} timeline
 * @param {CanvasRenderingContext2D} context
 * @param {Steps} steps
 * @param {(count: number) => number} y
 * @param {string} color
 */
export function drawArea({ view }, context, { times, counts }, y, color) {
  let index = 0;
  let count = 0;
  context.fillStyle = color;
  for (let px = view.left; px < view.width - view.right; px++) {
    const until = timeAt(view, px + 1);
    let max = count;
    if (px === view.left) {
      while (index < times.length && times[index] <= view.from) count = counts[index++];
      max = count;
    }
    while (index < times.length && times[index] < until) {
      count = counts[index++];
      max = Math.max(max, count);
    }
    // Slightly wider than a column, since fractional pixels would leave seams.
    if (max > 0) context.fillRect(px, y(max), 1.1, view.loadHeight - y(max));
  }
}

/**
 * Marks the ends of the failed jobs above the chart, where they are visible at any zoom.
 *
 * @param {Timeline} timeline
 * @param {CanvasRenderingContext2D} context
 */
export function drawFailures({ view, colors, jobs, shown }, context) {
  context.fillStyle = colors.bad;
  let last = -Infinity;
  for (const job of jobs) {
    if (job.error === 0 || job.end < view.from || job.end > view.to) continue;
    if (shown !== undefined && !shown.has(job)) continue;
    const x = Math.round(xOf(view, job.end));
    if (x !== last) context.fillRect(x - 1, 0, 3, 7);
    last = x;
  }
}

/**
 * Draws the jobs of the visible slots.
 *
 * @param {Timeline} timeline
 * @param {number[]} ticks
 */
export function drawSlots(timeline, ticks) {
  const { view, colors, slots, elements } = timeline;
  const { row, width, height, left, right } = view;
  const context = clearCanvas(elements.slots);
  const top = elements.rows.scrollTop;
  context.fillStyle = colors.grid;
  for (const time of ticks) context.fillRect(Math.round(xOf(view, time)), 0, 1, height);
  const barHeight = Math.max(row - (row >= 5 ? 1 : 0), 1);
  const first = Math.max(0, Math.floor(top / row));
  const last = Math.min(slots.length - 1, Math.floor((top + height) / row));
  const { phases, faded, edges, failed } = barsOf(timeline, first, last, barHeight);
  context.save();
  context.beginPath();
  context.rect(left, 0, width - left - right, height);
  context.clip();
  fillBars(context, faded, colors.grid);
  phases.forEach((bars, phase) => fillBars(context, bars, colors.phases[phase]));
  // The edge tells failures from the phases without color, too.
  fillBars(context, edges, colors.card);
  fillBars(context, failed, colors.bad);
  outlineCurrent(timeline, context, barHeight);
  context.restore();
  drawSlotNumbers(timeline, context, first, last);
}

/**
 * Collects the bars to fill, by color: switching a canvas's color for each bar would be slow.
 *
 * @param {Timeline} timeline
 * @param {number} first The first visible slot.
 * @param {number} last The last visible slot.
 * @param {number} barHeight
 * @returns {{ phases: number[][], faded: number[], edges: number[], failed: number[] }} Flat lists of
 *   x, y, width and height.
 */
export function barsOf({ view, slots, phases: names, shown, elements }, first, last, barHeight) {
  const { row, from, to, width, left, right } = view;
  const top = elements.rows.scrollTop;
  const scale = (width - left - right) / (to - from);
  /** @type {number[][]} */
  const phases = names.map(() => []);
  /** @type {number[]} */
  const faded = [];
  /** @type {number[]} */
  const edges = [];
  /** @type {number[]} */
  const failed = [];
  const mark = row >= 8 ? Math.max(4, Math.round(barHeight * 0.4)) : barHeight;
  for (let slot = first; slot <= last; slot++) {
    const y = slot * row - top;
    for (const job of slots[slot]) {
      const { start, end, error, pieces } = job;
      if (end < from || start > to) continue;
      const x = left + (start - from) * scale;
      const jobWidth = Math.max((end - start) * scale, 1);
      if (shown !== undefined && !shown.has(job)) {
        faded.push(x, y, jobWidth, barHeight);
        continue;
      }
      if (error !== 0) {
        // Failed jobs are often short.
        const failedWidth = Math.max(jobWidth, 3);
        failed.push(x, y + barHeight - mark, failedWidth, mark);
        if (row >= 8) edges.push(x, y + barHeight - mark - 1, failedWidth, 1);
      }
      if (jobWidth < 2) {
        phases[longestPhase(pieces, names.length - 1)].push(x, y, jobWidth, barHeight);
        continue;
      }
      let at = x;
      for (let i = 0; i < pieces.length; i += 2) {
        const length = pieces[i + 1] * scale;
        // Anything thinner than about a third of a pixel is invisible.
        if (length > 0.3) phases[pieces[i]].push(at, y, length, barHeight);
        at += length;
      }
    }
  }
  return { phases, faded, edges, failed };
}

/**
 * Returns the phase that took longest.
 *
 * @param {number[]} pieces
 * @param {number} fallback The phase of a job without pieces.
 */
export function longestPhase(pieces, fallback) {
  let longest = 0;
  for (let i = 2; i < pieces.length; i += 2) if (pieces[i + 1] > pieces[longest + 1]) longest = i;
  return pieces[longest] ?? fallback;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} bars A flat list of x, y, width and height.
 * @param {string} color
 */
export function fillBars(context, bars, color) {
  context.fillStyle = color;
  for (let i = 0; i < bars.length; i += 4) {
    context.fillRect(bars[i], bars[i + 1], bars[i + 2], bars[i + 3]);
  }
}

/**
 * Outlines the selected job.
 *
 * @param {Timeline} timeline
 * @param {CanvasRenderingContext2D} context
 * @param {number} barHeight
 */
export function outlineCurrent({ current, view, colors, elements }, context, barHeight) {
  if (current === undefined) return;
  const x = xOf(view, current.start);
  const y = current.slot * view.row - elements.rows.scrollTop;
  context.strokeStyle = colors.text;
  context.lineWidth = 2;
  context.strokeRect(x - 1, y, Math.max(xOf(view, current.end) - x, 2) + 2, barHeight);
}

/**
 * Numbers the slots at a regular interval that leaves room for the text.
 *
 * @param {Timeline} timeline
 * @param {CanvasRenderingContext2D} context
 * @param {number} first The first visible slot.
 * @param {number} last The last visible slot.
 */
export function drawSlotNumbers({ view, colors, elements }, context, first, last) {
  const { row, left, height } = view;
  const top = elements.rows.scrollTop;
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => each * row >= 18) ?? 2000;
  context.fillStyle = colors.soft;
  context.textAlign = "right";
  for (let slot = first; slot <= last; slot++) {
    if (slot !== 0 && (slot + 1) % every !== 0) continue;
    // A number right below that of the first slot would overlap it.
    if (slot > 0 && slot * row < 14) continue;
    const y = slot * row - top + Math.min(row, 22) / 2;
    if (y > height - 6 && slot > 0) continue;
    context.fillText(String(slot + 1), left - 8, Math.max(y, 7));
  }
}
