/**
 * The script of the report page: the timeline, the list of jobs, and the details of one job.
 *
 * The page contains the source text of the functions of this directory's `.js` files, see {@linkcode
 * pageScript}. They therefore must be function declarations that use nothing but each other, the DOM
 * and their arguments; values at the top level would be missing in the page. They are JavaScript
 * because the page gets their text as it is; `deno task check` checks their types.
 *
 * @module
 */

import { copyText, lineText, onCopy, saveText } from "./job_actions.js";
import { createList, findJobs, matches, orderOf, updateList } from "./job_list.js";
import { markCurrent, onList, renderRows, rowOf, sortByKey, watchFailures } from "./job_table.js";
import {
  byId,
  canvasById,
  onButtons,
  onKeys,
  onPointers,
  onThemeAndSize,
  onWheel,
  startTimeline,
} from "./timeline.js";
import { commandsOf, createTimeline, readJob, stepsOf } from "./timeline_data.js";
import {
  barsOf,
  clearCanvas,
  draw,
  drawArea,
  drawFailures,
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
  selectFailure,
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
export function pageScript() {
  const functions = [
    ...[commandsOf, createTimeline, readJob, stepsOf],
    ...[barsOf, clearCanvas, draw, drawArea, drawFailures, drawLoad, drawSlotNumbers, drawSlots],
    ...[fillBars, longestPhase, outlineCurrent, readColors, redraw],
    ...[durationLabel, tickText, ticksOf, timeAt, xOf],
    ...[describe, elementOf, hover, jobAt, select, selectFailure, selectNeighbor, selectNext],
    ...[fit, measure, pan, resizeCanvas, rowHeight, show, zoom, zoomAtCurrent],
    ...[startTimeline, byId, canvasById, onKeys, onWheel, onPointers, onButtons, onThemeAndSize],
    ...[createList, findJobs, matches, orderOf, updateList],
    ...[markCurrent, onList, renderRows, rowOf, sortByKey, watchFailures],
    ...[copyText, lineText, onCopy, saveText],
    startPage,
  ];
  return `(()=>{${functions.map(String).join("\n")}\n${startPage.name}();})();`;
}

/** Starts everything, if the page has jobs. */
export function startPage() {
  if (document.getElementById("chart") === null) return;
  const data = JSON.parse(byId("data").textContent ?? "");
  const timeline = startTimeline(data);
  const list = createList(timeline, {
    rows: byId("job-rows"),
    found: byId("found"),
    more: byId("more"),
  });
  onList(list);
  watchFailures(list);
  onCopy(list, data.hasNulLines);
  updateList(list);
  if (timeline.jobs.length === 1) select(timeline, timeline.jobs[0]);
}
