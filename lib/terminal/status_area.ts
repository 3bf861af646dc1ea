/**
 * Lines that stay below all text on a terminal, as what a terminal is told.
 *
 * The cursor stays above the area, at the start of an empty line: where the next text goes. So
 * nothing of the area needs to be known to remove it, whatever a resize has made of it, and what
 * others write there (another program of the pipeline, the `^C` of a key) finds a clean line.
 * Nothing but the lines is hidden or changed for longer than one write, so that a terminal is sane
 * even after a `kill -9`.
 *
 * The sequences are those of the VT100: https://vt100.net/docs/vt100-ug/chapter3.html
 *
 * @module
 */

/**
 * Draws the area, over an earlier one where it is still there.
 *
 * @param lines Its lines, of which none is too wide; fewer than the terminal has.
 * @returns What to write while the cursor is at the start of the line above the area.
 */
export function drawArea(lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const below = lines.map((line) => `\r\n${line}\x1b[K`).join("");
  // Lines do not wrap meanwhile: the terminal may have become narrower since its size was read.
  return `\x1b[m\x1b[K\x1b[?7l${below}\x1b[J\x1b[?7h\x1b[${lines.length}A\r`;
}

/**
 * Removes the area: what to write while the cursor is on the line above it. It clears from the next
 * line on, since what tmux is told to clear from the very first one it takes for worth keeping.
 */
export const removeArea = "\r\x1b[K\r\n\x1b[J\x1b[1A";

/** What a program's output may have left behind: a colour, and a cursor that is not shown. */
export const soundTerminal = "\x1b[m\x1b[?25h";
