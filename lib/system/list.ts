/**
 * Directories' entries, whatever bytes their names are.
 *
 * @module
 */

import { join } from "node:path";
import { printableLine } from "../text/printable.ts";
import { printableBytes } from "../text/printable_bytes.ts";
import { libc, type RawEntry } from "./libc.ts";

/** What a directory has under one name. */
export interface ListedEntry {
  /** The name; undefined if it is not UTF-8, and no path of Deno's can name it. */
  readonly name: string | undefined;
  /** The name as it may be shown. */
  readonly shown: string;
  /** What it is; `other` for sockets, pipes and devices. */
  readonly kind: RawEntry["kind"];
}

/**
 * Lists a directory in the order of the names. On Linux those that are not UTF-8 are among them with
 * every version of Deno; elsewhere file systems have hardly any, and Deno 2.9 or later shows them.
 *
 * @param path The directory.
 * @returns Its entries.
 * @throws What the file system throws.
 */
export function listDirectory(path: string): ListedEntry[] {
  const entries = libc()?.list(path).map(decoded) ?? Array.from(Deno.readDirSync(path), fromDeno);
  return entries
    .map((entry) => entry.kind === "other" ? { ...entry, kind: kindOf(path, entry) } : entry)
    .sort((a, b) => (a.shown < b.shown ? -1 : 1));
}

/** How many files {@linkcode notUtf8} names. */
const namesShown = 10;

/**
 * Says of files that they cannot be named.
 *
 * @param paths The files as they may be shown, one or more.
 * @returns Such as `a/caf\\xe9: its name is not UTF-8`.
 */
export function notUtf8(paths: readonly string[]): string {
  const more = paths.length > namesShown ? ` and ${paths.length - namesShown} more` : "";
  const why = paths.length === 1 ? "its name is not UTF-8" : "their names are not UTF-8";
  return `${paths.slice(0, namesShown).join(", ")}${more}: ${why}`;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded({ name: bytes, kind }: RawEntry): ListedEntry {
  try {
    const name = decoder.decode(bytes);
    return { name, shown: printableLine(name), kind };
  } catch {
    // Not UTF-8: it has no other name than the one that is shown.
    return { name: undefined, shown: printableBytes(bytes), kind };
  }
}

/** Deno puts U+FFFD where bytes are not UTF-8, and then the name is that of no file. */
function fromDeno({ name, isFile, isDirectory, isSymlink }: Deno.DirEntry): ListedEntry {
  return {
    name: name.includes("\uFFFD") ? undefined : name,
    shown: printableLine(name),
    kind: isFile ? "file" : isDirectory ? "directory" : isSymlink ? "link" : "other",
  };
}

/** Some file systems do not tell in a listing what an entry is. */
function kindOf(path: string, { name, kind }: ListedEntry): RawEntry["kind"] {
  if (name === undefined) return kind;
  const { isFile, isDirectory, isSymlink } = Deno.lstatSync(join(path, name));
  return isFile ? "file" : isDirectory ? "directory" : isSymlink ? "link" : "other";
}
