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
  /** `c` of a reference to an object whose bytes are stored in this way. @default {none} */
  readonly stored?: StoredForm;
  /** Smaller contents are not encoded in this way. @default {0} */
  readonly minBytes?: number;

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

  /**
   * Encodes the contents of a file that is not read into memory. @default {impossible}
   *
   * @param pieces The contents; each piece may be overwritten once the next is asked for.
   * @param size Their expected size in bytes.
   * @param maxBytes The maximum size of the encoded contents.
   * @returns As `encode`; undefined too if there would be more.
   */
  encodePieces?(
    pieces: AsyncIterable<Uint8Array>,
    size: number,
    maxBytes: number,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;

  /**
   * Decodes a blob whose contents are not held in memory. @default {`decode`}
   *
   * @param blob As for `decode`.
   * @returns The bytes in pieces.
   * @throws {LlamaError} As `decode`.
   */
  decodePieces?(
    blob: Readonly<Record<string, unknown>>,
  ): AsyncIterable<Uint8Array>;

  /**
   * Returns how much a compressed blob holds. @default {nothing is compressed}
   *
   * @param blob As for `decode`.
   * @returns The sizes in bytes of its contents and of what stands for them on the wire; undefined
   * if the blob does not say.
   */
  sizes?(blob: Readonly<Record<string, unknown>>): Sizes | undefined;
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
export type FileKey = "l" | "d" | "u" | "t" | "n";

/** Symbolic links (`l`) and empty directories (`d`). */
export const linkFeature = "link";

/** The two sizes of compressed contents, in bytes. */
export interface Sizes {
  /** Their size once decompressed. */
  readonly raw: number;
  /** Their size as sent or stored. */
  readonly encoded: number;
}

/** The form of an object that is not stored as it is: `zst` is one zstd frame. */
export type StoredForm = "zst";

/** The capability to write outputs to S3: `uploads` of a request. */
export const uploadsNeed = "uploads";

/** The features that one side of the wire knows. */
export interface Features {
  /** The kinds of content that it reads and writes. */
  readonly contents: readonly ContentKind[];
  /** The kinds of file that are not sent as bytes. */
  readonly files: readonly FileKind[];
  /** The capabilities that a request may name in `needs`. */
  readonly needs: readonly string[];
}

/** Loads the code on demand: most messages are too small to be compressed. */
const loadZstd = () => import("./compression/contents.ts");

/** Compressed contents: `z` is one zstd frame in base64, and `n` the length of the contents. */
export const zstd: ContentKind = {
  feature: "zstd",
  keys: ["z", "n"],
  stored: "zst",
  minBytes: 4 * 1024,
  encode: async (bytes) => (await loadZstd()).encode(bytes),
  decode: async (blob) => (await loadZstd()).decode(blob),
  encodePieces: async (...args) => (await loadZstd()).encodePieces(...args),
  decodePieces: async function* (blob) {
    yield* (await loadZstd()).decodePieces(blob);
  },
  sizes: ({ z, n }) =>
    typeof z === "string" && typeof n === "number" && Number.isInteger(n) && n >= 0
      ? { raw: n, encoded: z.length }
      : undefined,
};

/**
 * Returns a side's features without those that compress.
 *
 * @param features Its features.
 */
export function withoutCompression(features: Features): Features {
  return remembered(plainFeatures, features, () => ({
    ...features,
    contents: features.contents.filter(({ sizes }) => sizes === undefined),
  }));
}

const plainFeatures = new WeakMap<Features, Features>();
const names = new WeakMap<Features, readonly string[]>();
const allNames = new WeakMap<Features, readonly string[]>();

/** Computes a value once per set of features, since every job asks for it. */
function remembered<T>(known: WeakMap<Features, T>, features: Features, make: () => T): T {
  const value = known.get(features) ?? make();
  known.set(features, value);
  return value;
}

/**
 * Returns the sizes of compressed blobs.
 *
 * @param blobs Any blobs of a message.
 * @param contents The kinds of content that they may have.
 * @returns The sizes together; those of other blobs do not count.
 */
export function sizesOf(
  blobs: Iterable<Readonly<Record<string, unknown>>>,
  contents: readonly ContentKind[],
): Sizes {
  const total = { raw: 0, encoded: 0 };
  if (contents.length === 0) return total;
  for (const blob of blobs) {
    const kind = contents.find(({ keys: [key] }) => blob[key] !== undefined);
    const { raw, encoded } = kind?.sizes?.(blob) ?? { raw: 0, encoded: 0 };
    total.raw += raw;
    total.encoded += encoded;
  }
  return total;
}

/** The features of this version. */
export const ownFeatures: Features = {
  contents: [zstd],
  files: [
    { feature: linkFeature, keys: ["l"] },
    { feature: linkFeature, keys: ["d"] },
    { feature: "s3", keys: ["u", "t", "n"] },
  ],
  needs: [uploadsNeed],
};

/**
 * Returns the names of the kinds of content and of file that a side knows, for `accept`.
 *
 * @param features Its features.
 */
export function contentNames(features: Features): readonly string[] {
  return remembered(names, features, () => {
    const { contents, files } = features;
    return [...new Set([...contents, ...files].map(({ feature }) => feature))];
  });
}

/**
 * Returns the names that a side lists in `accepts`.
 *
 * @param features Its features.
 * @returns The names of its kinds of content and of file, and of its capabilities.
 */
export function namesOf(features: Features): readonly string[] {
  return remembered(allNames, features, () => [...contentNames(features), ...features.needs]);
}
