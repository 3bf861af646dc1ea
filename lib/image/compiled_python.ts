/**
 * What Python has compiled of a module is valid while the module has the time that is noted in it.
 * https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
 *
 * @module
 */

import type { LayerEntry } from "./entry.ts";

/** The header: a magic number, flags, the module's time and its size, each of 4 bytes. */
const headerBytes = 16;
const timeAt = 8;

/**
 * Returns the module that a file was compiled from.
 *
 * @param path Such as `/a/__pycache__/b.cpython-311.pyc`.
 * @returns Such as `/a/b.py`; undefined for another file.
 */
export function moduleOf(path: string): string | undefined {
  const [, folder, name] = /^(.*)\/__pycache__\/([^/]+?)\.[\w-]+(?:\.opt-\w+)?\.pyc$/.exec(path) ??
    [];
  return folder === undefined ? undefined : `${folder}/${name}.py`;
}

/**
 * Returns what must be replaced in a compiled file so that it belongs to a module with another time.
 *
 * @param path The compiled file.
 * @param mtimeSeconds The module's time in the image.
 * @returns The replacement; undefined if the file notes no time, or that one.
 * @throws What the file system throws.
 */
export function retimed(path: string, mtimeSeconds: number): LayerEntry["patch"] {
  using file = Deno.openSync(path);
  const bytes = new Uint8Array(headerBytes);
  if (file.readSync(bytes) !== headerBytes) return undefined;
  const view = new DataView(bytes.buffer);
  // With flags, the file is checked by a hash of the module or not at all.
  const hasTime = view.getUint32(4, true) === 0;
  if (!hasTime || view.getUint32(timeAt, true) === mtimeSeconds) return undefined;
  view.setUint32(timeAt, mtimeSeconds, true);
  return { at: timeAt, bytes: bytes.slice(timeAt, timeAt + 4) };
}
