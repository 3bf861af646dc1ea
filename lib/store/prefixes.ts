/**
 * The parts of an object store, by what their keys begin with after the store's own prefix.
 *
 * | keys | what | functions may |
 * | --- | --- | --- |
 * | 64 hexadecimal digits, with or without `.zst` | objects | read and write |
 * | `act/` | kept results | do nothing |
 * | `code/` | zips of functions and layers | do nothing |
 * | `run/` | submitted runs | read requests, write answers |
 *
 * All of them expire after the store's lifetime, and `llama teardown` removes all of them.
 *
 * @module
 */

/** Keys of kept results, which the functions' role may neither read nor write. */
export const resultsPrefix = "act/";

/** Keys of zips of functions and layers, which the functions' role may neither read nor write. */
export const codePrefix = "code/";

/** Keys of submitted runs, of which functions read the requests and write the answers. */
export const runsPrefix = "run/";

/**
 * Whether a key is llama's own, so that `teardown` may delete it.
 *
 * @param key A key, without the store's prefix.
 * @returns True for an object and for everything below the other prefixes.
 */
export function isStoreKey(key: string): boolean {
  return /^[0-9a-f]{64}(\.zst)?$/.test(key) ||
    [resultsPrefix, codePrefix, runsPrefix].some((prefix) =>
      key.length > prefix.length && key.startsWith(prefix)
    );
}
