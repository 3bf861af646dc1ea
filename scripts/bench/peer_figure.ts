/**
 * The results of comparisons with the original, and their table.
 *
 * @module
 */

/** The programs to compare: llama, and two versions of the original. */
export const contenders = ["llama", "head", "early"] as const;

/** One of the programs. */
export type Contender = (typeof contenders)[number];

/** A measurement of each program; some may be missing. */
export interface PeerFigure {
  /** What was measured. */
  readonly what: string;
  /** The numbers. */
  readonly measured: Readonly<Partial<Record<Contender, number>>>;
  /** Formats a number with its unit. */
  readonly format: (value: number) => string;
  /** The maximum for llama: a ratio to the original (head), or an absolute value. */
  readonly aim?: { readonly ratio: number } | { readonly value: number } | undefined;
}

/**
 * Formats figures as a Markdown table.
 *
 * @param figures The figures.
 * @returns The table's lines.
 */
export function peerTableOf(figures: readonly PeerFigure[]): string {
  const rows = [
    ["what", ...contenders, "to head", "aim", ""],
    ...figures.map(rowOf),
  ];
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  rows.splice(1, 0, widths.map((width) => "-".repeat(width)));
  return rows.map(line).join("\n");
}

function rowOf({ what, measured, format, aim }: PeerFigure): string[] {
  const cells = contenders.map((name) => {
    const value = measured[name];
    return value === undefined ? "" : format(value);
  });
  const { llama = NaN, head = NaN } = measured;
  const ratio = llama / head;
  const to = Number.isFinite(ratio) ? ratio.toFixed(2) : "";
  if (aim === undefined) return [what, ...cells, to, "", ""];
  const isMet = "ratio" in aim ? ratio <= aim.ratio : llama <= aim.value;
  const wanted = "ratio" in aim ? `${aim.ratio}x` : format(aim.value);
  return [what, ...cells, to, wanted, isMet ? "met" : "missed"];
}

/** Formats seconds, with milliseconds if they are few. */
export const asSeconds = (value: number): string => `${value.toFixed(value < 0.1 ? 3 : 2)} s`;

/** Formats seconds as milliseconds. */
export const asMilliseconds = (value: number): string => `${(value * 1000).toFixed(1)} ms`;

/** Formats bytes as megabytes. */
export const asMegabytes = (value: number): string => `${Math.round(value / 1e6)} MB`;

/** Formats a count. */
export const asCount = (value: number): string => value.toLocaleString("en");
