/**
 * The outputs that the jobs of a run write.
 *
 * @module
 */

import { Fingerprint } from "./log/fingerprint.ts";

/** The numbers of an entry: the two halves of a hash, and the job's number from 1, or 0 if it is free. */
const width = 3;

/** The number of entries in the beginning, a power of 2. */
const leastEntries = 64;

/**
 * Remembers which job writes which output, in 24 to 48 bytes per output.
 *
 * Paths are known by 64-bit hashes: of a million outputs, two different ones have the same with a
 * probability of 1 in 37 million, and then the second is taken for the first.
 */
export class ClaimedOutputs {
  #entries = new Uint32Array(width * leastEntries);
  #count = 0;

  /**
   * Returns the job that writes an output.
   *
   * @param path The output's absolute path or URL.
   * @returns Its number, from 0; undefined if there is none.
   */
  ownerOf(path: string): number | undefined {
    const at = this.#find(...hashOf(path));
    const owner = this.#entries[at + 2] ?? 0;
    return owner === 0 ? undefined : owner - 1;
  }

  /**
   * Adds an output that nobody writes yet.
   *
   * @param path The output's absolute path or URL.
   * @param owner The number of the job that writes it, from 0.
   */
  add(path: string, owner: number): void {
    // Half of the entries stay free, so that searches are short.
    if (2 * width * this.#count >= this.#entries.length) this.#grow();
    this.#set(...hashOf(path), owner + 1);
    this.#count++;
  }

  #grow(): void {
    const before = this.#entries;
    this.#entries = new Uint32Array(2 * before.length);
    for (let at = 0; at < before.length; at += width) {
      const [first = 0, second = 0, owner = 0] = before.subarray(at, at + width);
      if (owner !== 0) this.#set(first, second, owner);
    }
  }

  #set(first: number, second: number, owner: number): void {
    this.#entries.set([first, second, owner], this.#find(first, second));
  }

  /** Returns the position of a hash's entry, or of the free one that it would get. */
  #find(first: number, second: number): number {
    const entries = this.#entries;
    // The length is three times a power of 2.
    const mask = entries.length / width - 1;
    for (let slot = first & mask;; slot = slot + 1 & mask) {
      const at = width * slot;
      const isFree = entries[at + 2] === 0;
      if (isFree || (entries[at] === first && entries[at + 1] === second)) return at;
    }
  }
}

function hashOf(path: string): readonly [number, number] {
  const hash = new Fingerprint();
  hash.text(path);
  return hash.halves();
}
