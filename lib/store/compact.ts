/**
 * Blobs in other forms than those of December 2020. This module is loaded on demand, since most jobs
 * have only small files.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { mapConcurrently } from "../async/concurrency.ts";
import type { ContentKind } from "../features.ts";
import { piecesOfFile } from "../files/pieces.ts";
import { open, unfinishedMode, writeToFile } from "../files/quick.ts";
import { maxRawBytes } from "../limits.ts";
import { type Blob, maxInlineBytes } from "../protocol.ts";
import {
  blobConcurrency,
  type EncodeBlobsOptions,
  type Inline,
  inlineBlob,
  inlineOrder,
  maxHeldBytes,
  type NovelContents,
  novelKindOf,
  readBlob,
  reading,
  sizeOf,
} from "./inline.ts";
import type { BlobSource, FileSource } from "./source.ts";

/** Files are not tried that would have to become smaller than this part of their size. */
const bestRatio = 64;

const nothing = new Uint8Array();

/**
 * Inlines sources in the form that takes the least room, the smallest sources first.
 *
 * @param sources The contents of the blobs.
 * @param budget The maximum size of the message.
 * @param options As for `encodeBlobs`, with kinds of content.
 * @returns The blobs of those that are small enough.
 */
export async function encodeCompact(
  sources: readonly BlobSource[],
  budget: number,
  { store, reservedBytes = 0, novel, signal }: EncodeBlobsOptions,
): Promise<Inline[]> {
  const sizes = sources.map(sizeOf);
  const mostRaw = novel?.kinds.some(({ sizes }) => sizes) ? novel.maxRawBytes ?? maxRawBytes : 0;
  let contents = 0;
  const hasStore = store !== undefined;
  const order = inlineOrder(sizes, { hasStore, reservedBytes, budgetBytes: budget });
  const maxCost = store ? Math.min(maxInlineBytes, budget) : budget;
  const candidates = order.filter(({ index, fitsPlain }) => {
    const size = sizes[index] ?? 0;
    contents += size;
    return fitsPlain || (contents <= mostRaw && size <= maxCost * bestRatio);
  });
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
  const bytes = await readBlob(source, signal);
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

/**
 * Writes a blob into a new file without holding its contents in memory.
 *
 * @param blob The blob.
 * @param path The file to create.
 * @param kinds The kinds of content, one of which is the blob's.
 * @param signal Ends the work early.
 */
export async function writeCompact(
  blob: Blob,
  path: string,
  kinds: readonly ContentKind[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const pieces = novelKindOf(blob, kinds)?.decodePieces?.(blob) ?? [];
  using file = await open(path, { write: true, createNew: true, mode: unfinishedMode });
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    await writeToFile(file, piece);
  }
}
