/**
 * The size of the terminal.
 *
 * @module
 */

import type { TerminalSize } from "./status_lines.ts";

/** The size that is taken for one that is not known. */
const usual: TerminalSize = { columns: 80, rows: 24 };

/**
 * The size of the terminal that one of the three standard streams is.
 *
 * @returns Its size as it is now.
 */
export function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    // A pseudo-terminal is 0 by 0 until somebody sets its size.
    return columns > 0 && rows > 0 ? { columns, rows } : usual;
  } catch {
    // The terminal has gone, and nobody sees what is drawn on it.
    return usual;
  }
}
