/**
 * Looks for files.
 *
 * @module
 */

/**
 * Reports whether a path leads to a regular file. One that cannot be looked at counts as none, and is
 * reported where it is used.
 */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
