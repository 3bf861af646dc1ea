/**
 * What a benchmark finds, and how it is shown.
 *
 * @module
 */

/** One measured number, and what to hold it against. */
export interface Figure {
  /** What was measured. */
  readonly what: string;
  /** The number, with its unit. */
  readonly measured: string;
  /** What the same costs without llama, measured in the same run. */
  readonly beside?: string;
  /** The number as a part of what is beside it, or else of its aim. */
  readonly ratio?: number;
  /** What it should be. */
  readonly aim?: string;
}

/** What a benchmark gets. */
export interface BenchContext {
  /** A directory of its own. */
  readonly directory: string;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Tells what goes on meanwhile. */
  readonly say: (text: string) => void;
  /** Takes what is drawn: files of docs/ by their names. */
  readonly drawings: Map<string, string>;
}

/** A benchmark. */
export type Benchmark = (context: BenchContext) => Promise<Figure[]>;

/**
 * The figures as a table of Markdown.
 *
 * @param figures The figures.
 * @returns The table's lines.
 */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [
    ["what", "measured", "beside it", "ratio", "aim"],
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
 * The middle one of some numbers.
 *
 * @param numbers The numbers.
 * @returns The median; NaN of none.
 */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}
