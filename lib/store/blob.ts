/**
 * Encodes bytes as blobs and decodes them: inline or through the store.
 *
 * @module
 */

import { Buffer, isUtf8 } from "node:buffer";
import { LlamaError, reasonOf } from "../errors.ts";
import { type ContentKind, type FileKind, ownFeatures } from "../features.ts";
import { type Blob, maxInlineBytes, maxMessageBytes, maxPayloadBytes } from "../protocol.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { readFile, writeNew } from "../files/quick.ts";
import type { ObjectStore } from "./store.ts";
import type { Spans } from "../spans.ts";

/** A file to send, with its size when it was found. */
export interface FileSource {
  /** Its path on this machine. */
  path: string;
  /** Its size in bytes. */
  size: number;
  /** Whether it is a regular file. @default {looked up} */
  isFile?: boolean | undefined;
}

/** The contents of a blob. */
export type BlobSource = Uint8Array | FileSource;

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
}

/** Kinds of content beyond the wire of December 2020. */
export interface NovelContents {
  /** The kinds, all of which the reader accepts. */
  readonly kinds: readonly ContentKind[];
  /** The kinds of file that the reader accepts. @default {[]} */
  readonly files?: readonly FileKind[];
  /** `e` of their blobs: the message of a reader that turns out not to know them. */
  readonly refusal: string;
}

/** The concurrency of uploads and downloads of one message. */
export const blobConcurrency = 8;

/**
 * Encodes the blobs of one message: inline up to 256 KiB each while the message stays under 1 MiB,
 * the rest through the store, the largest first. Without a store all are inlined.
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
  const { store, reservedBytes = 0, signal, spans } = options;
  const budget = store ? options.budgetBytes ?? maxMessageBytes : maxPayloadBytes;
  const sizes = sources.map(sizeOf);
  // Inlining takes at least as many bytes as the source has, so sizes alone rule out many sources
  // before any is read.
  const order = sources.keys().toArray().toSorted((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0));
  let raw = reservedBytes;
  const small = order.filter((index) => {
    const size = sizes[index] ?? 0;
    raw += size;
    return store ? size <= maxInlineBytes && raw < budget : raw <= budget;
  });
  const inline = await mapConcurrently(small, blobConcurrency, async (index) => {
    const source = sources[index] ?? nothing;
    const bytes = source instanceof Uint8Array ? source : await reading(source, readSource, signal);
    const novel = options.novel && await encodeNovel(bytes, options.novel);
    const plain = inlineBlob(bytes);
    return { index, bytes, ...novel && novel.cost < plain.cost ? novel : plain };
  }, signal);
  let total = inline.reduce((sum, { cost }) => sum + cost, reservedBytes);
  if (!store && (inline.length < sources.length || total > budget)) {
    throw new LlamaError(
      "too-large",
      `${sizes.reduce((sum, size) => sum + size, 0)} bytes do not fit into one Lambda ` +
        `payload (${maxPayloadBytes} bytes), and there is no object store`,
      { hint: "set LLAMA_OBJECT_STORE or -store to s3://BUCKET/PREFIX/" },
    );
  }
  inline.sort((a, b) => a.cost - b.cost);
  const read = new Map<number, Uint8Array>();
  while (store && total >= budget) {
    const largest = inline.pop();
    if (!largest) break;
    total -= largest.cost;
    read.set(largest.index, largest.bytes);
  }
  const blobs = new Map(inline.map(({ index, blob }) => [index, blob]));
  return await mapConcurrently(sources, blobConcurrency, async (source, index) => {
    const blob = blobs.get(index);
    if (blob || !store) return blob ?? {};
    const bytes = read.get(index) ?? source;
    return {
      r: bytes instanceof Uint8Array
        ? await store.put(bytes, signal, spans)
        : await reading(bytes, ({ path }) => store.putFile(path, signal, spans), signal),
    };
  }, signal);
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
  { kinds, refusal }: NovelContents,
): Promise<{ blob: Blob; cost: number } | undefined> {
  let shortest: { blob: Blob; cost: number } | undefined;
  for (const kind of kinds) {
    const content = await kind.encode(bytes);
    if (content === undefined) continue;
    const blob = { ...content, e: refusal };
    const cost = Buffer.byteLength(JSON.stringify(blob));
    if (shortest === undefined || cost < shortest.cost) shortest = { blob, cost };
  }
  return shortest;
}

/**
 * Decodes a blob.
 *
 * @param blob The blob from the wire.
 * @param store Returns the store; called only if the blob is an object.
 * @param signal Ends the work early.
 * @param kinds The known kinds of content beyond those of December 2020.
 * @returns Its bytes.
 * @throws {LlamaError} `protocol` if it has no bytes (`e`) or its base64 is invalid; as the
 * store's `get`.
 */
export async function decodeBlob(
  blob: Blob,
  store: () => ObjectStore,
  signal?: AbortSignal,
  kinds?: readonly ContentKind[],
): Promise<Uint8Array> {
  return blob.r === undefined ? await decodeInline(blob, kinds) : await store().get(blob.r, signal);
}

/**
 * Writes a blob into a new file, which only its owner can read and write until the caller changes
 * its mode. After an error an incomplete file may remain.
 *
 * @param blob The blob from the wire.
 * @param path The file to create.
 * @param store Returns the store; called only if the blob is an object.
 * @param signal Ends the work early.
 * @param spans Receives a span `write`, or `download` if the store is used.
 * @param kinds The known kinds of content beyond those of December 2020.
 * @throws As {@linkcode decodeBlob}, and what the file system throws.
 */
export async function decodeBlobToFile(
  blob: Blob,
  path: string,
  store: () => ObjectStore,
  signal?: AbortSignal,
  spans?: Spans,
  kinds?: readonly ContentKind[],
): Promise<void> {
  if (blob.r === undefined) {
    using _write = spans?.span("write");
    await writeNew(path, await decodeInline(blob, kinds));
  } else {
    using _download = spans?.span("download");
    await store().getFile(blob.r, path, signal);
  }
}

/** Returns the kind of a blob beyond the wire of December 2020; undefined if it has none. */
export function novelKindOf<Kind extends Pick<ContentKind, "keys">>(
  blob: Readonly<Record<string, unknown>>,
  kinds: readonly Kind[],
): Kind | undefined {
  return kinds.find(({ keys: [key] }) => blob[key] !== undefined);
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
  const bytes = Buffer.from(blob.b, "base64");
  // Buffer skips invalid characters; then there are fewer bytes than the length implies.
  const padding = blob.b.endsWith("==") ? 2 : blob.b.endsWith("=") ? 1 : 0;
  if (blob.b.length % 4 !== 0 || bytes.length !== (blob.b.length / 4) * 3 - padding) {
    throw new LlamaError("protocol", 'a blob\'s "b" is not base64');
  }
  return bytes;
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
