/**
 * Collects output directories. Loaded only for requests with one.
 *
 * @module
 */

import { join } from "node:path";
import { reasonOf } from "../errors.ts";
import { targetInside } from "../files/links.ts";
import type { File } from "../protocol.ts";
import { listDirectory } from "../system/list.ts";
import { printableLine } from "../text/printable.ts";

/** The maximum number of missing files of a directory that a message names. */
const namesShown = 10;

/** Options for {@linkcode takeAll}. */
export interface TakeOptions {
  /** Takes a regular file; returns the reason if it refuses. */
  readonly take: (path: string, remote: string) => string | undefined;
  /** Whether the client accepts links and empty directories. */
  readonly links: boolean;
}

/** The contents of a directory besides its regular files. */
export interface TakenDirectory {
  /** Links and empty directories, by their remote paths. */
  readonly entries: Map<string, Pick<File, "l" | "d">>;
  /** Lines about links, pipes and the like that are not sent; leaving them out is not a failure. */
  readonly leftOut: string[];
  /** The reason if regular files or directories cannot be sent. */
  readonly refusal: string | undefined;
  /** Whether it is as {@linkcode markUntouched} left it. */
  readonly isUntouched: boolean;
}

/**
 * Marks an output directory that was created for the command, by its modification time: the command
 * changes it when it creates anything there.
 */
export function markUntouched(directory: string): void {
  Deno.utimeSync(directory, 0, 0);
}

/**
 * Takes all regular files below a directory, its empty directories, and the links that stay inside.
 * Links are not followed.
 *
 * @param directory The directory.
 * @param remote Its remote path, which ends in `/`.
 * @param options Takes the files, and whether links and empty directories are taken.
 * @returns The other entries.
 * @throws What the file system throws if the directory cannot be listed.
 */
export function takeAll(
  directory: string,
  remote: string,
  { take, links }: TakeOptions,
): TakenDirectory {
  const entries: TakenDirectory["entries"] = new Map();
  const missing: string[] = [];
  const leftOut: string[] = [];
  let files = 0;
  const top = directory;
  const takeLink = (path: string, name: string): boolean => {
    const target = links ? targetInside(top, path.slice(top.length + 1)) : undefined;
    if (target === undefined) return false;
    entries.set(name, { l: target });
    return true;
  };
  const walk = (directory: string, remote: string, shownRemote: string) => {
    const listed = listDirectory(directory);
    // The top exists even if the command has created nothing.
    if (links && listed.length === 0 && directory !== top) {
      entries.set(remote.slice(0, -1), { d: true });
    }
    for (const { name, shown, kind } of listed) {
      const shownPath = shownRemote + shown;
      if (name === undefined) {
        missing.push(`${shownPath}: its name is not UTF-8`);
        continue;
      }
      const path = join(directory, name);
      try {
        if (kind === "link") {
          if (takeLink(path, remote + name)) continue;
          const why = links ? "a symbolic link that leads out" : "a symbolic link";
          leftOut.push(`left out ${shownPath}: ${why}`);
        } else if (kind === "other") leftOut.push(`left out ${shownPath}: not a regular file`);
        else if (kind === "directory") walk(path, `${remote}${name}/`, `${shownPath}/`);
        else {
          files++;
          const refusal = take(path, remote + name);
          if (refusal !== undefined) missing.push(`${shownPath}: ${refusal}`);
        }
      } catch (error) {
        missing.push(`${shownPath}: ${reasonOf(error)}`);
      }
    }
  };
  walk(directory, remote, printableLine(remote));
  const isEmpty = files + entries.size + leftOut.length + missing.length === 0;
  return {
    entries,
    leftOut,
    refusal: missing.length === 0 ? undefined : refusalOf(missing),
    isUntouched: isEmpty && Deno.lstatSync(directory).mtime?.getTime() === 0,
  };
}

function refusalOf(missing: readonly string[]): string {
  const more = missing.length > namesShown ? `; and ${missing.length - namesShown} more` : "";
  return `left out ${missing.slice(0, namesShown).join("; ")}${more}`;
}
