/**
 * The directory of one run for what is temporary, and those that dead runs left behind.
 *
 * @module
 */

import { join } from "node:path";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeIfThere } from "./whole.ts";
import { openTree } from "../system/open_tree.ts";
import { isRunning, ownProcess } from "../system/process_name.ts";

const prefix = "llama-local-";

/**
 * Makes a directory for this run. Its name says whose it is from its first moment on, so that no
 * run that starts meanwhile takes it for a stale one: process id, start time and namespace.
 *
 * @param parent Where temporary directories go.
 * @returns Its path; only this user may enter it.
 * @throws {LlamaError} `config` if none can be made there.
 */
export function makeRunDirectory(parent: string): string {
  try {
    return makeOwnDirectory(parent);
  } catch (cause) {
    throw new LlamaError("config", `cannot create a directory in ${parent}: ${reasonOf(cause)}`, {
      cause,
      hint: "set TMPDIR to a writable directory",
    });
  }
}

/**
 * The same for those who have their own words for a failure.
 *
 * @param parent Where temporary directories go.
 * @returns Its path.
 * @throws What the file system throws.
 */
export function makeOwnDirectory(parent: string): string {
  const { pid, start, namespace } = ownProcess();
  return Deno.makeTempDirSync({ dir: parent, prefix: `${prefix}${pid}-${start}-${namespace}-` });
}

/**
 * Removes what runs left behind that were ended by SIGKILL, or by the machine's end. What cannot be
 * removed stays: another run may be at it, and the next one will try again.
 *
 * @param parent Where temporary directories go.
 */
export async function removeStaleDirectories(parent: string): Promise<void> {
  const { namespace } = ownProcess();
  try {
    for await (const entry of Deno.readDir(parent)) {
      const [, pid, start, owner] = /^llama-local-(\d+)-(\d+)-(\d+)-/.exec(entry.name) ?? [];
      // A process id means something only in its own namespace; containers may share a /tmp.
      if (pid === undefined || start === undefined || owner !== namespace) continue;
      const path = join(parent, entry.name);
      if (isRunning({ pid: Number(pid), start: Number(start) }) || !isOwnDirectory(path)) continue;
      await removeTree(path).catch(() => {});
    }
  } catch {
    // A directory that cannot be listed shows nothing to remove.
  }
}

/**
 * Removes a directory, even where a job took the right to write away from directories in it.
 *
 * @param path The directory; one that is not there is no error.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await removeIfThere(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    openTree(path);
    await removeIfThere(path);
  }
}

/**
 * {@linkcode removeTree}, before the next line runs. At the end of a program there is no time for
 * another way, and nobody to tell of a failure.
 *
 * @param path The directory.
 */
export function removeTreeSync(path: string): void {
  for (const prepare of [() => {}, openTree]) {
    try {
      prepare(path);
      Deno.removeSync(path, { recursive: true });
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) return;
    }
  }
}

/**
 * Tells whether a path is a directory of this user's, and no link to one.
 *
 * @param path The path.
 * @returns False also if there is nothing.
 */
export function isOwnDirectory(path: string): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.isDirectory && info.uid === Deno.uid();
  } catch {
    return false;
  }
}
