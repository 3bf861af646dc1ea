/**
 * What a run leaves of each job in a directory of its own.
 *
 * @module
 */

import { join } from "node:path";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeIfThere, temporaryName } from "../files.ts";
import { withDescriptor } from "../quick_files.ts";
import type { JobRecord } from "./record.ts";

/**
 * Makes the directory for the results of a run, before anything is run.
 *
 * @param directory The directory; it may be there.
 * @throws {LlamaError} `output` if it cannot be made.
 */
export async function makeResults(directory: string): Promise<void> {
  try {
    await Deno.mkdir(directory, { recursive: true });
  } catch (cause) {
    throw new LlamaError(
      "output",
      `cannot make the directory ${JSON.stringify(directory)} for results: ${reasonOf(cause)}`,
      { cause, hint: "name another directory with -results" },
    );
  }
}

/**
 * Writes `DIR/SEQ/` with `stdout`, `stderr` and `status.json`, the job's record. The directory is
 * whole or absent, and replaces that of an earlier run.
 *
 * @param directory Where it is made.
 * @param record The job's record.
 * @param output What the command wrote: bytes, or a file that has them.
 * @throws {LlamaError} `output` if it cannot be written.
 */
export async function writeResults(
  directory: string,
  record: JobRecord,
  output: { readonly stdout: Uint8Array | string; readonly stderr: Uint8Array | string },
): Promise<void> {
  const path = join(directory, String(record.seq));
  try {
    await writeDirectory(path, [
      ["stdout", output.stdout],
      ["stderr", output.stderr],
      ["status.json", new TextEncoder().encode(JSON.stringify(record) + "\n")],
    ]);
  } catch (cause) {
    throw new LlamaError(
      "output",
      `cannot write the results ${JSON.stringify(path)}: ${reasonOf(cause)}`,
      { cause, hint: "name another directory with -results" },
    );
  }
}

async function writeDirectory(
  path: string,
  files: readonly (readonly [name: string, source: Uint8Array | string])[],
): Promise<void> {
  const temporary = temporaryName(path);
  await Deno.mkdir(temporary);
  try {
    await Promise.all(
      files.map(([name, source]) =>
        withDescriptor(() =>
          typeof source === "string"
            ? Deno.copyFile(source, join(temporary, name))
            : Deno.writeFile(join(temporary, name), source)
        )
      ),
    );
    await putInPlace(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
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
