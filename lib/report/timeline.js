/**
 * The script of the report page: an interactive timeline.
 *
 * The page contains the source text of the functions of the `timeline*.js` files, see {@linkcode
 * timelineScript}. They therefore must be function declarations that use nothing but each other,
 * the DOM and their arguments; values at the top level would be missing in the page. They are
 * JavaScript because the page gets their text as it is; `deno task check` checks their types.
 *
 * @module
 */

/** @import { Timeline } from "./timeline_data.js" */

import { commandsOf, createTimeline, readJob, stepsOf } from "./timeline_data.js";
import {
  barsOf,
  clearCanvas,
  draw,
  drawArea,
  drawLoad,
  drawSlotNumbers,
  drawSlots,
  fillBars,
  longestPhase,
  outlineCurrent,
  readColors,
  redraw,
} from "./timeline_draw.js";
import { durationLabel, ticksOf, tickText, timeAt, xOf } from "./timeline_scale.js";
import {
  describe,
  elementOf,
  hover,
  jobAt,
  select,
  selectNeighbor,
  selectNext,
} from "./timeline_select.js";
import {
  fit,
  measure,
  pan,
  resizeCanvas,
  rowHeight,
  show,
  zoom,
  zoomAtCurrent,
} from "./timeline_view.js";

/**
 * Returns the script for the page. It takes the functions' names from the functions, since a
 * bundler may have renamed them.
 */
export function timelineScript() {
  const functions = [
    ...[commandsOf, createTimeline, readJob, stepsOf],
    ...[barsOf, clearCanvas, draw, drawArea, drawLoad, drawSlotNumbers, drawSlots, fillBars],
    ...[longestPhase, outlineCurrent, readColors, redraw],
    ...[durationLabel, tickText, ticksOf, timeAt, xOf],
    ...[describe, elementOf, hover, jobAt, select, selectNeighbor, selectNext],
    ...[fit, measure, pan, resizeCanvas, rowHeight, show, zoom, zoomAtCurrent],
    ...[startTimeline, byId, canvasById, onKeys, onWheel, onPointers, onButtons, onThemeAndSize],
  ];
  return `(()=>{${functions.map(String).join("\n")}\n${startTimeline.name}();})();`;
}

/** Starts the timeline, if the page has one. */
export function startTimeline() {
  if (document.getElementById("chart") === null) return;
  const data = JSON.parse(byId("data").textContent ?? "");
  const timeline = createTimeline(
    {
      chart: byId("chart"),
      load: canvasById("load"),
      rows: byId("rows"),
      slots: canvasById("slots"),
      room: byId("room"),
      tip: byId("tip"),
      chosen: byId("chosen"),
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
 * Handles the zoom buttons, and the buttons in the tables that show a job in the timeline.
 *
 * @param {Timeline} timeline
 */
export function onButtons(timeline) {
  const { jobs, elements: { chart } } = timeline;
  byId("in").addEventListener("click", () => zoomAtCurrent(timeline, 1.5));
  byId("out").addEventListener("click", () => zoomAtCurrent(timeline, 1 / 1.5));
  byId("fit").addEventListener("click", () => fit(timeline));
  for (const button of document.querySelectorAll(".show")) {
    button.addEventListener("click", () => {
      const wanted = Number(button.getAttribute("data-seq"));
      select(timeline, jobs.find(({ seq }) => seq === wanted));
      byId("timeline").scrollIntoView();
      chart.focus({ preventScroll: true });
    });
  }
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
