/**
 * Removes job directories of runtimes that were killed. Lambda's /tmp outlives the runtime, so they
 * would fill the disk, and the next job could read them.
 *
 * @module
 */

import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { isOwnDirectory, removeTree } from "../files/run_directory.ts";
import { isRunning, ownProcess } from "../system/process_name.ts";
import { type Libc, libc, workingDirectory } from "../system/libc.ts";
import { dataPrefix, jobPrefix } from "./workspace.ts";

/** The number of attempts to get the lock while another runtime removes leftovers. */
const attempts = 5000;

/**
 * Removes the directories whose owner has ended, and those without an owner in their name. A process
 * id says nothing about processes of another PID namespace. Therefore each runtime holds a shared
 * lock on the directory for temporary files, and one that gets an exclusive lock is alone.
 *
 * @param temporary The directory for temporary files.
 * @param log Receives a line for each directory that cannot be removed.
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
      // Another runtime that is starting may have removed it.
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
    // An image may have another C library; then only the names count.
    return undefined;
  }
}

/** Returns the state of the owner; `foreign` if its id belongs to another PID namespace. */
function fateOf(name: string): "alive" | "dead" | "foreign" | "none" {
  const [, pid, start, namespace] = /^(\d+)-(\d+)-(\d+)-/.exec(name) ?? [];
  if (pid === undefined || start === undefined) return "none";
  if (namespace !== ownProcess().namespace) return "foreign";
  const isAlive = isRunning({ pid: Number(pid), start: Number(start) }) && !isZombie(pid);
  return isAlive ? "alive" : "dead";
}

/** A zombie has ended, but its parent has not reaped it yet. */
function isZombie(pid: string): boolean {
  try {
    return /^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    // The process has ended, or there is no /proc.
    return false;
  }
}

function open(library: Libc, directory: string): number | undefined {
  try {
    return library.openAt(workingDirectory, Deno.realPathSync(directory), { directory: true });
  } catch {
    // The first job that needs the directory reports the error.
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
