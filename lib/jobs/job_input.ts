/**
 * The input of one job: a line or several, and their columns.
 *
 * @module
 */

import { chunked } from "./sources.ts";

/** A line, or its columns, which `.Line` joins with spaces. */
export type Line = string | readonly string[];

/** One line, or the lines of a job that has several, with columns that differ from the lines. */
export class Rows {
  /**
   * Creates the input of a job.
   *
   * @param lines The line, or the list of lines.
   * @param columns The columns of all of them.
   */
  constructor(readonly lines: string | readonly string[], readonly columns: readonly string[]) {}
}

/** The input of a job: a line, a list of lines, or either with columns of their own. */
export type JobInput = string | readonly string[] | Rows;

/** Returns the line, or the list of lines. */
export function linesOf(input: JobInput): string | readonly string[] {
  return input instanceof Rows ? input.lines : input;
}

/** Returns the columns; of an input without columns of its own, they are its lines. */
export function columnsOf(input: JobInput): readonly string[] {
  if (input instanceof Rows) return input.columns;
  return typeof input === "string" ? [input] : input;
}

/** Returns the line; several are joined by line feeds. */
export function lineOf(input: JobInput): string {
  const lines = linesOf(input);
  return typeof lines === "string" ? lines : lines.join("\n");
}

/** Options for {@linkcode jobInputs}. */
export interface JobInputOptions {
  /** The number of lines per job. @default {one, which is not in a list} */
  readonly linesPerJob?: number | undefined;
  /** The text between the columns of a line. @default {a line is one column} */
  readonly columnSeparator?: string | undefined;
}

/** Groups lines into the inputs of jobs. */
export async function* jobInputs(
  lines: Iterable<Line> | AsyncIterable<Line>,
  { linesPerJob, columnSeparator }: JobInputOptions,
): AsyncGenerator<JobInput, void, undefined> {
  const columns = (line: Line) =>
    columnSeparator === undefined
      ? line
      : typeof line === "string"
      ? line.split(columnSeparator)
      : line.flatMap((column) => column.split(columnSeparator));
  const text = (line: Line) => typeof line === "string" ? line : line.join(" ");
  if (linesPerJob === undefined) {
    for await (const line of lines) {
      const all = columns(line);
      yield typeof all === "string" ? all : new Rows(text(line), all);
    }
    return;
  }
  for await (const chunk of chunked(lines, linesPerJob)) {
    const texts = chunk.map(text);
    const isPlain = columnSeparator === undefined &&
      chunk.every((each) => typeof each === "string");
    yield isPlain ? texts : new Rows(texts, chunk.flatMap(columns));
  }
}

/** A list of words on a command line, as after `:::`. */
export interface WordList {
  readonly words: readonly string[];
  /** Whether its words go with those of the list before it, one with one. @default {false} */
  readonly isLinked?: boolean;
}

/**
 * Combines lists as GNU parallel does: each word with each of the other lists, the last list varying
 * fastest. Linked lists count as one, which ends with the shortest.
 *
 * @returns The words of a single list, or a row of columns per combination.
 */
export function* combinations(lists: readonly WordList[]): Generator<Line, void, undefined> {
  const [first, ...others] = lists;
  if (first === undefined) return;
  if (others.length === 0) return yield* first.words;
  const sources: (readonly string[])[][] = [];
  for (const { words, isLinked = false } of lists) {
    const before = isLinked ? sources.pop() : undefined;
    sources.push(
      before === undefined
        ? words.map((word) => [word])
        : before.slice(0, words.length).map((row, index) => [...row, words[index] ?? ""]),
    );
  }
  if (sources.some((rows) => rows.length === 0)) return;
  const at = sources.map(() => 0);
  for (;;) {
    yield sources.flatMap((rows, source) => rows[at[source] ?? 0] ?? []);
    let source = sources.length - 1;
    for (; source >= 0; source--) {
      const next = (at[source] ?? 0) + 1;
      at[source] = next % (sources[source]?.length ?? 1);
      if (at[source] !== 0) break;
    }
    if (source < 0) return;
  }
}
