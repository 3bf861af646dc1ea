/**
 * Control sequences that keep a status area below all text on a terminal.
 *
 * The cursor stays above the area, at the start of an empty line, where the next text goes. So the
 * area can be removed without knowing its size, whatever a resize has done to it, and text from
 * others (another program of the pipeline, the `^C` that a terminal echoes) gets a clean line. All
 * modes are restored within the same write, so that the terminal works even after a `kill -9`.
 *
 * The sequences are those of the VT100: https://vt100.net/docs/vt100-ug/chapter3.html
 *
 * @module
 */

/**
 * Returns the sequence that draws the area, over an earlier one if there is one.
 *
 * @param lines Its lines, which must fit on the terminal.
 * @returns Text to write while the cursor is at the start of the line above the area.
 */
export function drawArea(lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const below = lines.map((line) => `\r\n${line}\x1b[K`).join("");
  // Wrapping is off meanwhile: the terminal may have become narrower since its size was read.
  return `\x1b[m\x1b[K\x1b[?7l${below}\x1b[J\x1b[?7h\x1b[${lines.length}A\r`;
}

/**
 * Removes the area, if written while the cursor is on the line above it. It clears from the next line
 * on: tmux keeps a screen in its history that is cleared from the first line.
 */
export const removeArea = "\r\x1b[K\r\n\x1b[J\x1b[1A";

/** Resets what a program's output may have left behind: a color, and a hidden cursor. */
export const soundTerminal = "\x1b[m\x1b[?25h";
