/**
 * Collects output directories. Loaded only for requests with one.
 *
 * @module
 */

import { join } from "node:path";
import { reasonOf } from "../errors.ts";
import { listDirectory } from "../system/list.ts";
import { printableLine } from "../text/printable.ts";

/** Entries of a directory that are not sent; each line begins with the entry's path. */
export interface Remainder {
  /** Regular files and directories that cannot be sent. */
  readonly missing: string[];
  /** Links, pipes and the like, which are no failure. */
  readonly leftOut: string[];
}

/**
 * Calls `take` for all regular files below a directory. Links are not followed.
 *
 * @param directory The directory.
 * @param remote Its remote path, which ends in `/`.
 * @param take Takes a file by its path and its remote path; returns the reason if it refuses.
 * @returns The entries that were not taken.
 * @throws What the file system throws if the directory cannot be listed.
 */
export function takeAll(
  directory: string,
  remote: string,
  take: (path: string, remote: string) => string | undefined,
): Remainder {
  const missing: string[] = [];
  const leftOut: string[] = [];
  const walk = (directory: string, remote: string, shownRemote: string) => {
    for (const { name, shown, kind } of listDirectory(directory)) {
      const shownPath = shownRemote + shown;
      if (name === undefined) {
        missing.push(`${shownPath}: its name is not UTF-8`);
        continue;
      }
      const path = join(directory, name);
      try {
        if (kind === "link") leftOut.push(`${shownPath}: a symbolic link`);
        else if (kind === "other") leftOut.push(`${shownPath}: not a regular file`);
        else if (kind === "directory") walk(path, `${remote}${name}/`, `${shownPath}/`);
        else {
          const refusal = take(path, remote + name);
          if (refusal !== undefined) missing.push(`${shownPath}: ${refusal}`);
        }
      } catch (error) {
        missing.push(`${shownPath}: ${reasonOf(error)}`);
      }
    }
  };
  walk(directory, remote, printableLine(remote));
  return { missing, leftOut };
}
