/**
 * A store that is opened on first use.
 *
 * @module
 */

import type { LlamaError } from "../errors.ts";
import { compressedIn, type CompressedObjects, type ObjectStore } from "./store.ts";

/**
 * Opens a store, and loads its code, when something is first read or written: most jobs in Lambda
 * have only small files, which are inline. If the store cannot be opened, each use of it fails.
 */
export class LazyStore implements ObjectStore {
  readonly url: string;
  readonly compressed: CompressedObjects = {
    put: async (...args) => await (await this.#compressed()).put(...args),
    get: async (...args) => await (await this.#compressed()).get(...args),
    getFile: async (...args) => await (await this.#compressed()).getFile(...args),
    has: async (...args) => await (await this.#compressed()).has(...args),
  };
  readonly #open: () => Promise<ObjectStore>;
  #opened: Promise<ObjectStore> | undefined;

  /**
   * @param url The store's URL.
   * @param open Opens it; called once.
   */
  constructor(url: string, open: () => Promise<ObjectStore>) {
    this.url = url;
    this.#open = open;
  }

  async put(bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
    return await (await this.#store()).put(bytes, signal);
  }

  async putFile(path: string, signal?: AbortSignal): Promise<string> {
    return await (await this.#store()).putFile(path, signal);
  }

  async get(id: string, signal?: AbortSignal, maxBytes?: number): Promise<Uint8Array> {
    return await (await this.#store()).get(id, signal, maxBytes);
  }

  async getFile(id: string, path: string, signal?: AbortSignal): Promise<void> {
    await (await this.#store()).getFile(id, path, signal);
  }

  async has(id: string, signal?: AbortSignal): Promise<boolean> {
    return await (await this.#store()).has(id, signal);
  }

  async lastRetry(since: number): Promise<LlamaError | undefined> {
    return await (await this.#store()).lastRetry?.(since);
  }

  forget(id: string): void {
    this.#ifOpened((store) => store.forget(id));
  }

  [Symbol.dispose](): void {
    this.#ifOpened((store) => store[Symbol.dispose]());
  }

  async #compressed(): Promise<CompressedObjects> {
    return compressedIn(await this.#store());
  }

  #store(): Promise<ObjectStore> {
    return this.#opened ??= this.#open();
  }

  #ifOpened(use: (store: ObjectStore) => void): void {
    // A failure to open was reported to the caller that used the store.
    this.#opened?.then(use, () => {});
  }
}
