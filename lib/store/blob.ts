/**
 * Encodes bytes as blobs and decodes them: inline or through the store.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError } from "../errors.ts";
import { type ContentKind, ownFeatures } from "../features.ts";
import { type Blob, maxMessageBytes, maxPayloadBytes } from "../protocol.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { writeNew } from "../files/quick.ts";
import { decodeBase64 } from "../text/base64.ts";
import {
  blobConcurrency,
  type DecodeOptions,
  type EncodeBlobsOptions,
  type Inline,
  inlineBlob,
  inlineOrder,
  isHeld,
  novelKindOf,
  readBlob,
  sizeOf,
} from "./inline.ts";
import type { BlobSource } from "./source.ts";
import type { ObjectStore } from "./store.ts";

export type { DecodeOptions, EncodeBlobsOptions, NovelContents } from "./inline.ts";
export { blobConcurrency, inlineBlob, inlineOrder, isHeld, novelKindOf, sizeOf } from "./inline.ts";
export type { BlobSource, FileSource } from "./source.ts";

/** Loads on demand what most jobs do not need. */
async function loadStored(signal: AbortSignal | undefined) {
  const stored = await import("./stored.ts");
  // Stores may listen to the signal alone, and it may have been aborted meanwhile.
  signal?.throwIfAborted();
  return stored;
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
  const inline = mayBeCompact(sources, options)
    ? await (await import("./compact.ts")).encodeCompact(sources, budget, options)
    : await encodePlain(sources, budget, options);
  let total = inline.reduce((sum, { cost }) => sum + cost, reservedBytes);
  if (!store && (inline.length < sources.length || total > budget)) {
    throw (await loadStored(signal)).needsStore(sources);
  }
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
    if (blob || !store) return blob ?? {};
    const { storeBlob } = await loadStored(signal);
    return await storeBlob(store, read.get(index) ?? source, options);
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
  if (blob.r === undefined) return await decodeInline(blob, options.kinds);
  const { readStored } = await loadStored(options.signal);
  return await readStored(store(), { ...blob, r: blob.r }, options);
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
  if (blob.r !== undefined) {
    const { writeStored } = await loadStored(options.signal);
    return await writeStored(store(), { ...blob, r: blob.r }, path, options);
  }
  const { signal, kinds = ownFeatures.contents, spans } = options;
  using _write = spans?.span("write");
  if (isHeld(blob, kinds)) await writeNew(path, await decodeInline(blob, kinds));
  else await (await import("./compact.ts")).writeCompact(blob, path, kinds, signal);
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
