/**
 * The size of the terminal.
 *
 * @module
 */

import type { TerminalSize } from "./status_lines.ts";

/** The size that is assumed if the real one is unknown. */
const usual: TerminalSize = { columns: 80, rows: 24 };

/**
 * Returns the current size of the terminal, which one of the standard streams must be.
 */
export function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    // A pseudo-terminal is 0 by 0 until its size is set.
    return columns > 0 && rows > 0 ? { columns, rows } : usual;
  } catch {
    // The terminal has gone.
    return usual;
  }
}
