/**
 * Directories of jobs whose runtime was killed. Lambda's /tmp outlives it: they would fill the disk,
 * and the next job could read them.
 *
 * @module
 */

import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { isOwnDirectory, removeTree } from "../files/run_directory.ts";
import { isRunning, ownProcess } from "../system/process_name.ts";
import { type Libc, libc, workingDirectory } from "../system/libc.ts";
import { dataPrefix, jobPrefix } from "./workspace.ts";

/** How often another runtime is waited for that looks for leftovers at this moment. */
const attempts = 5000;

/**
 * Removes the directories whose owner has ended, and those that name no owner. What another
 * namespace's process owns cannot be told by its id; so each runtime holds a shared lock on the
 * directory for temporary files as long as it lives, and who gets an exclusive one is alone.
 *
 * @param temporary The directory for temporary files.
 * @param log Takes a line for each directory that cannot be removed.
 */
export async function removeLeftovers(
  temporary: string,
  log: (line: string) => void,
): Promise<void> {
  const library = openLibrary();
  const lock = library && open(library, temporary);
  const isAlone = library && lock !== undefined && library.tryLock(lock, "exclusive");
  for (const name of namesIn(temporary)) {
    const prefix = [jobPrefix, dataPrefix].find((prefix) => name.startsWith(prefix));
    if (prefix === undefined) continue;
    const fate = fateOf(name.slice(prefix.length));
    const path = join(temporary, name);
    if (fate === "alive" || (fate === "foreign" && !isAlone) || !isOwnDirectory(path)) continue;
    try {
      await removeTree(path);
    } catch (error) {
      // Two runtimes that start at once may be at the same one.
      if (isOwnDirectory(path)) log(`cannot remove old ${path}: ${messageOf(error)}`);
    }
  }
  // Kept until the process ends.
  if (library && lock !== undefined) await share(library, lock);
}

function openLibrary(): Libc | undefined {
  try {
    return libc();
  } catch {
    // An image may have another C library: then names alone tell what is left.
    return undefined;
  }
}

/** What became of the owner; `foreign` if its id is one of another namespace and says nothing. */
function fateOf(name: string): "alive" | "dead" | "foreign" | "none" {
  const [, pid, start, namespace] = /^(\d+)-(\d+)-(\d+)-/.exec(name) ?? [];
  if (pid === undefined || start === undefined) return "none";
  if (namespace !== ownProcess().namespace) return "foreign";
  const isAlive = isRunning({ pid: Number(pid), start: Number(start) }) && !isZombie(pid);
  return isAlive ? "alive" : "dead";
}

/** One has ended, though nobody has asked for its status yet. */
function isZombie(pid: string): boolean {
  try {
    return /^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    // It has ended meanwhile, or there is no /proc.
    return false;
  }
}

function open(library: Libc, directory: string): number | undefined {
  try {
    return library.openAt(workingDirectory, Deno.realPathSync(directory), { directory: true });
  } catch {
    // The first job that needs it says what is wrong with it.
    return undefined;
  }
}

async function share(library: Libc, lock: number): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (library.tryLock(lock, "shared")) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function namesIn(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch {
    return [];
  }
}
