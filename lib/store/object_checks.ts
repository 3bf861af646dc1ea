/**
 * Checks of objects, and their errors, for all kinds of store.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";

/**
 * Refuses an invalid id: it may come from another program, and must not name anything else.
 *
 * @throws {LlamaError} `store`.
 */
export function checkId(id: string): void {
  if (/^[0-9a-f]{64}$/.test(id)) return;
  throw new LlamaError("store", `${JSON.stringify(id)} is not an object id`);
}

/** Returns the error for an object that is not in a store. */
export function missingObject(url: string, id: string): LlamaError {
  return new LlamaError("missing-object", `object ${id} is not in ${url}`, {
    hint: "the function's LLAMA_OBJECT_STORE must name the same store as yours",
  });
}

/** Returns the error for an object that exceeds its reader's limit. */
export function tooLarge(id: string, size: number, maxBytes: number): LlamaError {
  return new LlamaError(
    "too-large",
    `object ${id} has ${size} bytes, more than the limit of ${maxBytes}`,
  );
}

/**
 * Refuses bytes that do not match their id.
 *
 * @param url The store's URL.
 * @param id The object's id.
 * @param actual The SHA-256 of the bytes.
 * @param key The key of the object in the store. @default {the id}
 * @throws {LlamaError} `store` if the two differ.
 */
export function verify(
  url: string,
  id: string,
  actual: string | undefined,
  key: string = id,
): void {
  if (actual === id) return;
  throw new LlamaError("store", `object ${key} in ${url} is damaged: its SHA-256 is ${actual}`, {
    hint: "remove the object from the store and run again",
  });
}
