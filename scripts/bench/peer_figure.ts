/**
 * What a comparison with the original finds, and how it is shown.
 *
 * @module
 */

/** The programs that are compared: ours, and two of the original's versions. */
export const contenders = ["llama", "head", "early"] as const;

/** One of them. */
export type Contender = (typeof contenders)[number];

/** One number of each program, as far as it was measured. */
export interface PeerFigure {
  /** What was measured. */
  readonly what: string;
  /** The numbers. */
  readonly measured: Readonly<Partial<Record<Contender, number>>>;
  /** Writes a number with its unit. */
  readonly format: (value: number) => string;
  /** The most that ours should be: a part of the original's (head), or a number like it. */
  readonly aim?: { readonly ratio: number } | { readonly value: number } | undefined;
}

/**
 * The figures as a table of Markdown.
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

/** Seconds, with milliseconds. */
export const asSeconds = (value: number): string => `${value.toFixed(value < 0.1 ? 3 : 2)} s`;

/** Seconds, as milliseconds. */
export const asMilliseconds = (value: number): string => `${(value * 1000).toFixed(1)} ms`;

/** Bytes, as megabytes. */
export const asMegabytes = (value: number): string => `${Math.round(value / 1e6)} MB`;

/** A number of things. */
export const asCount = (value: number): string => value.toLocaleString("en");
