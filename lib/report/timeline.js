/**
 * The timeline of the report page: an interactive chart. See page_script.js for the rules of this file.
 *
 * @module
 */

/** @import { PageData, Timeline } from "./timeline_data.js" */

import { createTimeline } from "./timeline_data.js";
import { draw, readColors, redraw } from "./timeline_draw.js";
import {
  hover,
  jobAt,
  select,
  selectFailure,
  selectNeighbor,
  selectNext,
} from "./timeline_select.js";
import { fit, measure, pan, zoom, zoomAtCurrent } from "./timeline_view.js";

/**
 * Starts the timeline.
 *
 * @param {PageData} data
 * @returns {Timeline}
 */
export function startTimeline(data) {
  const timeline = createTimeline(
    {
      chart: byId("chart"),
      load: canvasById("load"),
      rows: byId("rows"),
      slots: canvasById("slots"),
      room: byId("room"),
      tip: byId("tip"),
      chosen: byId("chosen"),
      details: byId("details"),
    },
    data,
    readColors(data.phases),
  );
  onKeys(timeline);
  onWheel(timeline);
  onPointers(timeline);
  onButtons(timeline);
  onThemeAndSize(timeline);
  measure(timeline);
  draw(timeline);
  return timeline;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element "${id}"`);
  return element;
}

/**
 * @param {string} id
 * @returns {HTMLCanvasElement}
 */
export function canvasById(id) {
  const element = byId(id);
  if (element instanceof HTMLCanvasElement) return element;
  throw new Error(`"${id}" is not a canvas`);
}

/** @param {Timeline} timeline */
export function onKeys(timeline) {
  const { view, elements: { chart } } = timeline;
  /** @type {Record<string, () => void>} */
  const actions = {
    ArrowLeft: () => selectNext(timeline, -1),
    ArrowRight: () => selectNext(timeline, 1),
    ArrowUp: () => selectNeighbor(timeline, -1),
    ArrowDown: () => selectNeighbor(timeline, 1),
    "shift ArrowLeft": () => pan(timeline, -view.width / 5),
    "shift ArrowRight": () => pan(timeline, view.width / 5),
    "+": () => zoomAtCurrent(timeline, 1.5),
    "=": () => zoomAtCurrent(timeline, 1.5),
    "-": () => zoomAtCurrent(timeline, 1 / 1.5),
    "0": () => fit(timeline),
    Home: () => fit(timeline),
    f: () => selectFailure(timeline, 1),
    F: () => selectFailure(timeline, -1),
    Escape: () => select(timeline, undefined),
  };
  chart.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = event.shiftKey && event.key.startsWith("Arrow") ? "shift " : "";
    const action = actions[arrow + event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}

/** @param {Timeline} timeline */
export function onWheel(timeline) {
  const { chart, slots } = timeline.elements;
  chart.addEventListener("wheel", (event) => {
    const { left, top } = slots.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const factor = Math.exp(-event.deltaY / 200);
      zoom(timeline, factor, event.clientX - left, event.clientY - top);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan(timeline, event.deltaX);
    }
  }, { passive: false });
}

/**
 * Handles fingers and the mouse: one pointer pans, two zoom, and one that did not move selects.
 *
 * @param {Timeline} timeline
 */
export function onPointers(timeline) {
  const { view, elements: { chart, rows, slots, tip } } = timeline;
  /** @type {Map<number, PointerEvent>} */
  const pointers = new Map();
  let hasMoved = false;

  const jobUnder = (/** @type {PointerEvent} */ event) => {
    const { left, top } = slots.getBoundingClientRect();
    return jobAt(timeline, event.clientX - left, event.clientY - top);
  };

  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.offsetX > view.width) return;
    pointers.set(event.pointerId, event);
    hasMoved = pointers.size > 1;
  });

  chart.addEventListener("pointermove", (event) => {
    const { left, top } = slots.getBoundingClientRect();
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      const isOver = event.pointerType === "mouse" && event.target === slots;
      const job = isOver ? jobUnder(event) : undefined;
      hover(timeline, job, event.clientX - left, event.clientY - top);
      return;
    }
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (!hasMoved && Math.hypot(dx, dy) < 4) return;
    if (!hasMoved) chart.setPointerCapture(event.pointerId);
    hasMoved = true;
    tip.hidden = true;
    chart.classList.add("moving");
    const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (other === undefined) {
      pan(timeline, -dx);
      if (event.pointerType === "mouse") rows.scrollTop -= dy;
    } else {
      const distance = (/** @type {PointerEvent} */ point) =>
        Math.max(Math.abs(point.clientX - other.clientX), 20);
      const middle = (event.clientX + other.clientX) / 2;
      zoom(timeline, distance(event) / distance(before), middle - left);
    }
    pointers.set(event.pointerId, event);
  });

  const release = (/** @type {PointerEvent} */ event) => {
    if (!pointers.delete(event.pointerId)) return;
    chart.classList.remove("moving");
    if (event.type === "pointerup" && !hasMoved && event.target === slots) {
      select(timeline, jobUnder(event));
    }
  };
  chart.addEventListener("pointerup", release);
  chart.addEventListener("pointercancel", release);
  chart.addEventListener("pointerleave", () => hover(timeline, undefined, 0, 0));
}

/**
 * Handles the buttons of the timeline and of the selected job.
 *
 * @param {Timeline} timeline
 */
export function onButtons(timeline) {
  const { elements: { chart, details } } = timeline;
  const on = (/** @type {string} */ id, /** @type {() => void} */ action) =>
    document.getElementById(id)?.addEventListener("click", action);
  on("in", () => zoomAtCurrent(timeline, 1.5));
  on("out", () => zoomAtCurrent(timeline, 1 / 1.5));
  on("fit", () => fit(timeline));
  on("previous-failure", () => selectFailure(timeline, -1));
  on("next-failure", () => selectFailure(timeline, 1));
  on("previous", () => selectNext(timeline, -1));
  on("next", () => selectNext(timeline, 1));
  on("locate", () => {
    byId("timeline").scrollIntoView();
    chart.focus({ preventScroll: true });
  });
  on("close", () => select(timeline, undefined));
  details.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") select(timeline, undefined);
  });
}

/**
 * Redraws after scrolling, and when the theme or the size changes.
 *
 * @param {Timeline} timeline
 */
export function onThemeAndSize(timeline) {
  const { rows } = timeline.elements;
  rows.addEventListener("scroll", () => redraw(timeline));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    timeline.colors = readColors(timeline.phases);
    redraw(timeline);
  });
  new ResizeObserver(() => {
    measure(timeline);
    redraw(timeline);
  }).observe(rows);
}
