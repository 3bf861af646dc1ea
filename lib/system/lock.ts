/**
 * File locks.
 *
 * @module
 */

/** The time to wait for a lock, in milliseconds. */
const waitMilliseconds = 1000;

/**
 * Locks a file for as long as it is open. Deno 2.6 cannot try a lock without waiting, so this waits
 * for a while; on failure it closes the file as soon as the lock is acquired after all.
 *
 * @param file The open file.
 * @returns Whether it is locked. If not, the caller must not use the file any more.
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

/**
 * Opens and locks a file that earlier processes have written.
 *
 * @param bytes Its size when it was read, if it was.
 * @returns The file; undefined if another process has it locked, or has written to it since.
 * @throws What the file system throws.
 */
export async function openLocked(
  path: string,
  options: Deno.OpenOptions,
  bytes?: number,
): Promise<Deno.FsFile | undefined> {
  const file = await Deno.open(path, options);
  // Without the lock, `lockFile` closes the file.
  let isOurs = true;
  try {
    isOurs = await lockFile(file);
    if (!isOurs) return undefined;
    if (bytes === undefined || (await file.stat()).size === bytes) return file;
    file.close();
    return undefined;
  } catch (error) {
    if (isOurs) file.close();
    throw error;
  }
}
