/**
 * Functions that Lambda ended at their timeout.
 *
 * @module
 */

import type { FunctionErrorDetails } from "../errors.ts";

/**
 * Tells whether Lambda ended a function because its time was up.
 *
 * @param error What Lambda told.
 * @returns True for a timeout of the function's, and false for whatever a runtime says.
 */
export function isFunctionTimeout(
  { errorType, errorMessage }: Pick<FunctionErrorDetails, "errorType" | "errorMessage">,
): boolean {
  return errorType === "Sandbox.Timedout" ||
    // Lambda itself may leave the type out.
    (errorType === "Unhandled" && /Task timed out after/.test(errorMessage));
}
