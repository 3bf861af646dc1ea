/**
 * Encodes bytes as blobs and decodes them: inline or through the store.
 *
 * @module
 */

import { Buffer, isUtf8 } from "node:buffer";
import { LlamaError, reasonOf } from "../errors.ts";
import { type ContentKind, type FileKind, ownFeatures, type Sizes } from "../features.ts";
import { maxRawBytes } from "../limits.ts";
import { type Blob, maxInlineBytes, maxMessageBytes, maxPayloadBytes } from "../protocol.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { piecesOfFile } from "../files/pieces.ts";
import { open, readFile, stat, unfinishedMode, writeNew, writeToFile } from "../files/quick.ts";
import { decodeBase64 } from "../text/base64.ts";
import type { BlobSource, FileSource } from "./source.ts";
import { compressedIn, type ObjectStore } from "./store.ts";
import type { Spans } from "../spans.ts";

export type { BlobSource, FileSource } from "./source.ts";

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

/** Larger contents are compressed and decompressed without being held in memory. */
const maxHeldBytes = 1024 * 1024;

/** A blob that may be inlined. */
interface Inline {
  readonly index: number;
  readonly blob: Blob;
  /** Its size in JSON. */
  readonly cost: number;
  /** Its contents, kept if the message has room for them as they are. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * Encodes the blobs of one message: inline up to 256 KiB each while the message stays under 1 MiB,
 * the rest through the store, the largest first. Without a store all are inlined. The bounds are
 * those of the message, so more is inlined if it is compressed.
 *
 * @param sources The contents of the blobs.
 * @param options Store, bounds and signal.
 * @returns A blob for each source, in the same order.
 * @throws {LlamaError} `too-large` if there is no store and the message would exceed Lambda's limit,
 * `input` if a file cannot be read, `store` and others if storing failed.
 */
export async function encodeBlobs(
  sources: readonly BlobSource[],
  options: EncodeBlobsOptions,
): Promise<Blob[]> {
  const { store, reservedBytes = 0, signal } = options;
  const budget = store ? options.budgetBytes ?? maxMessageBytes : maxPayloadBytes;
  const inline = await encodeInline(sources, budget, options);
  let total = inline.reduce((sum, { cost }) => sum + cost, reservedBytes);
  if (!store && (inline.length < sources.length || total > budget)) throw tooLarge(sources);
  inline.sort((a, b) => a.cost - b.cost);
  const read = new Map<number, Uint8Array>();
  while (store && total >= budget) {
    const largest = inline.pop();
    if (!largest) break;
    total -= largest.cost;
    if (largest.bytes) read.set(largest.index, largest.bytes);
  }
  const blobs = new Map(inline.map(({ index, blob }) => [index, blob]));
  return await mapConcurrently(sources, blobConcurrency, async (source, index) => {
    const blob = blobs.get(index);
    return blob || !store ? blob ?? {} : await storeBlob(store, read.get(index) ?? source, options);
  }, signal);
}

/** Inlines the sources for which that may be possible, the smallest first. */
async function encodeInline(
  sources: readonly BlobSource[],
  budget: number,
  { store, reservedBytes = 0, novel, signal }: EncodeBlobsOptions,
): Promise<Inline[]> {
  const sizes = sources.map(sizeOf);
  const mostRaw = novel?.kinds.some(({ sizes }) => sizes) ? novel.maxRawBytes ?? maxRawBytes : 0;
  let contents = 0;
  const hasStore = store !== undefined;
  const order = inlineOrder(sizes, { hasStore, reservedBytes, budgetBytes: budget });
  const candidates = order.filter(({ index, fitsPlain }) => {
    contents += sizes[index] ?? 0;
    return fitsPlain || contents <= mostRaw;
  });
  const maxCost = store ? Math.min(maxInlineBytes, budget) : budget;
  let total = reservedBytes;
  const inline = await mapConcurrently(
    candidates,
    blobConcurrency,
    async ({ index, fitsPlain }): Promise<Inline[]> => {
      // The message is full: what did not fit as it is would be compressed in vain.
      if (!fitsPlain && total >= budget) return [];
      const source = sources[index] ?? nothing;
      const size = sizeOf(source);
      const isBigFile = !(source instanceof Uint8Array) && size > maxHeldBytes;
      const compact = isBigFile ? await encodeFile(source, { maxCost, novel, signal }) : undefined;
      // Those before it may have become small enough to leave room for it as it is.
      const mayBePlain = fitsPlain || (size <= maxCost && total + size < budget);
      const encoded = compact ??
        await encodeWhole(source, {
          novel: isBigFile ? undefined : novel,
          mayBePlain,
          isKept: fitsPlain,
          signal,
        });
      if (encoded === undefined || (!fitsPlain && encoded.cost > maxCost)) return [];
      total += encoded.cost;
      return [{ index, ...encoded }];
    },
    signal,
  );
  return inline.flat();
}

/** Inlines contents that are read into memory. */
async function encodeWhole(
  source: BlobSource,
  { novel, mayBePlain, isKept, signal }: Pick<EncodeBlobsOptions, "novel" | "signal"> & {
    mayBePlain: boolean;
    isKept: boolean;
  },
): Promise<Omit<Inline, "index"> | undefined> {
  if (!novel && !mayBePlain) return undefined;
  const bytes = source instanceof Uint8Array ? source : await reading(source, readSource, signal);
  const kept = isKept ? bytes : undefined;
  const compact = novel && await encodeNovel(bytes, novel);
  // Plain text has at least as many bytes in JSON.
  if (compact && compact.cost < bytes.length) return { ...compact, bytes: kept };
  if (!mayBePlain) return undefined;
  const plain = inlineBlob(bytes);
  return { ...compact && compact.cost < plain.cost ? compact : plain, bytes: kept };
}

/** Inlines a big file, if it becomes small enough without being held in memory. */
async function encodeFile(
  file: FileSource,
  { maxCost, novel, signal }: Pick<EncodeBlobsOptions, "novel" | "signal"> & { maxCost: number },
): Promise<Omit<Inline, "index"> | undefined> {
  for (const kind of novel?.kinds ?? []) {
    const content = await reading(
      file,
      async ({ path, size }) =>
        await kind.encodePieces?.(piecesOfFile(path, signal), size, maxCost),
      signal,
    );
    if (content && novel) return { ...withRefusal(content, novel), bytes: undefined };
  }
  return undefined;
}

/** Stores contents, compressed if the reader can read that. */
async function storeBlob(
  store: ObjectStore,
  source: BlobSource,
  { novel, signal, spans, onStored }: EncodeBlobsOptions,
): Promise<Blob> {
  const { compressed } = store;
  if (compressed && novel?.kinds.some(({ stored }) => stored)) {
    const put = () => compressed.put(source, signal, spans);
    const { id, form, raw, encoded } = source instanceof Uint8Array
      ? await put()
      : await reading(source, put, signal);
    onStored?.({ raw, encoded });
    return form === undefined ? { r: id } : { r: id, c: form, e: novel.refusal };
  }
  const id = source instanceof Uint8Array
    ? await store.put(source, signal, spans)
    : await reading(source, ({ path }) => store.putFile(path, signal, spans), signal);
  const size = sizeOf(source);
  onStored?.({ raw: size, encoded: size });
  return { r: id };
}

function tooLarge(sources: readonly BlobSource[]): LlamaError {
  const size = sources.reduce((sum, source) => sum + sizeOf(source), 0);
  return new LlamaError(
    "too-large",
    `${size} bytes do not fit into one Lambda ` +
      `payload (${maxPayloadBytes} bytes), and there is no object store`,
    { hint: "set LLAMA_OBJECT_STORE or -store to s3://BUCKET/PREFIX/" },
  );
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
  return { blob: { b: asBuffer(bytes).toString("base64") }, cost: base64Cost };
}

/** Returns the shortest encoding by any of the kinds, if there is one. */
async function encodeNovel(
  bytes: Uint8Array,
  novel: NovelContents,
): Promise<{ blob: Blob; cost: number } | undefined> {
  let shortest: { blob: Blob; cost: number } | undefined;
  for (const kind of novel.kinds) {
    const content = await kind.encode(bytes);
    if (content === undefined) continue;
    const encoded = withRefusal(content, novel);
    if (shortest === undefined || encoded.cost < shortest.cost) shortest = encoded;
  }
  return shortest;
}

function withRefusal(
  content: Readonly<Record<string, unknown>>,
  { refusal }: NovelContents,
): { blob: Blob; cost: number } {
  const blob = { ...content, e: refusal };
  return { blob, cost: Buffer.byteLength(JSON.stringify(blob)) };
}

/** Options for {@linkcode decodeBlob} and {@linkcode decodeBlobToFile}. */
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

/**
 * Decodes a blob.
 *
 * @param blob The blob from the wire.
 * @param store Returns the store; called only if the blob is an object.
 * @param options Kinds of content, signal, and the maximum size of an object.
 * @returns Its bytes.
 * @throws {LlamaError} `protocol` if it has no bytes (`e`) or they are damaged; as the store's `get`.
 */
export async function decodeBlob(
  blob: Blob,
  store: () => ObjectStore,
  options: DecodeOptions = {},
): Promise<Uint8Array> {
  const { signal, kinds, maxBytes, onStored } = options;
  const { r: id } = blob;
  if (id === undefined) return await decodeInline(blob, kinds);
  const { bytes, encoded } = blob.c === undefined
    ? await getPlain(store(), id, signal, maxBytes)
    : await compressedIn(store()).get(id, signal, maxBytes);
  onStored?.({ raw: bytes.length, encoded });
  return bytes;
}

async function getPlain(
  store: ObjectStore,
  id: string,
  signal: AbortSignal | undefined,
  maxBytes: number | undefined,
): Promise<{ bytes: Uint8Array; encoded: number }> {
  const bytes = await store.get(id, signal, maxBytes);
  return { bytes, encoded: bytes.length };
}

/**
 * Writes a blob into a new file, which only its owner can read and write until the caller changes
 * its mode. After an error an incomplete file may remain.
 *
 * @param blob The blob from the wire.
 * @param path The file to create.
 * @param store Returns the store; called only if the blob is an object.
 * @param options Kinds of content, signal and spans.
 * @throws As {@linkcode decodeBlob}, and what the file system throws.
 */
export async function decodeBlobToFile(
  blob: Blob,
  path: string,
  store: () => ObjectStore,
  options: DecodeOptions = {},
): Promise<void> {
  const { signal, kinds = ownFeatures.contents, spans, onStored } = options;
  if (blob.r === undefined) {
    using _write = spans?.span("write");
    const pieces = isHeld(blob, kinds) ? undefined : novelKindOf(blob, kinds)?.decodePieces?.(blob);
    if (pieces) await writePieces(path, pieces, signal);
    else await writeNew(path, await decodeInline(blob, kinds));
    return;
  }
  using _download = spans?.span("download");
  if (blob.c !== undefined) {
    const sizes = await compressedIn(store()).getFile(blob.r, path, signal);
    onStored?.(sizes);
    return;
  }
  await store().getFile(blob.r, path, signal);
  if (onStored) {
    const { size } = await stat(path);
    onStored({ raw: size, encoded: size });
  }
}

async function writePieces(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  using file = await open(path, { write: true, createNew: true, mode: unfinishedMode });
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    await writeToFile(file, piece);
  }
}

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

function decodeInline(
  blob: Blob,
  kinds: readonly ContentKind[] = ownFeatures.contents,
): Uint8Array | Promise<Uint8Array> {
  // Before `e`, which is for readers that do not know the kind.
  const kind = novelKindOf(blob, kinds);
  if (kind) return kind.decode(blob);
  if (blob.e !== undefined) throw new LlamaError("protocol", blob.e);
  if (blob.s !== undefined) return Buffer.from(blob.s);
  if (blob.b === undefined) return new Uint8Array();
  const bytes = decodeBase64(blob.b);
  if (bytes) return bytes;
  throw new LlamaError("protocol", 'a blob\'s "b" is not base64');
}

function readSource({ path, size, isFile }: FileSource): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(path, isFile ? size : undefined);
}

async function reading<T>(
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

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

const nothing = new Uint8Array();

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns bytes as text; undefined if they are not UTF-8. */
function utf8(bytes: Uint8Array): string | undefined {
  // An error of a fatal decoder would cost more than all else that is done with a small file.
  return isUtf8(bytes) ? decoder.decode(bytes) : undefined;
}
