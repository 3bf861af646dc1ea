/**
 * Files that are whole or absent.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { chmod, makeDirectories, rename } from "./quick.ts";
import { isRunning, ownProcess } from "../system/process_name.ts";

/** The beginning of every temporary name that llama makes. */
export const temporaryPrefix = ".llama-";

/**
 * Returns a fresh name next to a path, for what is not whole yet. It is in the same directory, so
 * that the rename at the end is atomic, and says which process made it, so that
 * {@linkcode removeLeftovers} knows when nobody needs it any more.
 *
 * @param path Where the file will be in the end.
 * @returns A path in the same directory.
 */
export function temporaryName(path: string): string {
  const slash = path.lastIndexOf("/");
  const { pid, start, namespace } = ownProcess();
  const owner = `${hostName()}-${pid}-${start}-${namespace}`;
  const unique = crypto.randomUUID().slice(0, 13);
  return `${path.slice(0, slash + 1)}${temporaryPrefix}${owner}-${unique}`;
}

/**
 * Tells whether a name is one that llama gives to what is not whole yet.
 *
 * @param name A name without directories.
 * @returns Whether {@linkcode removeLeftovers} may remove what has it.
 */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryPrefix) && temporaryPattern.test(name);
}

/** HOST-PID-START-NAMESPACE-RANDOM; earlier versions had a UUID alone. */
const temporaryPattern =
  /^\.llama-(?:([\w.]+)-(\d+)-(\d+)-(\d+)-[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * Makes a file that appears under its name only when it is whole.
 *
 * @param path The file; missing directories are made.
 * @param fill Writes the file's contents to the path it is given, in the same directory.
 * @param mode Permission bits of the new file, before the umask. @default {those that `fill` gave}
 * @throws Whatever `fill` or the file system throws; then nothing is left behind.
 */
export async function writeWhole(
  path: string,
  fill: (temporary: string) => Promise<void>,
  mode?: number,
): Promise<void> {
  const directory = dirname(path);
  await makeDirectories(directory);
  await removeLeftovers(directory);
  await writeInPlace(path, fill, async (temporary) => {
    if (mode !== undefined) await chmod(temporary, mode & ~umask());
  });
}

/**
 * Makes a file that appears under its name only when it is whole, in a directory that is there.
 *
 * @param path The file.
 * @param fill Writes the file's contents to the path it is given, in the same directory.
 * @param finish Gives the whole file its mode.
 * @throws Whatever `fill` or the file system throws; then nothing is left behind.
 */
export async function writeInPlace(
  path: string,
  fill: (temporary: string) => Promise<void>,
  finish: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await fill(temporary);
    await finish(temporary);
    await rename(temporary, path);
  } catch (error) {
    await removeIfThere(temporary);
    throw error;
  }
}

/**
 * Removes a file or a whole directory; one that is not there is no error.
 *
 * @param path What to remove.
 */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** After this time what another host left is taken for abandoned, in milliseconds. */
const abandonedMilliseconds = 24 * 60 * 60 * 1000;

/** How many directories are remembered, which bounds the memory of a process that runs for long. */
const mostSwept = 10_000;

const swept = new Set<string>();

/**
 * Removes what ended processes of this user left in a directory under a {@linkcode temporaryName},
 * once per directory and process. On another host, or in another container, nobody can tell whether
 * a process runs; there only what has not changed for a day is removed. Links are not followed.
 *
 * @param directory The directory.
 * @param path A path by which to reach it, if not by its name.
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
    // A directory that cannot be listed, as one that may only be written to, shows nothing to remove.
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
    // Another run removed it first, or may not: the next one tries again.
  }
}

let host: string | undefined;

/** The name of this machine as a part of a file name. */
function hostName(): string {
  return host ??= Deno.hostname().replaceAll(/[^A-Za-z0-9.]/g, "_").slice(0, 32) || "_";
}

let mask: number | undefined;

/**
 * Returns the umask. It is asked for once: Deno sets another one to read it, and files that other
 * threads make at that moment would get no permissions at all.
 *
 * @returns The bits that new files do not get.
 */
export function umask(): number {
  return mask ??= Deno.umask();
}
