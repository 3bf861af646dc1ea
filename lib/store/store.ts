/**
 * The object store: bytes under the SHA-256 of themselves.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import type { Spans } from "../spans.ts";

/**
 * Where blobs lie that are too big for a message. An object never changes once it is there. Dispose
 * of a store when done: it may hold connections.
 */
export interface ObjectStore extends Disposable {
  /** The store's URL, as `LLAMA_OBJECT_STORE` has it. */
  readonly url: string;

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
   * Stores what a file holds.
   *
   * @param path A regular file.
   * @param signal Ends the work early.
   * @param spans Gets the spans `hash` and `upload`.
   * @returns The object's id.
   * @throws {LlamaError} `store` and others: the object was not stored.
   * @throws {Deno.errors.NotFound} And the like, where the file cannot be read.
   */
  putFile(path: string, signal?: AbortSignal, spans?: Spans): Promise<string>;

  /**
   * Reads an object, and checks that it is what its id says.
   *
   * @param id The object's id.
   * @param signal Ends the work early.
   * @param maxBytes The most bytes that the object may have. @default {as many as fit into memory}
   * @returns The object's bytes.
   * @throws {LlamaError} `missing-object` if it is not there, `too-large` if it has more than
   * `maxBytes`, `store` if it could not be read or is something else.
   */
  get(id: string, signal?: AbortSignal, maxBytes?: number): Promise<Uint8Array>;

  /**
   * Reads an object into a new file, which only its owner may read, and checks that it is what its
   * id says. After an error the file may be there in part: give a temporary name (`writeWhole`).
   *
   * @param id The object's id.
   * @param path The file to make.
   * @param signal Ends the work early.
   * @throws {LlamaError} As `get`.
   */
  getFile(id: string, path: string, signal?: AbortSignal): Promise<void>;

  /**
   * Whether an object is there.
   *
   * @param id The object's id.
   * @param signal Ends the work early.
   * @returns True if it is.
   */
  has(id: string, signal?: AbortSignal): Promise<boolean>;

  /**
   * Takes back what the store knows of an object, since somebody did not find it there: the next
   * `put` sends it again unless it is there.
   *
   * @param id The object's id.
   */
  forget(id: string): void;
}

/**
 * Refuses an id that is none: it may come from another program, and must not name anything else.
 *
 * @param id What should be an object's id.
 * @throws {LlamaError} `store`.
 */
export function checkId(id: string): void {
  if (/^[0-9a-f]{64}$/.test(id)) return;
  throw new LlamaError("store", `${JSON.stringify(id)} is not an object id`);
}

/**
 * The error for an object that is not in a store.
 *
 * @param url The store's URL.
 * @param id The object's id.
 * @returns An error to throw.
 */
export function missingObject(url: string, id: string): LlamaError {
  return new LlamaError("missing-object", `object ${id} is not in ${url}`, {
    hint: "the function's LLAMA_OBJECT_STORE must name the same store as yours",
  });
}

/**
 * The error for an object that is more than its reader takes.
 *
 * @param id The object's id.
 * @param size How many bytes it has.
 * @param maxBytes How many it may have.
 * @returns An error to throw.
 */
export function tooLarge(id: string, size: number, maxBytes: number): LlamaError {
  return new LlamaError(
    "too-large",
    `object ${id} has ${size} bytes, more than the limit of ${maxBytes}`,
  );
}

/**
 * Refuses bytes that are not what their id says.
 *
 * @param url The store's URL.
 * @param id The id that was asked for.
 * @param actual The SHA-256 of what came.
 * @throws {LlamaError} `store` if the two differ.
 */
export function verify(url: string, id: string, actual: string): void {
  if (actual === id) return;
  throw new LlamaError("store", `object ${id} in ${url} is damaged: its SHA-256 is ${actual}`, {
    hint: "remove the object from the store and run again",
  });
}
