/**
 * Checks of flags that are numbers.
 *
 * @module
 */

import type { UsageProblem } from "../../cli/command.ts";

/**
 * Checks that a number is positive.
 *
 * @param flag The flag.
 * @param value Its value, if it was given.
 * @returns The problem, or undefined.
 */
export function atLeastOne(flag: string, value: number | undefined): UsageProblem | undefined {
  if (value === undefined || value >= 1) return undefined;
  return {
    message: `-${flag} must be at least 1: current value is ${value}`,
    hint: `write -${flag} 1 for one at a time`,
  };
}

/**
 * Checks that a number is not negative.
 *
 * @param flag The flag.
 * @param value Its value.
 * @returns The problem, or undefined.
 */
export function notNegative(flag: string, value = 0): UsageProblem | undefined {
  if (value >= 0) return undefined;
  return {
    message: `-${flag} must not be negative: current value is ${value}`,
    hint: `write -${flag} 0 for none`,
  };
}
