/**
 * Objects in S3 that were found before.
 *
 * @module
 */

import type { S3Object } from "./s3_files.ts";

/** The maximum number of objects remembered, which limits memory: more than the lines read ahead. */
const mostObjects = 20_000;

/** Remembers objects, so that each is looked up once. */
export class FoundObjects<T extends S3Object = S3Object> {
  readonly #objects = new Map<string, Promise<T>>();

  /**
   * Returns an object.
   *
   * @param url Its URL.
   * @param look Looks it up, if it is not known.
   * @throws What `look` throws; the next call looks again.
   */
  find(url: string, look: () => Promise<T>): Promise<T> {
    const known = this.#objects.get(url);
    if (known) return known;
    const found = look();
    found.catch(() => this.#objects.delete(url));
    this.#keep(url, found);
    return found;
  }

  /**
   * Remembers an object as it is now.
   *
   * @param url Its URL.
   */
  add(url: string, object: T): void {
    this.#keep(url, Promise.resolve(object));
  }

  #keep(url: string, object: Promise<T>): void {
    this.#objects.set(url, object);
    if (this.#objects.size <= mostObjects) return;
    const [oldest] = this.#objects.keys();
    if (oldest !== undefined) this.#objects.delete(oldest);
  }
}
