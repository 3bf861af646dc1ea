/**
 * Atomic file writes: a file is either complete or absent.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { chmod, link, makeDirectories, removeFile, rename } from "./quick.ts";
import { isRunning, ownProcess } from "../system/process_name.ts";

/** The prefix of all temporary names. */
export const temporaryPrefix = ".llama-";

/**
 * Returns a unique temporary path in the same directory as a path, so that the final rename is
 * atomic. It contains the name of this process, so that {@linkcode removeLeftovers} can tell whether
 * it is still in use.
 *
 * @param path The final path.
 */
export function temporaryName(path: string): string {
  const slash = path.lastIndexOf("/");
  const { pid, start, namespace } = ownProcess();
  const owner = `${hostName()}-${pid}-${start}-${namespace}`;
  const unique = crypto.randomUUID().slice(0, 13);
  return `${path.slice(0, slash + 1)}${temporaryPrefix}${owner}-${unique}`;
}

/**
 * Reports whether a file name is temporary, so that {@linkcode removeLeftovers} may remove the file.
 */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryPrefix) && temporaryPattern.test(name);
}

/** HOST-PID-START-NAMESPACE-RANDOM; in earlier versions a UUID. */
const temporaryPattern =
  /^\.llama-(?:([\w.]+)-(\d+)-(\d+)-(\d+)-[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * Creates a file that appears under its name only when complete. Creates missing directories.
 *
 * @param path The file.
 * @param fill Writes the contents to a temporary path in the same directory.
 * @param mode Permission bits of the new file, before the umask. @default {those that `fill` set}
 * @throws Whatever `fill` or the file system throws; no file is left behind.
 */
export async function writeWhole(
  path: string,
  fill: (temporary: string) => Promise<void>,
  mode?: number,
): Promise<void> {
  await inDirectoryOf(path, () => writeInPlace(path, fill, setMode(mode)));
}

/**
 * As {@linkcode writeWhole}, but replaces nothing. For a file that is probably new: to look whether
 * there is another takes longer than to create it, since Deno's answer is an exception.
 *
 * @returns Whether it was created; false if something has its name, such as a broken link, or a file
 * has that of one of its directories.
 */
export async function createWhole(
  path: string,
  fill: (temporary: string) => Promise<void>,
  mode: number,
): Promise<boolean> {
  try {
    return await inDirectoryOf(path, () => writeInPlace(path, fill, setMode(mode), placeNew));
  } catch (error) {
    const { AlreadyExists, NotADirectory } = Deno.errors;
    // A file has the name of one of its directories.
    if (error instanceof AlreadyExists || error instanceof NotADirectory) return false;
    throw error;
  }
}

function setMode(mode: number | undefined): (temporary: string) => Promise<void> {
  return async (temporary) => {
    if (mode !== undefined) await chmod(temporary, mode & ~umask());
  };
}

/** Writes a file after creating its directory, and removing leftovers from it. */
async function inDirectoryOf<T>(path: string, write: () => Promise<T>): Promise<T> {
  const directory = dirname(path);
  if (swept.has(directory)) {
    try {
      return await write();
    } catch (error) {
      // The directory has been removed meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  await makeDirectories(directory);
  await removeLeftovers(directory);
  return await write();
}

/** Gives a complete file its name, unless something has it. */
async function placeNew(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
  } catch (error) {
    // Other errors are of file systems without hard links.
    if (!(error instanceof Deno.errors.AlreadyExists) && await isFree(path)) {
      await rename(temporary, path);
      return true;
    }
    await removeFile(temporary);
    return false;
  }
  await removeFile(temporary);
  return true;
}

async function isFree(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

async function replace(temporary: string, path: string): Promise<boolean> {
  await rename(temporary, path);
  return true;
}

/**
 * Creates a file that appears under its name only when complete, in an existing directory.
 *
 * @param path The file.
 * @param fill Writes the contents to a temporary path in the same directory.
 * @param finish Sets the mode of the complete file.
 * @param place Gives it its name. @default {replaces what has the name}
 * @returns What `place` returns.
 * @throws Whatever `fill` or the file system throws; no file is left behind.
 */
export async function writeInPlace(
  path: string,
  fill: (temporary: string) => Promise<void>,
  finish: (temporary: string) => Promise<void>,
  place: (temporary: string, path: string) => Promise<boolean> = replace,
): Promise<boolean> {
  const temporary = temporaryName(path);
  try {
    await fill(temporary);
    await finish(temporary);
    return await place(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  }
}

/**
 * Removes a file or a directory tree. A missing one is not an error.
 */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The age at which files of another host count as abandoned, in milliseconds. */
const abandonedMilliseconds = 24 * 60 * 60 * 1000;

/** The maximum number of directories remembered, which limits memory. */
const mostSwept = 10_000;

const swept = new Set<string>();

/**
 * Removes temporary files that dead processes of this user left in a directory, once per directory
 * and process. Files of another host or container, whose processes cannot be checked, are removed
 * after a day without changes. Links are not followed.
 *
 * @param directory The directory.
 * @param path Another path that leads to it.
 */
export async function removeLeftovers(directory: string, path = directory): Promise<void> {
  if (swept.has(directory)) return;
  if (swept.size >= mostSwept) swept.clear();
  swept.add(directory);
  try {
    for await (const { name } of Deno.readDir(path)) {
      if (isTemporaryName(name)) await removeIfLeft(join(path, name), name);
    }
  } catch {
    // The directory cannot be listed; it may be write-only.
  }
}

async function removeIfLeft(path: string, name: string): Promise<void> {
  const [, host, pid, start, namespace] = temporaryPattern.exec(name) ?? [];
  const isFromHere = host === hostName() && namespace === ownProcess().namespace;
  if (isFromHere && isRunning({ pid: Number(pid), start: Number(start) })) return;
  try {
    const { uid, mtime } = await Deno.lstat(path);
    const age = Date.now() - (mtime?.getTime() ?? Date.now());
    if (uid !== Deno.uid() || (!isFromHere && age < abandonedMilliseconds)) return;
    await Deno.remove(path, { recursive: true });
  } catch {
    // Another run may have removed it; otherwise the next run tries again.
  }
}

let host: string | undefined;

/** Returns this machine's name, for use in a file name. */
function hostName(): string {
  return host ??= Deno.hostname().replaceAll(/[^A-Za-z0-9.]/g, "_").slice(0, 32) || "_";
}

let mask: number | undefined;

/**
 * Returns the umask. Deno changes it temporarily to read it, so it is read only once: files that other
 * threads create at that moment would have no permissions.
 */
export function umask(): number {
  return mask ??= Deno.umask();
}
