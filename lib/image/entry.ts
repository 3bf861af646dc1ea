/**
 * Entries of layers.
 *
 * @module
 */

/** One entry of a layer. Owner and group are always root, which is all that Lambda looks at. */
export interface LayerEntry {
  /** Its absolute path in the image. */
  readonly path: string;
  /** What it is. */
  readonly kind: "file" | "directory" | "link";
  /** Its permission bits, without setuid and setgid. */
  readonly mode: number;
  /** When it was changed, in seconds since 1970; 0 unless something depends on it. */
  readonly mtimeSeconds: number;
  /** Its size in bytes, of a file. */
  readonly size: number;
  /** Where a file's bytes are: a path on this machine, or the bytes themselves. */
  readonly source?: string | Uint8Array;
  /** Where a link leads. */
  readonly target?: string;
  /** Bytes of a file that are replaced, near its beginning. */
  readonly patch?: { readonly at: number; readonly bytes: Uint8Array } | undefined;
}
