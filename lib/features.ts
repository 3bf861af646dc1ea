/**
 * What this version reads and writes beyond the wire of December 2020.
 *
 * @module
 */

/**
 * A kind of content besides `s`, `b` and `r`. A writer uses it only towards a side that has named its
 * feature, and always together with `e`, so that whoever does not know it refuses the blob.
 */
export interface ContentKind {
  /** What `accept` and `accepts` call it. */
  readonly feature: string;
  /** Its keys in a blob. The first one is in every blob of the kind. */
  readonly keys: readonly [string, ...string[]];

  /**
   * Writes bytes.
   *
   * @param bytes What the blob holds.
   * @returns The kind's keys and their values; undefined if the wire of 2020 serves as well.
   */
  encode(bytes: Uint8Array): Promise<Readonly<Record<string, unknown>> | undefined>;

  /**
   * Reads a blob of the kind.
   *
   * @param blob The blob; the values of its keys are unchecked.
   * @returns The bytes.
   * @throws {LlamaError} `protocol` if they cannot be had whole.
   */
  decode(blob: Readonly<Record<string, unknown>>): Promise<Uint8Array>;
}

/** What one side of the wire knows. */
export interface Features {
  /** The kinds of content that it reads and writes. */
  readonly contents: readonly ContentKind[];
  /** What it can do that a request may name in `needs`. */
  readonly needs: readonly string[];
}

/** The features of this version. */
export const ownFeatures: Features = { contents: [], needs: [] };

/**
 * The names that a side gives in `accepts`.
 *
 * @param features What it knows.
 * @returns The names of its kinds of content, and of what it can do.
 */
export function namesOf({ contents, needs }: Features): string[] {
  return [...contents.map(({ feature }) => feature), ...needs];
}
