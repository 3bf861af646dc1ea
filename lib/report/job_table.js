/**
 * The table of jobs, and the controls that filter and sort it.
 *
 * @module
 */

/** @import { JobList, SortKey } from "./job_list.js" */
/** @import { Job } from "./timeline_data.js" */

import { updateList } from "./job_list.js";
import { byId } from "./timeline.js";
import { durationLabel } from "./timeline_scale.js";
import { elementOf, select } from "./timeline_select.js";

/**
 * Shows the rows that the list has found, up to its limit.
 *
 * @param {JobList} list
 */
export function renderRows(list) {
  const { elements: { rows, found, more }, timeline: { jobs, current }, limit, key } = list;
  const count = (/** @type {number} */ amount) => amount.toLocaleString("en");
  const shown = list.found.slice(0, limit);
  rows.replaceChildren(...shown.map(rowOf));
  const rest = list.found.length - shown.length;
  found.textContent = list.found.length === jobs.length
    ? `${count(jobs.length)} ${jobs.length === 1 ? "job" : "jobs"}`
    : `${count(list.found.length)} of ${count(jobs.length)} jobs`;
  more.hidden = rest <= 0;
  more.textContent = rest > 100 ? `Show 100 more of ${count(rest)}` : `Show ${count(rest)} more`;
  for (const head of document.querySelectorAll("[data-key]")) {
    if (head.getAttribute("data-key") !== key) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", list.direction > 0 ? "ascending" : "descending");
  }
  markCurrent(list, current);
}

/**
 * Returns the row of a job.
 *
 * @param {Job} job
 */
export function rowOf({ seq, start, end, error, command }) {
  const row = elementOf("tr", "");
  row.dataset.seq = String(seq);
  const button = elementOf("button", String(seq), "show");
  button.setAttribute("type", "button");
  button.setAttribute("aria-label", `Show job ${seq}`);
  const first = elementOf("td", "");
  first.append(button);
  const result = elementOf("td", error === 0 ? "ok" : error, error === 0 ? "" : "error");
  const last = elementOf("td", "");
  last.append(elementOf("code", command));
  row.append(
    first,
    elementOf("td", durationLabel(start), "n"),
    elementOf("td", durationLabel(end - start), "n"),
    result,
    last,
  );
  return row;
}

/**
 * Marks the row of the selected job.
 *
 * @param {JobList} list
 * @param {Job | undefined} job
 */
export function markCurrent({ elements: { rows } }, job) {
  for (const row of rows.querySelectorAll("[aria-current]")) row.removeAttribute("aria-current");
  if (job === undefined) return;
  rows.querySelector(`[data-seq="${job.seq}"]`)?.setAttribute("aria-current", "true");
}

/**
 * Handles the search, the columns' buttons, the rows, and the button for more rows.
 *
 * @param {JobList} list
 */
export function onList(list) {
  const { timeline, elements: { rows, more } } = list;
  const search = byId("search");
  search.addEventListener("input", () => {
    if (!(search instanceof HTMLInputElement)) return;
    list.search = search.value.trim().toLowerCase();
    list.limit = 20;
    updateList(list);
  });
  for (const head of document.querySelectorAll("[data-key]")) {
    head.querySelector("button")?.addEventListener("click", () => {
      sortByKey(list, /** @type {SortKey} */ (head.getAttribute("data-key")));
    });
  }
  rows.addEventListener("click", ({ target }) => {
    const row = target instanceof Element ? target.closest("tr") : null;
    // Text that is being selected is to be copied.
    if (row === null || String(getSelection()) !== "") return;
    select(timeline, timeline.jobs.find(({ seq }) => String(seq) === row.dataset.seq));
  });
  more.addEventListener("click", () => {
    list.limit += 100;
    renderRows(list);
  });
  timeline.onSelect = (job) => markCurrent(list, job);
}

/**
 * Sorts by a column; by the same column again, in the opposite direction.
 *
 * @param {JobList} list
 * @param {SortKey} key
 */
export function sortByKey(list, key) {
  if (list.key === key) list.direction = list.direction === 1 ? -1 : 1;
  // The slowest job and the failed ones are of interest.
  else list.direction = key === "time" || key === "result" ? -1 : 1;
  list.key = key;
  updateList(list);
}

/**
 * Handles the buttons that show all jobs, the failed ones, or those of a kind of failure.
 *
 * @param {JobList} list
 */
export function watchFailures(list) {
  /** @type {[HTMLElement, JobList["show"]][]} */
  const buttons = [...document.querySelectorAll("[data-kind]")].flatMap((button) =>
    button instanceof HTMLElement ? [[button, Number(button.dataset.kind)]] : []
  );
  if (document.getElementById("all") === null) return;
  buttons.push([byId("all"), "all"], [byId("only-failed"), "failed"]);
  for (const [button, show] of buttons) {
    button.addEventListener("click", () => {
      // A kind that is shown is a switch.
      list.show = list.show === show ? "all" : show;
      list.limit = 20;
      for (const [each, what] of buttons) {
        each.setAttribute("aria-pressed", String(what === list.show));
      }
      updateList(list);
    });
  }
}
