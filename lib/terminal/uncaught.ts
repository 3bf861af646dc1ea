/**
 * Hints of uncaught errors.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { printableLine } from "../text/printable.ts";

let isListening = false;

/**
 * From now on, prints the hint of an error that ends the program. Deno itself prints only the name, the
 * message, the stack and the cause of an uncaught error.
 */
export function showUncaughtHints(): void {
  if (isListening) return;
  isListening = true;
  addEventListener("error", (event) => show(event, event.error));
  addEventListener("unhandledrejection", (event) => show(event, event.reason));
}

function show(event: Event, error: unknown): void {
  // A program that handles such errors itself has its own way to report them.
  if (event.defaultPrevented || !(error instanceof LlamaError) || error.hint === undefined) return;
  console.error(`hint: ${printableLine(error.hint)}`);
}
