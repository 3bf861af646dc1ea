/**
 * Encodes bytes as blobs and decodes them: inline or through the store.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError } from "../errors.ts";
import { type ContentKind, ownFeatures, type Sizes } from "../features.ts";
import { type Blob, maxMessageBytes, maxPayloadBytes } from "../protocol.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { stat, writeNew } from "../files/quick.ts";
import { decodeBase64 } from "../text/base64.ts";
import {
  blobConcurrency,
  type EncodeBlobsOptions,
  type Inline,
  inlineBlob,
  inlineOrder,
  isHeld,
  novelKindOf,
  readBlob,
  reading,
  sizeOf,
} from "./inline.ts";
import type { BlobSource } from "./source.ts";
import { compressedIn, type ObjectStore } from "./store.ts";
import type { Spans } from "../spans.ts";

export type { EncodeBlobsOptions, NovelContents } from "./inline.ts";
export { blobConcurrency, inlineBlob, inlineOrder, isHeld, novelKindOf, sizeOf } from "./inline.ts";
export type { BlobSource, FileSource } from "./source.ts";

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
  const inline = mayBeCompact(sources, options)
    ? await (await import("./compact.ts")).encodeCompact(sources, budget, options)
    : await encodePlain(sources, budget, options);
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

/** Reports whether a kind of content may make a blob smaller. */
function mayBeCompact(sources: readonly BlobSource[], { novel }: EncodeBlobsOptions): boolean {
  return novel?.kinds.some(({ minBytes = 0 }) =>
    sources.some((source) => sizeOf(source) >= minBytes)
  ) ?? false;
}

/** Inlines the sources that may fit as they are. */
async function encodePlain(
  sources: readonly BlobSource[],
  budgetBytes: number,
  { store, reservedBytes = 0, signal }: EncodeBlobsOptions,
): Promise<Inline[]> {
  // Inlining takes at least as many bytes as the source has, so sizes alone rule out many sources
  // before any is read.
  const options = { hasStore: store !== undefined, reservedBytes, budgetBytes };
  const small = inlineOrder(sources.map(sizeOf), options).filter(({ fitsPlain }) => fitsPlain);
  return await mapConcurrently(small, blobConcurrency, async ({ index }) => {
    const bytes = await readBlob(sources[index] ?? nothing, signal);
    return { index, bytes, ...inlineBlob(bytes) };
  }, signal);
}

/** Stores contents, in a form that the reader can read. */
async function storeBlob(
  store: ObjectStore,
  source: BlobSource,
  options: EncodeBlobsOptions,
): Promise<Blob> {
  const { novel, signal, spans, onStored } = options;
  if (store.compressed && novel?.kinds.some(({ stored }) => stored)) {
    return await (await import("./compact.ts")).storeCompact(store.compressed, source, options);
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
    if (isHeld(blob, kinds)) await writeNew(path, await decodeInline(blob, kinds));
    else await (await import("./compact.ts")).writeCompact(blob, path, kinds, signal);
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

const nothing = new Uint8Array();
