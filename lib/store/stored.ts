/**
 * Blobs that are objects of a store. This module is loaded on demand, since most jobs have only small
 * files.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { stat } from "../files/quick.ts";
import { type Blob, maxPayloadBytes } from "../protocol.ts";
import { type DecodeOptions, type EncodeBlobsOptions, reading, sizeOf } from "./inline.ts";
import type { BlobSource } from "./source.ts";
import { compressedIn, type ObjectStore } from "./store.ts";

/** A blob that refers to an object. */
type Reference = Blob & { readonly r: string };

/**
 * Stores contents, in a form that the reader can read.
 *
 * @param store The store.
 * @param source The contents.
 * @param options As for `encodeBlobs`.
 * @returns A blob that refers to the object.
 */
export async function storeBlob(
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

/** Returns the error for contents that fit into no message, where there is no store. */
export function needsStore(sources: readonly BlobSource[]): LlamaError {
  const size = sources.reduce((sum, source) => sum + sizeOf(source), 0);
  return new LlamaError(
    "too-large",
    `${size} bytes do not fit into one Lambda ` +
      `payload (${maxPayloadBytes} bytes), and there is no object store`,
    { hint: "set LLAMA_OBJECT_STORE or -store to s3://BUCKET/PREFIX/" },
  );
}

/**
 * Reads the object of a blob.
 *
 * @param store The store.
 * @param blob The blob.
 * @param options As for `decodeBlob`.
 * @returns Its bytes.
 * @throws {LlamaError} As the store's `get`.
 */
export async function readStored(
  store: ObjectStore,
  { r: id, c: form }: Reference,
  { signal, maxBytes, onStored }: DecodeOptions,
): Promise<Uint8Array> {
  if (form !== undefined) {
    const { bytes, encoded } = await compressedIn(store).get(id, signal, maxBytes);
    onStored?.({ raw: bytes.length, encoded });
    return bytes;
  }
  const bytes = await store.get(id, signal, maxBytes);
  onStored?.({ raw: bytes.length, encoded: bytes.length });
  return bytes;
}

/**
 * Writes the object of a blob into a new file.
 *
 * @param store The store.
 * @param blob The blob.
 * @param path The file to create.
 * @param options As for `decodeBlobToFile`.
 * @throws {LlamaError} As the store's `getFile`.
 */
export async function writeStored(
  store: ObjectStore,
  { r: id, c: form }: Reference,
  path: string,
  { signal, spans, onStored }: DecodeOptions,
): Promise<void> {
  using _download = spans?.span("download");
  if (form !== undefined) {
    const sizes = await compressedIn(store).getFile(id, path, signal);
    onStored?.(sizes);
    return;
  }
  await store.getFile(id, path, signal);
  if (onStored) {
    const { size } = await stat(path);
    onStored({ raw: size, encoded: size });
  }
}
