/**
 * Objects in S3 that were found before.
 *
 * @module
 */

import type { ListedObject, S3Object } from "./s3_files.ts";

/** The maximum number of objects remembered, which limits memory: more than the lines read ahead. */
const mostObjects = 20_000;

/** Remembers objects, so that each is looked up once. */
export class FoundObjects {
  readonly #objects = new Map<string, Promise<S3Object>>();

  /**
   * Returns an object.
   *
   * @param url Its URL.
   * @param look Looks it up, if it is not known.
   * @throws What `look` throws; the next call looks again.
   */
  find(url: string, look: () => Promise<S3Object>): Promise<S3Object> {
    const known = this.#objects.get(url);
    if (known) return known;
    const found = look();
    found.catch(() => this.#objects.delete(url));
    this.#keep(url, found);
    return found;
  }

  /** Adds the objects of a listing. */
  add(objects: readonly ListedObject[]): void {
    for (const { url, ...object } of objects) this.#keep(url, Promise.resolve(object));
  }

  #keep(url: string, object: Promise<S3Object>): void {
    this.#objects.set(url, object);
    if (this.#objects.size <= mostObjects) return;
    const [oldest] = this.#objects.keys();
    if (oldest !== undefined) this.#objects.delete(oldest);
  }
}
