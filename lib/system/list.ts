/**
 * Lists directories, including names that are not UTF-8.
 *
 * @module
 */

import { join } from "node:path";
import { printableLine } from "../text/printable.ts";
import { printableBytes } from "../text/printable_bytes.ts";
import { libc, type RawEntry } from "./libc.ts";

/** A directory entry. */
export interface ListedEntry {
  /** The name; undefined if it is not UTF-8, so that Deno cannot access it. */
  readonly name: string | undefined;
  /** The name in printable form. */
  readonly shown: string;
  /** Its type; `other` for sockets, pipes and devices. */
  readonly kind: RawEntry["kind"];
}

/**
 * Lists a directory, sorted by name. Names that are not UTF-8 are included on Linux, and on other
 * systems, where they are rare, with Deno 2.9 or later.
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

/** The maximum number of files that {@linkcode notUtf8} names. */
const namesShown = 10;

/**
 * Returns a message about files whose names are not UTF-8, such as
 * `a/caf\\xe9: its name is not UTF-8`.
 *
 * @param paths The printable paths, at least one.
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
    // Not UTF-8.
    return { name: undefined, shown: printableBytes(bytes), kind };
  }
}

/** Deno replaces bytes that are not UTF-8 with U+FFFD, so that the name does not exist. */
function fromDeno({ name, isFile, isDirectory, isSymlink }: Deno.DirEntry): ListedEntry {
  return {
    name: name.includes("\uFFFD") ? undefined : name,
    shown: printableLine(name),
    kind: isFile ? "file" : isDirectory ? "directory" : isSymlink ? "link" : "other",
  };
}

/** Returns the type of an entry, for file systems whose listings lack it. */
function kindOf(path: string, { name, kind }: ListedEntry): RawEntry["kind"] {
  if (name === undefined) return kind;
  const { isFile, isDirectory, isSymlink } = Deno.lstatSync(join(path, name));
  return isFile ? "file" : isDirectory ? "directory" : isSymlink ? "link" : "other";
}
