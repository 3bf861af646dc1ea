/**
 * The input lines of a run.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import type { FlagValues } from "../cli/flags.ts";
import { readLines } from "../jobs/lines.ts";
import type { xargsFlags } from "./spec/xargs.ts";

/** Sources of lines besides a file. */
export interface InputSources {
  /** The lines after `:::` on the command line. */
  readonly lines: readonly string[] | undefined;
  /** Opens standard input; called only if it is read. */
  readonly stdin: () => ReadableStream<Uint8Array>;
  /** Stops reading. */
  readonly signal: AbortSignal;
}

/**
 * Opens the input that a command line names.
 *
 * @returns The lines, read on demand.
 * @throws {LlamaError} `input` if the file cannot be read.
 */
export async function openInput(
  values: Pick<FlagValues<typeof xargsFlags>, "a" | "d" | "0">,
  { lines, stdin, signal }: InputSources,
): Promise<Iterable<string> | AsyncIterable<string>> {
  if (lines !== undefined) return lines;
  const delimiter = values["0"] ? 0 : values.d ?? 10;
  const input = values.a === "" ? stdin() : await openFile(values.a);
  return readLines(input, { delimiter, signal });
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
