/**
 * Compressed objects in any kind of store.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LlamaError } from "../errors.ts";
import type { Sizes } from "../features.ts";
import { joinBytes } from "../files/bytes.ts";
import { open, stat, unfinishedMode, writeToFile } from "../files/quick.ts";
import { maxRawBytes } from "../limits.ts";
import type { Spans } from "../spans.ts";
import { checkId, tooLarge, verify } from "./object_checks.ts";
import { keyOf, pack, type Packed } from "./pack.ts";
import type { BlobSource } from "./source.ts";
import type { CompressedObjects, ObjectStore, StoredObject } from "./store.ts";

/** What a kind of store does with compressed objects. */
export interface CompressedBytes {
  /**
   * Stores an object.
   *
   * @returns The object as it is in the store.
   */
  write(packed: Packed, signal?: AbortSignal, spans?: Spans): Promise<StoredObject>;

  /**
   * Reads an object.
   *
   * @param key The key below the store's prefix.
   * @returns The compressed bytes; each piece may be overwritten once the next is asked for.
   * @throws {LlamaError} `missing-object` if there is none, `store` if it could not be read.
   */
  read(key: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;

  /** Reports whether there is an object below a key. */
  has(key: string, signal?: AbortSignal): Promise<boolean>;

  /**
   * Returns an object that is known to be in the store, without reading the source.
   * @default {undefined}
   */
  known?(source: BlobSource): Promise<StoredObject | undefined>;

  /** Compresses an object. @default {`pack`} */
  pack?: typeof pack;
}

/** The compressed objects of a store, on top of what its kind can do. */
export class CompressedForm implements CompressedObjects {
  readonly #store: ObjectStore;
  readonly #bytes: CompressedBytes;

  /**
   * @param store The store, for objects that are stored as they are.
   * @param bytes Stores and reads compressed bytes.
   */
  constructor(store: ObjectStore, bytes: CompressedBytes) {
    this.#store = store;
    this.#bytes = bytes;
  }

  async put(source: BlobSource, signal?: AbortSignal, spans?: Spans): Promise<StoredObject> {
    const known = await this.#bytes.known?.(source);
    if (known) return known;
    using hash = spans?.span("hash");
    using packed = await (this.#bytes.pack ?? pack)(source, signal);
    hash?.[Symbol.dispose]();
    if (packed) return await this.#bytes.write(packed, signal, spans);
    const [id, size] = source instanceof Uint8Array
      ? [await this.#store.put(source, signal, spans), source.length]
      : [await this.#store.putFile(source.path, signal, spans), source.size];
    return { id, form: undefined, raw: size, encoded: size };
  }

  async get(
    id: string,
    signal?: AbortSignal,
    maxBytes: number = Infinity,
  ): Promise<{ bytes: Uint8Array; encoded: number }> {
    const pieces: Uint8Array[] = [];
    const sizes = await this.#read(id, signal, (piece, size) => {
      if (size > maxBytes) throw tooLarge(id, size, maxBytes);
      // The pieces are not reused.
      pieces.push(piece);
    });
    if (sizes) return { bytes: joinBytes(pieces), encoded: sizes.encoded };
    const bytes = await this.#store.get(id, signal, maxBytes);
    return { bytes, encoded: bytes.length };
  }

  async getFile(id: string, path: string, signal?: AbortSignal): Promise<Sizes> {
    let file: Deno.FsFile | undefined;
    try {
      const sizes = await this.#read(id, signal, async (piece) => {
        // Not before there is an object: its other form is written into a new file, too.
        file ??= await open(path, { write: true, createNew: true, mode: unfinishedMode });
        await writeToFile(file, piece);
      });
      if (sizes) return sizes;
    } finally {
      file?.close();
    }
    await this.#store.getFile(id, path, signal);
    const { size } = await stat(path);
    return { raw: size, encoded: size };
  }

  async has(id: string, signal?: AbortSignal): Promise<boolean> {
    checkId(id);
    return await this.#bytes.has(keyOf(id, "zst"), signal) || await this.#store.has(id, signal);
  }

  /**
   * Reads and verifies a compressed object.
   *
   * @param write Receives each piece, and how much there is with it.
   * @returns The sizes; undefined if the store has no such object.
   */
  async #read(
    id: string,
    signal: AbortSignal | undefined,
    write: (piece: Uint8Array, size: number) => Promise<void> | void,
  ): Promise<Sizes | undefined> {
    checkId(id);
    const { decompressPieces } = await import("../compression/zstd.ts");
    const key = keyOf(id, "zst");
    const hash = createHash("sha256");
    const sizes = { raw: 0, encoded: 0 };
    const counted = async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        sizes.encoded += piece.length;
        yield piece;
      }
    };
    const stored = counted(this.#bytes.read(key, signal));
    try {
      for await (const piece of decompressPieces(stored, maxRawBytes, { isMaximum: true })) {
        signal?.throwIfAborted();
        hash.update(piece);
        sizes.raw += piece.length;
        await write(piece, sizes.raw);
      }
    } catch (cause) {
      if (!(cause instanceof LlamaError)) throw cause;
      // One that is removed during its download is missing: some of it has been written.
      if (cause.code === "missing-object" && sizes.encoded === 0) return undefined;
      if (cause.code !== "protocol") throw cause;
      const { url } = this.#store;
      throw new LlamaError("store", `object ${key} in ${url} is damaged: ${cause.message}`, {
        cause,
        hint: "remove the object from the store and run again",
      });
    }
    verify(this.#store.url, id, hash.digest("hex"), key);
    return sizes;
  }
}
