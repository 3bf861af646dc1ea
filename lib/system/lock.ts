/**
 * Locks that end with the process that holds them.
 *
 * @module
 */

/** How long to wait for a lock, in milliseconds; one that nobody else has is there at once. */
const waitMilliseconds = 1000;

/**
 * Locks a file for as long as it is open. Deno 2.6 can only wait for a lock, so one that does not
 * come is given up, and the file is closed when it comes after all.
 *
 * @param file The open file.
 * @returns Whether it is locked. If not, it is not the caller's any more.
 * @throws What the file system throws.
 */
export async function lockFile(file: Deno.FsFile): Promise<boolean> {
  const locked = file.lock(true).then(() => true);
  const tooLate = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => tooLate.resolve(false), waitMilliseconds);
  const isLocked = await Promise.race([locked, tooLate.promise]).finally(() => clearTimeout(timer));
  if (!isLocked) locked.finally(() => file.close()).catch(() => {});
  return isLocked;
}
