/**
 * The fonts that programs get for the names that they ask for most.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";

/** What programs ask for unless told otherwise, and what stands in most documents. */
const families = [
  ...["sans-serif", "serif", "monospace", "Arial", "Helvetica", "Times", "Times New Roman"],
  ...["Courier", "Courier New"],
];

/**
 * Asks fontconfig which files this machine's fonts of the usual names are in, so that text looks in
 * Lambda as it does here.
 *
 * @param signal Cancels the operation.
 * @returns The name that each file stands for; nothing where there is no `fc-match`.
 * @throws {LlamaError} `config` if it cannot be run.
 */
export async function usualFonts(signal?: AbortSignal): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const files = await Promise.all(families.map((family) => fontOf(family, signal)));
  for (const [index, file] of files.entries()) {
    const family = families[index];
    if (file?.startsWith("/") && family !== undefined && !found.has(file)) found.set(file, family);
  }
  return found;
}

async function fontOf(
  family: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("fc-match", {
      args: ["--format=%{file}", family],
      stdin: "null",
      ...(signal === undefined ? {} : { signal }),
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new LlamaError("config", `cannot run fc-match: ${reasonOf(cause)}`, { cause });
  }
}
