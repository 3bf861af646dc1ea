/**
 * What a program is started with that may be any bytes, while Deno and the wire know text.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import { decodeBytes } from "../template/text.ts";
import { quote } from "../template/quote.ts";

/**
 * Refuses a start that would go wrong later, before anything is done.
 *
 * @param argv The command line without the program's name.
 * @throws {LlamaError} `usage` if an argument is not UTF-8, `config` if the current directory has
 * no path that can be used.
 */
export function checkSurroundings(argv: readonly string[]): void {
  if (argv.some((arg) => arg.includes("\uFFFD"))) checkArguments(argv.length);
  try {
    Deno.cwd();
  } catch (cause) {
    const isOther = cause instanceof Deno.errors.InvalidData;
    const reason = isOther ? "its path is not UTF-8" : reasonOf(cause);
    throw new LlamaError("config", `cannot work in the current directory: ${reason}`, {
      cause,
      hint: "start llama in another directory",
    });
  }
}

/** Deno writes U+FFFD for what is not UTF-8; the system knows what it was. */
function checkArguments(count: number): void {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync("/proc/self/cmdline");
  } catch {
    // Where this cannot be read, as on macOS, the argument may well have had a U+FFFD in it.
    return;
  }
  const all = decodeBytes(bytes).split("\0").slice(0, -1);
  const wrong = all.slice(-count).find((arg) => !arg.isWellFormed());
  if (wrong === undefined) return;
  throw new LlamaError("usage", `an argument is not UTF-8: ${quote(wrong)}`, {
    hint: "arguments and names of files travel as UTF-8: give the file another name, or send " +
      "such bytes in a file",
  });
}
