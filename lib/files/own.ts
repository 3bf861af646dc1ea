/**
 * Reads files that no other user can have written.
 *
 * @module
 */

import { dirname } from "node:path";

/**
 * Reads a file if no other user can have written it: the file and its directory belong to this user
 * or to root, and neither group nor others may write to them.
 *
 * @param path The file.
 * @param maxBytes The maximum size; a larger file counts as missing.
 * @returns Its text; undefined if it cannot be read, or another user may have written it.
 */
export function readOwnFile(path: string, maxBytes: number): string | undefined {
  const bytes = readOwnBytes(path, maxBytes);
  return bytes && new TextDecoder().decode(bytes);
}

/**
 * Reads the bytes of a file as {@linkcode readOwnFile} does.
 *
 * @param path The file.
 * @param maxBytes The maximum size; a larger file counts as missing.
 * @returns Its bytes; undefined if it cannot be read, or another user may have written it.
 */
export function readOwnBytes(path: string, maxBytes: number): Uint8Array | undefined {
  try {
    if (!isOwn(Deno.lstatSync(dirname(path)))) return undefined;
    // A link may lead to another user's file, and opening a pipe would wait for a writer.
    if (!Deno.lstatSync(path).isFile) return undefined;
    using file = Deno.openSync(path);
    const info = file.statSync();
    if (!info.isFile || !isOwn(info) || info.size > maxBytes) return undefined;
    const bytes = new Uint8Array(info.size);
    let filled = 0;
    for (let count; (count = file.readSync(bytes.subarray(filled))) !== null;) {
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } catch {
    // Callers can do without it.
    return undefined;
  }
}

function isOwn({ uid, mode, isSymlink }: Deno.FileInfo): boolean {
  if (isSymlink) return false;
  const own = Deno.uid();
  // Not available on Windows.
  if (own === null || uid === null || mode === null) return true;
  return (uid === own || uid === 0) && (mode & 0o022) === 0;
}
