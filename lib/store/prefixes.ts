/**
 * The parts of an object store, by the prefix of their keys after the store's own prefix.
 *
 * | keys | contents | functions may |
 * | --- | --- | --- |
 * | 64 hexadecimal digits, with or without `.zst` | objects | read and write |
 * | `act/` | kept results | do nothing |
 * | `code/` | zips of functions and layers | do nothing |
 * | `run/` | submitted runs | read requests, write responses |
 *
 * All of them expire after the store's lifetime, and `llama teardown` removes all of them.
 *
 * @module
 */

/** The prefix of kept results, which the functions' role may neither read nor write. */
export const resultsPrefix = "act/";

/** The prefix of function and layer zips, which the functions' role may neither read nor write. */
export const codePrefix = "code/";

/** The prefix of submitted runs, whose requests functions read and whose responses they write. */
export const runsPrefix = "run/";

/**
 * Reports whether a key is llama's own, so that `teardown` may delete it.
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
