/**
 * The object store: bytes, named by their SHA-256.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import type { Sizes, StoredForm } from "../features.ts";
import type { Spans } from "../spans.ts";
import type { BlobSource } from "./source.ts";

/** The kept results of a store, which functions can neither read nor write. */
export interface KeptResults {
  /** How long they are kept, in milliseconds; infinite if they never expire. */
  readonly lifetimeMilliseconds: number;

  /**
   * Reads a kept result.
   *
   * @param key Its key: 64 lower-case hexadecimal digits.
   * @param maxBytes The maximum size.
   * @param signal Ends the work early.
   * @returns Its bytes, which anyone with access to the store may have written; undefined if there
   * is none.
   * @throws {LlamaError} `too-large` if it has more than `maxBytes`; `store` and others if it could
   * not be read.
   */
  read(key: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | undefined>;

  /**
   * Writes a kept result, whole or not at all. An existing one is replaced.
   *
   * @param key Its key.
   * @param bytes Its bytes.
   * @param signal Ends the work early.
   * @throws {LlamaError} `store` and others if it was not written.
   */
  write(key: string, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<void>;
}

/**
 * A store of blobs that are too big for a message. Objects never change. Dispose of a store when
 * done: it may hold connections.
 */
export interface ObjectStore extends Disposable {
  /** The store's URL, as in `LLAMA_OBJECT_STORE`. */
  readonly url: string;
  /** Kept results; absent where the functions could write them. */
  readonly kept?: KeptResults | undefined;

  /**
   * Stores bytes.
   *
   * @param bytes The object.
   * @param signal Ends the work early.
   * @param spans Gets the spans `hash` and `upload`.
   * @returns The object's id: the lower-case hexadecimal SHA-256 of its bytes.
   * @throws {LlamaError} `store` and others: the object was not stored.
   */
  put(bytes: Uint8Array, signal?: AbortSignal, spans?: Spans): Promise<string>;

  /**
   * Stores the contents of a file.
   *
   * @param path A regular file.
   * @param signal Ends the work early.
   * @param spans Gets the spans `hash` and `upload`.
   * @returns The object's id.
   * @throws {LlamaError} `store` and others: the object was not stored.
   * @throws {Deno.errors.NotFound} And other errors of the file system, if the file cannot be read.
   */
  putFile(path: string, signal?: AbortSignal, spans?: Spans): Promise<string>;

  /**
   * Reads an object and verifies it against its id.
   *
   * @param id The object's id.
   * @param signal Ends the work early.
   * @param maxBytes The maximum size of the object. @default {as much as fits into memory}
   * @returns The object's bytes.
   * @throws {LlamaError} `missing-object` if it is not in the store, `too-large` if it has more
   * than `maxBytes`, `store` if it could not be read or is damaged.
   */
  get(id: string, signal?: AbortSignal, maxBytes?: number): Promise<Uint8Array>;

  /**
   * Reads an object into a new file, which only its owner can read, and verifies it against its id.
   * After an error an incomplete file may remain: pass a temporary name (`writeWhole`).
   *
   * @param id The object's id.
   * @param path The file to create.
   * @param signal Ends the work early.
   * @throws {LlamaError} As `get`.
   */
  getFile(id: string, path: string, signal?: AbortSignal): Promise<void>;

  /**
   * Reports whether the store has an object.
   *
   * @param id The object's id.
   * @param signal Ends the work early.
   * @returns True if it does.
   */
  has(id: string, signal?: AbortSignal): Promise<boolean>;

  /**
   * Reports whether the store is known to have the contents of a file, without asking it.
   *
   * @param path A regular file.
   * @returns False also if it is not known.
   */
  knowsFile?(path: string): Promise<boolean>;

  /**
   * Forgets that an object is in the store, since a reader did not find it: the next `put` sends it
   * again unless it exists.
   *
   * @param id The object's id.
   */
  forget(id: string): void;

  /**
   * Returns the failure behind the store's latest retry, if the store retries by itself.
   *
   * @param since The earliest time of interest, as returned by `performance.now()`.
   * @returns The error that was retried; undefined if there was no retry since then.
   */
  lastRetry?(since: number): Promise<LlamaError | undefined>;

  /** The store's compressed objects. @default {it has none} */
  readonly compressed?: CompressedObjects | undefined;
}

/** An object as it was stored. */
export interface StoredObject extends Sizes {
  /** The object's id: the lower-case hexadecimal SHA-256 of its decompressed bytes. */
  readonly id: string;
  /** Its form; undefined if its bytes are stored as they are. */
  readonly form: StoredForm | undefined;
}

/**
 * Objects in the form `zst`: one zstd frame, below the key `ID.zst`. An object may be in the store in
 * both forms.
 */
export interface CompressedObjects {
  /**
   * Stores bytes, compressed if they are neither small nor big and that saves a quarter of them.
   *
   * @param source The bytes, or a regular file.
   * @param signal Ends the work early.
   * @param spans Gets the spans `hash` and `upload`.
   * @returns The object, in the form in which it is in the store.
   * @throws As `put` and `putFile`.
   */
  put(source: BlobSource, signal?: AbortSignal, spans?: Spans): Promise<StoredObject>;

  /**
   * Reads an object that is in the store in either form, as `get`.
   *
   * @returns The object's bytes, and how many were read from the store.
   */
  get(
    id: string,
    signal?: AbortSignal,
    maxBytes?: number,
  ): Promise<{ bytes: Uint8Array; encoded: number }>;

  /**
   * Reads an object that is in the store in either form into a new file, as `getFile`.
   *
   * @returns The size of the file, and how many bytes were read from the store.
   */
  getFile(id: string, path: string, signal?: AbortSignal): Promise<Sizes>;

  /** Reports whether the store has an object in either form. */
  has(id: string, signal?: AbortSignal): Promise<boolean>;
}

/**
 * Returns a store's compressed objects.
 *
 * @throws {LlamaError} `store` if it has none.
 */
export function compressedIn({ compressed, url }: ObjectStore): CompressedObjects {
  if (compressed) return compressed;
  throw new LlamaError("store", `${url} is a kind of store without compressed objects`);
}
