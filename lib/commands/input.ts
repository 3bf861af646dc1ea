/**
 * The input lines of a run.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import type { FlagValues } from "../cli/flags.ts";
import { combinations, type Line, type WordList } from "../jobs/job_input.ts";
import { readLines } from "../jobs/lines.ts";
import type { xargsFlags } from "./spec/xargs.ts";

/** Sources of lines besides a file. */
export interface InputSources {
  /** The lists after `:::` on the command line. */
  readonly lists: readonly WordList[] | undefined;
  /** Opens standard input; called only if it is read. */
  readonly stdin: () => ReadableStream<Uint8Array>;
  /** Tells the user about an input that looks wrong. */
  readonly onNotice: (message: string, hint: string) => void;
  /** Stops reading. */
  readonly signal: AbortSignal;
}

/**
 * Returns the name of the input file.
 *
 * @param name The value of `-a`.
 * @returns An empty string for standard input, which `-` names too.
 */
export function inputName(name: string): string {
  return name === "-" ? "" : name;
}

/**
 * Opens the input that a command line names.
 *
 * @returns The lines, read on demand.
 * @throws {LlamaError} `input` if the file cannot be read.
 */
export async function openInput(
  values: Pick<FlagValues<typeof xargsFlags>, "a" | "d" | "0">,
  { lists, stdin, onNotice, signal }: InputSources,
): Promise<Iterable<Line> | AsyncIterable<Line>> {
  if (lists !== undefined) return combinations(lists);
  const delimiter = values["0"] ? 0 : values.d ?? 10;
  const path = inputName(values.a);
  const input = path === "" ? stdin() : await openFile(path);
  return checkBeginning(readLines(input, { delimiter, signal }), onNotice);
}

/** Tells the user about a byte order mark, which is invisible where a name with it is not found. */
async function* checkBeginning(
  lines: AsyncGenerator<string, void, undefined>,
  onNotice: InputSources["onNotice"],
): AsyncGenerator<string, void, undefined> {
  const { value: first, done } = await lines.next();
  if (done) return;
  if (first.startsWith("\ufeff")) {
    onNotice(
      "line 1 begins with a byte order mark (U+FEFF), which is part of the line",
      String.raw`remove it with sed '1s/^\xef\xbb\xbf//'`,
    );
  } else if (first.startsWith("\udcff\udcfe")) {
    onNotice("the input is encoded as UTF-16", "convert it with iconv -f UTF-16 -t UTF-8");
  }
  yield first;
  yield* lines;
}

async function openFile(path: string): Promise<ReadableStream<Uint8Array>> {
  try {
    const file = await Deno.open(path);
    const { isDirectory } = await file.stat();
    if (!isDirectory) return file.readable;
    file.close();
    throw new Deno.errors.IsADirectory();
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}
