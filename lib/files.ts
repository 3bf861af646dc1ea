/**
 * Files that are whole or absent.
 *
 * @module
 */

import { dirname } from "node:path";
import { chmod, makeDirectories, rename } from "./quick_files.ts";

/** The beginning of every temporary name that llama makes. */
export const temporaryPrefix = ".llama-";

/**
 * A fresh name beside a path, for what is not whole yet. It lies in the same directory, so that
 * the rename that ends the work is atomic.
 *
 * @param path Where the file shall be in the end.
 * @returns A path in the same directory.
 */
export function temporaryName(path: string): string {
  const slash = path.lastIndexOf("/");
  return `${path.slice(0, slash + 1)}${temporaryPrefix}${crypto.randomUUID()}`;
}

/**
 * Makes a file that appears under its name only when it is whole.
 *
 * @param path The file; its directories are made where they are missing.
 * @param fill Writes the file's contents to the path it is given, in the same directory.
 * @param mode Permission bits of the new file, before the umask; what `fill` left where absent.
 * @throws Whatever `fill` or the file system throws; then nothing is left behind.
 */
export async function writeWhole(
  path: string,
  fill: (temporary: string) => Promise<void>,
  mode?: number,
): Promise<void> {
  const temporary = temporaryName(path);
  await makeDirectories(dirname(path));
  try {
    await fill(temporary);
    if (mode !== undefined) await chmod(temporary, mode & ~Deno.umask());
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
