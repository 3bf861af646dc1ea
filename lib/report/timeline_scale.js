/**
 * The timeline's time scale: positions, ticks and their labels.
 *
 * @module
 */

/** @import { View } from "./timeline_data.js" */

/**
 * Maps a time to a horizontal position.
 *
 * @param {View} view
 * @param {number} time
 */
export function xOf({ from, to, width, left, right }, time) {
  return left + (time - from) / (to - from) * (width - left - right);
}

/**
 * Maps a horizontal position to a time.
 *
 * @param {View} view
 * @param {number} x
 */
export function timeAt({ from, to, width, left, right }, x) {
  return from + (x - left) / (width - left - right) * (to - from);
}

/**
 * Returns the ticks of the time axis: multiples of 1, 2 or 5 times a power of ten, or, in long
 * ranges, of usual parts of minutes and hours.
 *
 * @param {View} view
 * @returns {{ ticks: number[], step: number }}
 */
export function ticksOf({ from, to, width, left }) {
  const wanted = (to - from) / Math.max(2, (width - left) / 90);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const steps = [1, 2, 5, 10].map((factor) => factor * power);
  if (wanted > 10_000) {
    steps.unshift(15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1200e3, 1800e3, 3600e3, 7200e3);
  }
  const step = steps.filter((each) => each >= wanted).sort((a, b) => a - b)[0];
  const ticks = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to * (1 + 1e-12); n++) {
    ticks.push(n * step);
  }
  return { ticks, step };
}

/**
 * Formats the label of a tick. All labels of an axis have the same unit, so that they compare well.
 *
 * @param {View} view
 * @param {number} time
 * @param {number} step The distance of the ticks.
 */
export function tickText({ to }, time, step) {
  if (step >= 15e3) {
    const seconds = Math.round(time / 1000);
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const padded = (/** @type {number} */ n) => String(n).padStart(2, "0");
    return h > 0 ? `${h}:${padded(m)}:${padded(s)}` : `${m}:${padded(s)}`;
  }
  if (to >= 1000) {
    return `${(time / 1000).toFixed(Math.max(0, -Math.floor(Math.log10(step / 1000) + 1e-9)))} s`;
  }
  return `${time.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))} ms`;
}

/**
 * Formats a duration: below a minute with three significant digits, then in minutes and seconds.
 *
 * @param {number} milliseconds
 */
export function durationLabel(milliseconds) {
  const digits = (/** @type {number} */ amount) =>
    amount >= 99.95 ? amount.toFixed(0) : amount.toFixed(amount >= 9.995 ? 1 : 2);
  if (milliseconds === 0) return "0 s";
  if (milliseconds >= 59_950) {
    const seconds = Math.round(milliseconds / 1000);
    const [h, m] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    const padded = (/** @type {number} */ n) => String(n).padStart(2, "0");
    return h > 0 ? `${h}h${padded(m)}m` : `${m}m${padded(seconds % 60)}s`;
  }
  return milliseconds >= 999.5 ? `${digits(milliseconds / 1000)} s` : `${digits(milliseconds)} ms`;
}
