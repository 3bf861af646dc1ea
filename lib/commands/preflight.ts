/**
 * Checks of the arguments and the current directory, which may hold bytes that are not UTF-8 while
 * Deno and the wire know only text.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import { decodeBytes } from "../template/text.ts";
import { quote } from "../template/quote.ts";

/**
 * Refuses arguments and directories that would cause failures later.
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
    throw new LlamaError("config", `cannot use the current directory: ${reason}`, {
      cause,
      hint: "start llama in another directory",
    });
  }
}

/** Deno replaces invalid UTF-8 in arguments by U+FFFD; the system has the original bytes. */
function checkArguments(count: number): void {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync("/proc/self/cmdline");
  } catch {
    // Unreadable, as on macOS: the argument may really contain U+FFFD.
    return;
  }
  const all = decodeBytes(bytes).split("\0").slice(0, -1);
  const wrong = all.slice(-count).find((arg) => !arg.isWellFormed());
  if (wrong === undefined) return;
  throw new LlamaError("usage", `an argument is not UTF-8: ${quote(wrong)}`, {
    hint: "llama sends arguments and file names as UTF-8: rename the file, or send such bytes in " +
      "a file",
  });
}
