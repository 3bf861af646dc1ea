/**
 * Formats times, percentages and counts for reports.
 *
 * @module
 */

import { durationText } from "../terminal/amounts.ts";

/**
 * Formats a time with three significant digits.
 *
 * @param milliseconds The time.
 * @returns Such as `0.42 ms`, `12.3 s` or `1m05s`.
 */
export function timeText(milliseconds: number): string {
  if (milliseconds >= 59_950) return durationText(milliseconds / 1000);
  if (milliseconds >= 999.5) return `${digits(milliseconds / 1000)} s`;
  return milliseconds === 0 ? "0 s" : `${digits(milliseconds)} ms`;
}

/**
 * Formats a fraction as a percentage.
 *
 * @param part The fraction, from 0 to 1.
 * @returns Such as `0 %`, `0.4 %` or `37 %`.
 */
export function percentText(part: number): string {
  const percent = part * 100;
  if (!(percent > 0)) return "0 %";
  return percent < 0.05
    ? "< 0.1 %"
    : `${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/**
 * Formats a count with its noun, in the plural if needed.
 *
 * @param count The count.
 * @param noun The noun in the singular.
 * @returns Such as `1 job` or `10,000 jobs`.
 */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

function digits(amount: number): string {
  return amount >= 99.95
    ? amount.toFixed(0)
    : amount >= 9.995
    ? amount.toFixed(1)
    : amount.toFixed(2);
}
