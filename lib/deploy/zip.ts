/**
 * Zip archives as Lambda takes them.
 *
 * @module
 */

import { zipSync } from "npm:fflate@0.8.3";

/** A file of an archive. */
export interface ZipEntry {
  /** Its path in the archive. */
  readonly name: string;
  /** Its contents. */
  readonly bytes: Uint8Array;
  /** Its permission bits, such as `0o755`. */
  readonly mode: number;
}

/**
 * Packs files. The same files give the same archive, whenever and wherever it is made, so that its
 * hash tells whether anything has changed.
 *
 * @param entries The files; their order does not matter.
 * @returns The archive.
 */
export function zipOf(entries: readonly ZipEntry[]): Uint8Array {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return zipSync(
    Object.fromEntries(sorted.map(({ name, bytes, mode }) => [name, [bytes, {
      // Unix, whose modes are in the upper half.
      os: 3,
      attrs: ((regularFile | mode) << 16) >>> 0,
    }]])),
    // The format has no earlier time, and keeps a local one without its zone.
    { level: 6, mtime: new Date(1980, 0, 1) },
  );
}

/** `S_IFREG` of stat(2). */
const regularFile = 0o100000;
