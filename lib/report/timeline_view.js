/**
 * Layout, zooming and panning of the timeline.
 *
 * @module
 */

/** @import { Timeline } from "./timeline_data.js" */

import { redraw } from "./timeline_draw.js";
import { timeAt, xOf } from "./timeline_scale.js";

/**
 * Returns the height of a slot: all slots fit if there are not too many, and they grow on zooming.
 *
 * @param {Timeline} timeline
 */
export function rowHeight({ slots, span, view }) {
  const fitting = Math.min(22, Math.max(2, (view.maxHeight - 4) / slots.length));
  return Math.min(22, fitting * Math.sqrt(span / (view.to - view.from)));
}

/**
 * Adapts the layout to the width of the page and to the zoom.
 *
 * @param {Timeline} timeline
 */
export function measure(timeline) {
  const { view, slots, elements } = timeline;
  view.width = elements.rows.clientWidth;
  view.row = rowHeight(timeline);
  const whole = Math.ceil(slots.length * view.row) + 4;
  view.height = Math.min(whole, view.maxHeight);
  elements.room.style.height = `${whole - view.height}px`;
  resizeCanvas(elements.load, view.width, view.loadHeight + view.axisHeight);
  resizeCanvas(elements.slots, view.width, view.height);
}

/**
 * Sets the size of a canvas in CSS pixels. Setting its size in device pixels clears it, so that is
 * done only if needed.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function resizeCanvas(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const [pixelWidth, pixelHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width === pixelWidth && canvas.height === pixelHeight) return;
  canvas.width = pixelWidth;
  canvas.height = pixelHeight;
}

/**
 * Shows a range of time, limited to the run.
 *
 * @param {Timeline} timeline
 * @param {number} from
 * @param {number} to
 */
export function show(timeline, from, to) {
  const { view, span } = timeline;
  const range = Math.min(Math.max(to - from, span / 1e6, 0.01), span);
  view.from = Math.min(Math.max(from, 0), span - range);
  view.to = view.from + range;
  redraw(timeline);
}

/**
 * Zooms around a point, which stays where it is.
 *
 * @param {Timeline} timeline
 * @param {number} factor More than 1 to zoom in.
 * @param {number} [x] By default, the middle.
 * @param {number} [y] By default, the middle.
 */
export function zoom(timeline, factor, x, y) {
  const { view, elements: { rows } } = timeline;
  const px = x ?? (view.left + view.width - view.right) / 2;
  const py = y ?? view.height / 2;
  const time = timeAt(view, px);
  const slot = (rows.scrollTop + py) / view.row;
  show(timeline, time - (time - view.from) / factor, time + (view.to - time) / factor);
  measure(timeline);
  rows.scrollTop = slot * view.row - py;
}

/**
 * Zooms around the selected job, if there is one.
 *
 * @param {Timeline} timeline
 * @param {number} factor
 */
export function zoomAtCurrent(timeline, factor) {
  const { current, view } = timeline;
  const middle = current &&
    xOf(view, (Math.max(current.start, view.from) + Math.min(current.end, view.to)) / 2);
  zoom(timeline, factor, middle && Math.min(Math.max(middle, view.left), view.width - view.right));
}

/**
 * @param {Timeline} timeline
 * @param {number} pixels
 */
export function pan(timeline, pixels) {
  const { view } = timeline;
  const time = pixels / (view.width - view.left - view.right) * (view.to - view.from);
  show(timeline, view.from + time, view.to + time);
}

/**
 * Shows the whole run.
 *
 * @param {Timeline} timeline
 */
export function fit(timeline) {
  show(timeline, 0, timeline.span);
  measure(timeline);
  timeline.elements.rows.scrollTop = 0;
}
