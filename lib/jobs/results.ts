/**
 * What a run leaves of each job in a directory of its own.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeIfThere, temporaryName } from "../files.ts";
import type { JobRecord } from "./record.ts";

/**
 * Writes `DIR/SEQ/` with `stdout`, `stderr` and `status.json`, the job's record. The directory is
 * whole or absent, and replaces that of an earlier run.
 *
 * @param directory Where it is made; made itself if it is missing.
 * @param record The job's record.
 * @param output What the command wrote.
 * @throws {LlamaError} `output` if it cannot be written.
 */
export async function writeResults(
  directory: string,
  record: JobRecord,
  output: { readonly stdout: Uint8Array; readonly stderr: Uint8Array },
): Promise<void> {
  const path = join(directory, String(record.seq));
  const temporary = temporaryName(path);
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.mkdir(temporary);
    await Promise.all([
      Deno.writeFile(join(temporary, "stdout"), output.stdout),
      Deno.writeFile(join(temporary, "stderr"), output.stderr),
      Deno.writeTextFile(join(temporary, "status.json"), JSON.stringify(record) + "\n"),
    ]);
    await putInPlace(temporary, path);
  } catch (cause) {
    await removeIfThere(temporary);
    throw new LlamaError(
      "output",
      `cannot write the results ${JSON.stringify(path)}: ${reasonOf(cause)}`,
      { cause },
    );
  }
}

/** A directory is renamed over an empty one only, so an old one goes first. */
async function putInPlace(temporary: string, path: string): Promise<void> {
  try {
    await Deno.rename(temporary, path);
  } catch (error) {
    if (!(await isDirectory(path))) throw error;
    await Deno.remove(path, { recursive: true });
    await Deno.rename(temporary, path);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isDirectory;
  } catch {
    // Then the rename's own error says more.
    return false;
  }
}
