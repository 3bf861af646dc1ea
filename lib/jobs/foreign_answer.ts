/**
 * Responses of functions that do not have llama's runtime.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import type { Features } from "../features.ts";
import { parseResponse, type Response } from "../protocol.ts";
import { printableLine } from "../text/printable.ts";

/** How many characters of a response a message shows. */
const maxShownLength = 100;

/** The keys of a response from llama's runtime besides `status`. */
const ownKeys: ReadonlySet<string> = new Set(
  [
    "stdout",
    "stderr",
    "outputs",
    "times",
    "environment",
    "memory",
    "runtime",
    "accepts",
  ] satisfies readonly (keyof Response)[],
);

/**
 * Parses the response of a function that may not be llama's.
 *
 * @param features The client's features.
 * @throws {LlamaError} `protocol`. It affects all jobs if the function is not a llama function.
 */
export function readAnswer(
  functionName: string,
  payload: string,
  features?: Features,
): Response {
  let response;
  try {
    response = parseResponse(payload, features);
  } catch (cause) {
    throw isOfLlama(payload) ? cause : foreignAnswer(functionName, payload, cause);
  }
  // Parsed again only if nothing but a status was recognized.
  if (saysMoreThanStatus(response) || isOfLlama(payload)) return response;
  throw foreignAnswer(functionName, payload);
}

function saysMoreThanStatus({ stdout, stderr, outputs, times, runtime }: Response): boolean {
  return times !== undefined || runtime !== undefined ||
    [stdout, stderr, outputs].some((part) => Object.keys(part).length > 0);
}

/**
 * Reports whether a response has llama's form, even if it is invalid. Other programs return a
 * `status`, too, so one with only unknown keys besides it does not count.
 */
function isOfLlama(payload: string): boolean {
  let answer: unknown;
  try {
    answer = JSON.parse(payload);
  } catch {
    return damaged.test(payload);
  }
  if (typeof answer !== "object" || answer === null || !("status" in answer)) return false;
  const { status, ...rest } = answer;
  if (!Number.isInteger(status) || Number(status) < -1 || Number(status) > 255) return false;
  const keys = Object.keys(rest);
  return keys.length === 0 || keys.some((key) => ownKeys.has(key));
}

/** Matches the beginning of a response from llama's runtime that was cut off. */
const damaged = new RegExp(`^\\{"status": ?-?\\d+, ?"(${[...ownKeys].join("|")})":`);

function foreignAnswer(functionName: string, payload: string, cause?: unknown): LlamaError {
  const name = printableLine(JSON.stringify(functionName));
  const shown = payload.length > maxShownLength
    ? `${payload.slice(0, maxShownLength).toWellFormed()}...`
    : payload || "nothing";
  return new LlamaError(
    "protocol",
    `${name} is not a llama function; it answered ${printableLine(shown)}`,
    {
      cause,
      hint: "only functions with llama's runtime can be run; `llama functions` lists them",
      affectsAll: true,
    },
  );
}
