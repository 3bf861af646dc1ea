/**
 * Finds similar names, for "did you mean" hints.
 *
 * @module
 */

/**
 * Returns the optimal string alignment distance: the number of insertions, deletions, replacements
 * and swaps of adjacent characters that turn one string into another.
 *
 * @param from One string.
 * @param to The other.
 * @returns The number of edits, 0 for equal strings.
 */
export function editDistance(from: string, to: string): number {
  const a = [...from];
  const b = [...to];
  // Three rows of the table suffice, since a swap looks two rows back.
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, char] of a.entries()) {
    const row = [i + 1];
    for (const [j, other] of b.entries()) {
      const at = (line: number[], column: number) => line[column] ?? Infinity;
      let least = Math.min(
        at(last, j) + (char === other ? 0 : 1),
        at(last, j + 1) + 1,
        at(row, j) + 1,
      );
      if (i > 0 && j > 0 && char === b[j - 1] && a[i - 1] === other) {
        least = Math.min(least, at(beforeLast, j - 1) + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/**
 * Returns the name that was most likely meant: one that differs only in case; or else the one with
 * the fewest edits, if they are few for its length; or else the only one that begins with the input.
 *
 * @param written The input.
 * @param names The valid names.
 * @returns The closest name, or undefined if none is similar.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(closest("xarg", ["invoke", "xargs"]), "xargs");
 * assert.equal(closest("optipng", ["invoke", "xargs"]), undefined);
 * ```
 */
export function closest(written: string, names: Iterable<string>): string | undefined {
  const wanted = written.toLowerCase();
  const starting: string[] = [];
  let nearest: string | undefined;
  let least = Infinity;
  for (const name of names) {
    const candidate = name.toLowerCase();
    if (wanted !== "" && candidate.startsWith(wanted)) starting.push(name);
    const distance = editDistance(wanted, candidate);
    const length = Math.max(wanted.length, candidate.length);
    // Up to a third of the characters may differ, and always one, but never all of them.
    const near = distance <= Math.max(1, Math.floor(length / 3)) && distance < length;
    if ((near || distance === 0) && distance < least) {
      nearest = name;
      least = distance;
    }
  }
  return nearest ?? (starting.length === 1 ? starting[0] : undefined);
}
