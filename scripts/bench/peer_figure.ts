/**
 * The results of comparisons with the original, and their table.
 *
 * @module
 */

/** The programs to compare: llama, and two versions of the original. */
export const contenders = ["llama", "head", "early"] as const;

/** One of the programs. */
export type Contender = (typeof contenders)[number];

/** The programs in the table: besides those, the floor of what llama does. */
export const columns = ["llama", "floor", "head", "early"] as const;

/** One of them. */
export type Column = (typeof columns)[number];

/** A measurement of each program; some may be missing. */
export interface PeerFigure {
  /** What was measured. */
  readonly what: string;
  /** The numbers. */
  readonly measured: Readonly<Partial<Record<Column, number>>>;
  /** Formats a number with its unit. */
  readonly format: (value: number) => string;
  /** The maximum for llama; all parts of it are to be met. */
  readonly aim?: PeerAim | undefined;
}

/** What llama's figure is to be at most. */
export interface PeerAim {
  /** As a ratio to the original (head). */
  readonly ratio?: number;
  /** As a ratio to the floor. */
  readonly floor?: number;
  /** As an absolute value. */
  readonly value?: number;
}

/**
 * Formats figures as a Markdown table.
 *
 * @param figures The figures.
 * @returns The table's lines.
 */
export function peerTableOf(figures: readonly PeerFigure[]): string {
  const rows = [
    ["what", ...columns, "to floor", "to head", "aim", ""],
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
  const cells = columns.map((name) => {
    const value = measured[name];
    return value === undefined ? "" : format(value);
  });
  const { llama = NaN, floor = NaN, head = NaN } = measured;
  const ratios = { floor: llama / floor, ratio: llama / head, value: llama };
  const shown = [ratios.floor, ratios.ratio].map((ratio) =>
    Number.isFinite(ratio) ? ratio.toFixed(2) : ""
  );
  const parts = Object.entries(aim ?? {}) as [keyof PeerAim, number][];
  const wanted = parts.map(([kind, most]) =>
    kind === "value" ? format(most) : kind === "floor" ? `${most} floor` : `${most}x`
  );
  const isMet = parts.every(([kind, most]) => ratios[kind] <= most);
  const verdict = parts.length === 0 ? "" : isMet ? "met" : "missed";
  return [what, ...cells, ...shown, wanted.join(", "), verdict];
}

/** Formats seconds, with milliseconds if they are few. */
export const asSeconds = (value: number): string => `${value.toFixed(value < 0.1 ? 3 : 2)} s`;

/** Formats seconds as milliseconds. */
export const asMilliseconds = (value: number): string => `${(value * 1000).toFixed(1)} ms`;

/** Formats bytes as megabytes. */
export const asMegabytes = (value: number): string => `${Math.round(value / 1e6)} MB`;

/** Formats a count. */
export const asCount = (value: number): string => value.toLocaleString("en");
