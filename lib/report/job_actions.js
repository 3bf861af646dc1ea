/**
 * Copies and saves what the list of jobs shows.
 *
 * @module
 */

/** @import { JobList } from "./job_list.js" */
/** @import { Job } from "./timeline_data.js" */

import { byId } from "./timeline.js";

/**
 * Handles the buttons that copy and save.
 *
 * @param {JobList} list
 * @param {boolean} hasNulLines
 */
export function onCopy(list, hasNulLines) {
  const { timeline } = list;
  const on = (/** @type {string} */ id, /** @type {() => string} */ text) => {
    const button = document.getElementById(id);
    button?.addEventListener("click", () => void copyText(button, text()));
  };
  on("copy", () => list.found.map(({ command }) => `${command}\n`).join(""));
  on("copy-command", () => timeline.current?.command ?? "");
  on("copy-lines", () => lineText(timeline.jobs, hasNulLines));
  document.getElementById("download")?.addEventListener("click", () => {
    saveText("failed-lines.txt", lineText(timeline.jobs, hasNulLines));
  });
}

/**
 * Returns the lines of the failed jobs in the form in which they were read.
 *
 * @param {Job[]} jobs
 * @param {boolean} hasNulLines
 */
export function lineText(jobs, hasNulLines) {
  const end = hasNulLines ? "\0" : "\n";
  return jobs.filter(({ line }) => line !== "").sort((a, b) => a.seq - b.seq)
    .map(({ line }) => line + end).join("");
}

/**
 * Copies a text to the clipboard, and says so on the button.
 *
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copyText(button, text) {
  const label = button.dataset.label ?? button.textContent ?? "";
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Without permission, and on pages from a server without TLS.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Cannot copy";
    area.remove();
    button.focus();
  }
  setTimeout(() => button.textContent = label, 1500);
}

/**
 * Has the browser save a file.
 *
 * @param {string} name
 * @param {string} text
 */
export function saveText(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  byId("list").append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
