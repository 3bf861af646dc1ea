/**
 * Features of the wire beyond that of December 2020.
 *
 * @module
 */

/**
 * A kind of content besides `s`, `b` and `r`. A writer sends it only to a side that has named its
 * feature, and always together with `e`, so that a reader that does not know it refuses the blob.
 */
export interface ContentKind {
  /** Its name in `accept` and `accepts`. */
  readonly feature: string;
  /** Its keys in a blob. Every blob of the kind has the first one. */
  readonly keys: readonly [string, ...string[]];

  /**
   * Encodes bytes.
   *
   * @param bytes The blob's contents.
   * @returns The kind's keys and their values; undefined if the kind has no advantage.
   */
  encode(bytes: Uint8Array): Promise<Readonly<Record<string, unknown>> | undefined>;

  /**
   * Decodes a blob of the kind.
   *
   * @param blob The blob; the values of its keys are unchecked.
   * @returns The bytes.
   * @throws {LlamaError} `protocol` if they cannot be decoded.
   */
  decode(blob: Readonly<Record<string, unknown>>): Promise<Uint8Array>;
}

/**
 * A kind of file that is not sent as bytes, such as a symbolic link. As with a {@linkcode ContentKind},
 * `e` accompanies it, and it is sent only to a side that has named its feature.
 */
export interface FileKind {
  /** Its name in `accept` and `accepts`. */
  readonly feature: string;
  /** Its keys in a file. Every file of the kind has the first one. */
  readonly keys: readonly [FileKey, ...FileKey[]];
}

/** The keys of all kinds of file. */
export type FileKey = "l" | "d";

/** Symbolic links (`l`) and empty directories (`d`). */
export const linkFeature = "link";

/** The features that one side of the wire knows. */
export interface Features {
  /** The kinds of content that it reads and writes. */
  readonly contents: readonly ContentKind[];
  /** The kinds of file that are not sent as bytes. */
  readonly files: readonly FileKind[];
  /** The capabilities that a request may name in `needs`. */
  readonly needs: readonly string[];
}

/** The features of this version. */
export const ownFeatures: Features = {
  contents: [],
  files: [{ feature: linkFeature, keys: ["l"] }, { feature: linkFeature, keys: ["d"] }],
  needs: [],
};

/**
 * Returns the names of the kinds of content and of file that a side knows, for `accept`.
 *
 * @param features Its features.
 */
export function contentNames({ contents, files }: Features): string[] {
  return [...new Set([...contents, ...files].map(({ feature }) => feature))];
}

/**
 * Returns the names that a side lists in `accepts`.
 *
 * @param features Its features.
 * @returns The names of its kinds of content and of file, and of its capabilities.
 */
export function namesOf(features: Features): string[] {
  return [...contentNames(features), ...features.needs];
}
