/**
 * The list of jobs: which of them are shown, and in which order.
 *
 * @module
 */

/** @import { Job, Timeline } from "./timeline_data.js" */

import { renderRows } from "./job_table.js";
import { redraw } from "./timeline_draw.js";

/** @typedef {"seq" | "start" | "time" | "result" | "command"} SortKey */

/**
 * The elements of the list.
 *
 * @typedef {object} ListElements
 * @property {HTMLElement} rows The body of the table.
 * @property {HTMLElement} found Says how many jobs are shown.
 * @property {HTMLElement} more The button that shows more rows.
 */

/**
 * The state of the list.
 *
 * @typedef {object} JobList
 * @property {Timeline} timeline
 * @property {ListElements} elements
 * @property {string} search The text to search for, in lower case.
 * @property {"all" | "failed" | number} show All jobs, those that failed, or those of a kind of failure.
 * @property {SortKey} key What the jobs are sorted by.
 * @property {1 | -1} direction 1 for ascending.
 * @property {number} limit The number of rows that are shown.
 * @property {Job[]} found The jobs that are shown.
 */

/**
 * Returns a list of all jobs, the slowest first.
 *
 * @param {Timeline} timeline
 * @param {ListElements} elements
 * @returns {JobList}
 */
export function createList(timeline, elements) {
  return {
    timeline,
    elements,
    search: "",
    show: "all",
    key: "time",
    direction: -1,
    limit: 20,
    found: [],
  };
}

/**
 * Finds the jobs to show, and shows them in the table and in the timeline, which pales the others.
 *
 * @param {JobList} list
 */
export function updateList(list) {
  const { timeline } = list;
  list.found = findJobs(list);
  timeline.shown = list.found.length === timeline.jobs.length ? undefined : new Set(list.found);
  renderRows(list);
  redraw(timeline);
}

/**
 * Returns the jobs that the list shows, in its order.
 *
 * @param {JobList} list
 * @returns {Job[]}
 */
export function findJobs({ timeline, search, show, key, direction }) {
  const order = orderOf(key);
  return timeline.jobs
    .filter((job) => matches(job, show, search))
    .sort((a, b) => direction * order(a, b) || a.seq - b.seq);
}

/**
 * @param {Job} job
 * @param {"all" | "failed" | number} show
 * @param {string} search In lower case.
 */
export function matches({ seq, error, kind, command, line, stderr }, show, search) {
  if (show === "failed" ? error === 0 : show !== "all" && kind !== show) return false;
  if (search === "" || String(seq) === search) return true;
  return [command, error === 0 ? "" : error, line, stderr]
    .some((text) => text.toLowerCase().includes(search));
}

/**
 * Returns how jobs are compared by a column.
 *
 * @param {SortKey} key
 * @returns {(a: Job, b: Job) => number}
 */
export function orderOf(key) {
  const byText = (/** @type {string} */ a, /** @type {string} */ b) => a < b ? -1 : a > b ? 1 : 0;
  switch (key) {
    case "seq":
      return (a, b) => a.seq - b.seq;
    case "start":
      return (a, b) => a.start - b.start;
    case "time":
      return (a, b) => a.end - a.start - (b.end - b.start);
    case "result":
      return (a, b) => byText(String(a.error || ""), String(b.error || ""));
    case "command":
      return (a, b) => byText(a.command, b.command);
  }
}
