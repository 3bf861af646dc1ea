/**
 * Creates zip archives for Lambda.
 *
 * @module
 */

import { zipSync } from "npm:fflate@0.8.3";

/** A file in an archive. */
export interface ZipEntry {
  /** Its path in the archive. */
  readonly name: string;
  /** Its contents. */
  readonly bytes: Uint8Array;
  /** Its permission bits, such as `0o755`. */
  readonly mode: number;
}

/**
 * Packs files. The archive is reproducible, so its hash shows whether anything has changed.
 *
 * @param entries The files; their order does not matter.
 * @returns The archive.
 */
export function zipOf(entries: readonly ZipEntry[]): Uint8Array {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return zipSync(
    Object.fromEntries(sorted.map(({ name, bytes, mode }) => [name, [bytes, {
      // Unix: the mode is in the upper half.
      os: 3,
      attrs: ((regularFile | mode) << 16) >>> 0,
    }]])),
    // The format's earliest time. It stores local times without a zone.
    { level: 6, mtime: new Date(1980, 0, 1) },
  );
}

/** `S_IFREG` of stat(2). */
const regularFile = 0o100000;
