/**
 * The results of benchmarks, and their table.
 *
 * @module
 */

/** A measured figure, and what to compare it with. */
export interface Figure {
  /** What was measured. */
  readonly what: string;
  /** The number, with its unit. */
  readonly measured: string;
  /** The cost without llama, measured in the same run. */
  readonly beside?: string;
  /** The ratio of the number to `beside`, or else to `aim`. */
  readonly ratio?: number;
  /** The target value. */
  readonly aim?: string;
}

/** The arguments of a benchmark. */
export interface BenchContext {
  /** A directory of its own. */
  readonly directory: string;
  /** Aborts the benchmark. */
  readonly signal: AbortSignal;
  /** Reports progress. */
  readonly say: (text: string) => void;
  /** Collects drawings: files for docs/ by name. */
  readonly drawings: Map<string, string>;
}

/** A benchmark. */
export type Benchmark = (context: BenchContext) => Promise<Figure[]>;

/**
 * Formats figures as a Markdown table.
 *
 * @param figures The figures.
 * @returns The table's lines.
 */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [
    ["what", "measured", "for comparison", "ratio", "aim"],
    ...figures.map(({ what, measured, beside = "", ratio, aim = "" }) => [
      ...[what, measured, beside, ratio?.toFixed(2) ?? "", aim],
    ]),
  ];
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  rows.splice(1, 0, widths.map((width) => "-".repeat(width)));
  return rows.map(line).join("\n");
}

/**
 * Returns the median of some numbers.
 *
 * @param numbers The numbers.
 * @returns The median; `NaN` if there are none.
 */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}
