/**
 * Formats amounts: bytes, rates, times, prices, percentages and counts.
 *
 * @module
 */

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * Formats bytes in powers of 1000, with three significant digits.
 *
 * @param bytes The number.
 * @returns Such as `0 B`, `12.3 MB` or `456 kB`.
 */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let power = 0;
  // 999.5 would be rounded to 1000.
  while (amount >= 999.5 && power < units.length - 1) {
    amount /= 1000;
    power++;
  }
  return `${power === 0 ? String(amount) : threeDigits(amount)} ${units[power]}`;
}

/**
 * Formats a rate.
 *
 * @param perSecond The number per second.
 * @returns Such as `12.5/min`, `1.25/s` or `1204/s`.
 */
export function rateText(perSecond: number): string {
  return perSecond < 0.995 ? `${threeDigits(perSecond * 60)}/min` : `${threeDigits(perSecond)}/s`;
}

/**
 * Formats a duration in its two largest units.
 *
 * @param seconds The duration.
 * @returns Such as `0s`, `59s`, `1m05s`, `2h07m` or `3d04h`.
 */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const padded = (amount: number) => String(amount).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${whole}s`;
  if (hours === 0) return `${minutes}m${padded(whole % 60)}s`;
  if (hours < 24) return `${hours}h${padded(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${padded(hours % 24)}h`;
}

/**
 * Formats a price: in cents, or with two significant digits below ten cents.
 *
 * @param dollars US dollars.
 * @param isEstimate Whether it is marked as an estimate.
 * @returns Such as `$0`, `$0.00042`, `$0.12`, `$3.50` or `~$3.50`.
 */
export function dollarsText(dollars: number, isEstimate = false): string {
  const decimals = dollars > 0 && dollars < 0.1 ? Math.ceil(-Math.log10(dollars)) + 1 : 2;
  const text = dollars === 0 ? "0" : dollars.toFixed(Math.min(decimals, 9));
  return `${isEstimate ? "~" : ""}$${text}`;
}

/**
 * Formats a time with three significant digits.
 *
 * @param milliseconds The time.
 * @returns Such as `0.42 ms`, `12.3 s` or `1m05s`.
 */
export function timeText(milliseconds: number): string {
  if (milliseconds >= 59_950) return durationText(milliseconds / 1000);
  if (milliseconds >= 999.5) return `${threeDigits(milliseconds / 1000)} s`;
  return milliseconds === 0 ? "0 s" : `${threeDigits(milliseconds)} ms`;
}

/**
 * Formats a point in time on this machine's clock.
 *
 * @param time The time in ISO 8601.
 * @returns Such as `2026-11-27 14:03`.
 */
export function localTimeText(time: string): string {
  const date = new Date(time);
  const two = (amount: number) => String(amount).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
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
 * @param plural The noun in the plural, unless that is the singular with an s.
 * @returns Such as `1 job` or `10,000 jobs`.
 */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** Formats a number with three significant digits, without an exponent. */
function threeDigits(amount: number): string {
  if (amount >= 99.95) return amount.toFixed(0);
  return amount.toFixed(amount >= 9.995 ? 1 : 2);
}
