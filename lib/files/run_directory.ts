/**
 * Temporary directories of runs, and the removal of those that dead runs left behind.
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
 * Creates a directory for this run, which only this user may enter. Its name contains the process's
 * name from the start, so that other runs do not take it for a stale one.
 *
 * @param parent The directory for temporary files.
 * @returns Its path.
 * @throws {LlamaError} `config` if it cannot be created.
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
 * As {@linkcode makeRunDirectory}, for callers with their own error message.
 *
 * @param parent The directory for temporary files.
 * @returns Its path.
 * @throws What the file system throws.
 */
export function makeOwnDirectory(parent: string): string {
  const { pid, start, namespace } = ownProcess();
  return Deno.makeTempDirSync({ dir: parent, prefix: `${prefix}${pid}-${start}-${namespace}-` });
}

/**
 * Removes the directories of runs that were killed. If one cannot be removed, another run may be
 * removing it, and the next run tries again.
 *
 * @param parent The directory for temporary files.
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
    // The directory cannot be listed.
  }
}

/**
 * Removes a directory, including read-only subdirectories. A missing one is not an error.
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
 * As {@linkcode removeTree}, but synchronous and without errors, for the end of a program.
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
 * Reports whether a path is a directory, not a link, that belongs to this user.
 */
export function isOwnDirectory(path: string): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.isDirectory && info.uid === Deno.uid();
  } catch {
    return false;
  }
}
