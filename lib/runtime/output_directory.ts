/**
 * Collects output directories. Loaded only for requests with one.
 *
 * @module
 */

import { join } from "node:path";
import { reasonOf } from "../errors.ts";
import { targetInside } from "../files/links.ts";
import { listDirectory } from "../system/list.ts";
import { printableLine } from "../text/printable.ts";

/** Takes the entries of a directory, by their remote paths. */
export interface Taker {
  /** Takes a regular file; returns the reason if it refuses. */
  file(path: string, remote: string): string | undefined;
  /** Takes a link and its target; absent if the client does not accept links. */
  readonly link?: ((remote: string, target: string) => void) | undefined;
  /** Takes a directory without entries; absent if the client does not accept them. */
  readonly emptyDirectory?: ((remote: string) => void) | undefined;
}

/** Entries of a directory that are not sent; each line begins with the entry's path. */
export interface Remainder {
  /** Regular files and directories that cannot be sent. */
  readonly missing: string[];
  /** Links, pipes and the like, which are no failure. */
  readonly leftOut: string[];
}

/**
 * Takes all regular files below a directory, its empty directories, and the links that stay inside.
 * Links are not followed.
 *
 * @param directory The directory.
 * @param remote Its remote path, which ends in `/`.
 * @param take Takes the entries.
 * @returns The entries that were not taken.
 * @throws What the file system throws if the directory cannot be listed.
 */
export function takeAll(
  directory: string,
  remote: string,
  take: Taker,
): Remainder {
  const missing: string[] = [];
  const leftOut: string[] = [];
  const top = directory;
  const takeLink = (path: string, name: string): boolean => {
    const target = take.link && targetInside(top, path.slice(top.length + 1));
    if (target === undefined) return false;
    take.link?.(name, target);
    return true;
  };
  const walk = (directory: string, remote: string, shownRemote: string) => {
    const entries = listDirectory(directory);
    // The top exists even if the command has created nothing.
    if (entries.length === 0 && directory !== top) take.emptyDirectory?.(remote.slice(0, -1));
    for (const { name, shown, kind } of entries) {
      const shownPath = shownRemote + shown;
      if (name === undefined) {
        missing.push(`${shownPath}: its name is not UTF-8`);
        continue;
      }
      const path = join(directory, name);
      try {
        if (kind === "link") {
          if (takeLink(path, remote + name)) continue;
          leftOut.push(`${shownPath}: a symbolic link${take.link ? " that leads out" : ""}`);
        } else if (kind === "other") leftOut.push(`${shownPath}: not a regular file`);
        else if (kind === "directory") walk(path, `${remote}${name}/`, `${shownPath}/`);
        else {
          const refusal = take.file(path, remote + name);
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
