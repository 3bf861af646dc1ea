/**
 * Amounts as a person reads them.
 *
 * @module
 */

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/**
 * A number of bytes, in powers of 1000 and to three digits.
 *
 * @param bytes How many.
 * @returns Such as `0 B`, `12.3 MB` or `456 kB`.
 */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let power = 0;
  // What would be rounded to 1000 goes to the next unit.
  while (amount >= 999.5 && power < units.length - 1) {
    amount /= 1000;
    power++;
  }
  return `${power === 0 ? String(amount) : threeDigits(amount)} ${units[power]}`;
}

/**
 * A rate.
 *
 * @param perSecond How many a second.
 * @returns Such as `12.5/min`, `1.25/s` or `1204/s`.
 */
export function rateText(perSecond: number): string {
  return perSecond < 0.995 ? `${threeDigits(perSecond * 60)}/min` : `${threeDigits(perSecond)}/s`;
}

/**
 * A time that a person waits, in its two largest units.
 *
 * @param seconds How long.
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
 * A price: cents from a dollar on, and two digits that count below.
 *
 * @param dollars How many US dollars.
 * @param isEstimate Whether it is marked as an estimate.
 * @returns Such as `$0`, `$0.00042`, `$0.12`, `$3.50` or `~$3.50`.
 */
export function dollarsText(dollars: number, isEstimate = false): string {
  const decimals = dollars > 0 && dollars < 0.1 ? Math.ceil(-Math.log10(dollars)) + 1 : 2;
  const text = dollars === 0 ? "0" : dollars.toFixed(Math.min(decimals, 9));
  return `${isEstimate ? "~" : ""}$${text}`;
}

/** Three digits that count, without an exponent however big it is. */
function threeDigits(amount: number): string {
  if (amount >= 99.95) return amount.toFixed(0);
  return amount.toFixed(amount >= 9.995 ? 1 : 2);
}
