/**
 * Contents that are held in a message.
 *
 * @module
 */

import { Buffer, isUtf8 } from "node:buffer";
import { LlamaError, reasonOf } from "../errors.ts";
import { type ContentKind, type FileKind, ownFeatures, type Sizes } from "../features.ts";
import { readFile } from "../files/quick.ts";
import { type Blob, maxInlineBytes } from "../protocol.ts";
import type { Spans } from "../spans.ts";
import type { BlobSource, FileSource } from "./source.ts";
import type { ObjectStore } from "./store.ts";

/** Options for {@linkcode encodeBlobs}. */
export interface EncodeBlobsOptions {
  /** The store for big blobs; without one, all are inlined. */
  store: ObjectStore | undefined;
  /** The bytes that the rest of the message takes. @default {0} */
  reservedBytes?: number;
  /** The maximum size of inline blobs and `reservedBytes` together. @default {1 MiB} */
  budgetBytes?: number;
  /** Kinds of content that the reader accepts. @default {none} */
  novel?: NovelContents | undefined;
  /** Ends the work early. */
  signal?: AbortSignal | undefined;
  /** Receives the spans of stored blobs. */
  spans?: Spans | undefined;
  /** Called for each stored blob with its sizes. */
  onStored?: ((sizes: Sizes) => void) | undefined;
}

/** Options for `decodeBlob` and `decodeBlobToFile`. */
export interface DecodeOptions {
  /** Ends the work early. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The known kinds of content beyond those of December 2020.
   * @default {those of this version}
   */
  readonly kinds?: readonly ContentKind[] | undefined;
  /** Receives a span `write`, or `download` if the store is used. */
  readonly spans?: Spans | undefined;
  /** The maximum size of an object that is read into memory. @default {as much as fits} */
  readonly maxBytes?: number | undefined;
  /** Called with the sizes of an object that was read. */
  readonly onStored?: ((sizes: Sizes) => void) | undefined;
}

/** Kinds of content beyond the wire of December 2020. */
export interface NovelContents {
  /** The kinds, all of which the reader accepts. */
  readonly kinds: readonly ContentKind[];
  /** The kinds of file that the reader accepts. @default {[]} */
  readonly files?: readonly FileKind[];
  /** `e` of their blobs: the message of a reader that turns out not to know them. */
  readonly refusal: string;
  /** The maximum size in bytes of all inline contents, decompressed. @default {64 MiB} */
  readonly maxRawBytes?: number | undefined;
}

/** The concurrency of uploads and downloads of one message. */
export const blobConcurrency = 8;

/** A blob that may be inlined. */
export interface Inline {
  readonly index: number;
  readonly blob: Blob;
  /** Its size in JSON. */
  readonly cost: number;
  /** Its contents, kept if the message has room for them as they are. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * Returns the order in which the blobs of a message are inlined, smallest first. Inlining takes at
 * least as many bytes as a blob has unless it is compressed, so sizes alone rule out many before any
 * is read.
 *
 * @param sizes The sizes of the blobs.
 * @returns Their indexes, and whether each may fit as it is.
 */
export function inlineOrder(
  sizes: readonly number[],
  { hasStore, reservedBytes = 0, budgetBytes }: {
    hasStore: boolean;
    reservedBytes?: number;
    budgetBytes: number;
  },
): { index: number; fitsPlain: boolean }[] {
  const order = sizes.keys().toArray().toSorted((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0));
  let raw = reservedBytes;
  return order.map((index) => {
    const size = sizes[index] ?? 0;
    raw += size;
    const fitsPlain = hasStore ? size <= maxInlineBytes && raw < budgetBytes : raw <= budgetBytes;
    return { index, fitsPlain };
  });
}

/**
 * Inlines bytes as text or as base64, whichever is the shorter JSON.
 *
 * @param bytes What the blob holds.
 * @returns The blob, and its size in JSON.
 */
export function inlineBlob(bytes: Uint8Array): { blob: Blob; cost: number } {
  if (bytes.length === 0) return { blob: {}, cost: 2 };
  const base64Cost = Math.ceil(bytes.length / 3) * 4 + 8;
  const text = utf8(bytes);
  if (text !== undefined) {
    const cost = Buffer.byteLength(JSON.stringify(text)) + 6;
    if (cost <= base64Cost) return { blob: { s: text }, cost };
  }
  return { blob: { b: bytes.toBase64() }, cost: base64Cost };
}

/** Larger contents are compressed and decompressed without being held in memory. */
export const maxHeldBytes = 1024 * 1024;

/** Reports whether a blob in a message has contents that may be held in memory once decompressed. */
export function isHeld(
  blob: Readonly<Record<string, unknown>>,
  kinds: readonly ContentKind[] = ownFeatures.contents,
): boolean {
  return (novelKindOf(blob, kinds)?.sizes?.(blob)?.raw ?? 0) <= maxHeldBytes;
}

/** Returns the kind of a blob beyond the wire of December 2020; undefined if it has none. */
export function novelKindOf<Kind extends Pick<ContentKind, "keys" | "stored">>(
  blob: Readonly<Record<string, unknown>>,
  kinds: readonly Kind[],
): Kind | undefined {
  return kinds.find(({ keys: [key], stored }) =>
    blob[key] !== undefined || (stored !== undefined && blob["c"] === stored)
  );
}

/** Reads a source into memory. */
export async function readBlob(
  source: BlobSource,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return source instanceof Uint8Array ? source : await reading(source, readSource, signal);
}

function readSource({ path, size, isFile }: FileSource): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(path, isFile ? size : undefined);
}

/** Reads a file, and names it in errors. */
export async function reading<T>(
  source: FileSource,
  work: (source: FileSource) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await work(source);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof LlamaError) throw cause;
    const path = JSON.stringify(source.path);
    throw new LlamaError("input", `cannot read ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** Returns the size of a blob's contents in bytes. */
export function sizeOf(source: BlobSource): number {
  return source instanceof Uint8Array ? source.length : source.size;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns bytes as text; undefined if they are not UTF-8. */
function utf8(bytes: Uint8Array): string | undefined {
  // An error of a fatal decoder would cost more than all else that is done with a small file.
  return isUtf8(bytes) ? decoder.decode(bytes) : undefined;
}
