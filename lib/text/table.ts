/**
 * Tables for terminals.
 *
 * @module
 */

/**
 * Formats rows in columns.
 *
 * @param rows Rows of printable cells; the first row has all columns.
 * @returns One line per row.
 */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  );
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd() + "\n"
  ).join("");
}
