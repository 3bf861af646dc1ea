/**
 * Makes directories removable.
 *
 * @module
 */

import { join } from "node:path";
import { type Libc, libc } from "./libc.ts";

/**
 * Gives the owner all permissions on a directory and its subdirectories, including those whose names
 * are not UTF-8, so that their entries can be removed. Links are not followed.
 *
 * @param path The directory.
 * @throws What the file system throws.
 */
export function openTree(path: string): void {
  const calls = libc();
  if (calls) openRaw(calls, new TextEncoder().encode(path));
  else openNamed(path);
}

function openRaw(calls: Libc, path: Uint8Array): void {
  calls.chmod(path, 0o700);
  for (const { name, kind } of calls.list(path)) {
    if (kind !== "directory") continue;
    const inner = new Uint8Array(path.length + 1 + name.length);
    inner.set(path);
    inner[path.length] = "/".charCodeAt(0);
    inner.set(name, path.length + 1);
    openRaw(calls, inner);
  }
}

function openNamed(path: string): void {
  Deno.chmodSync(path, 0o700);
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) openNamed(join(path, name));
  }
}
