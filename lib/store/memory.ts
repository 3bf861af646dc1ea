/**
 * A store in memory, for tests and for programs that run client and runtime in one process.
 *
 * @module
 */

import { sha256 } from "../files/hash.ts";
import { writeNew } from "../files/quick.ts";
import { joinBytes } from "../files/bytes.ts";
import { CompressedForm } from "./compressed.ts";
import { missingObject, tooLarge } from "./object_checks.ts";
import { keyOf } from "./pack.ts";
import type { CompressedObjects, ObjectStore } from "./store.ts";

/** A store that keeps its objects in memory. */
export class MemoryStore implements ObjectStore {
  readonly url = "memory:";
  /** The objects by key: the id, with `.zst` if compressed. */
  readonly objects: Map<string, Uint8Array> = new Map();
  readonly compressed: CompressedObjects = new CompressedForm(this, {
    write: async (packed) => {
      const { id, form, raw, encoded } = packed;
      const pieces = await Array.fromAsync(packed.pieces(0, encoded));
      this.objects.set(keyOf(id, form), joinBytes(pieces));
      return { id, form, raw, encoded };
    },
    read: (key) => this.#read(key),
    has: (key) => Promise.resolve(this.objects.has(key)),
  });

  async *#read(key: string): AsyncGenerator<Uint8Array> {
    yield await this.get(key);
  }

  put(bytes: Uint8Array): Promise<string> {
    const id = sha256(bytes);
    // A copy: the caller may reuse its buffer.
    this.objects.set(id, bytes.slice());
    return Promise.resolve(id);
  }

  async putFile(path: string): Promise<string> {
    return await this.put(await Deno.readFile(path));
  }

  get(id: string, _signal?: AbortSignal, maxBytes: number = Infinity): Promise<Uint8Array> {
    const bytes = this.objects.get(id);
    if (bytes && bytes.length > maxBytes) {
      return Promise.reject(tooLarge(id, bytes.length, maxBytes));
    }
    return bytes ? Promise.resolve(bytes.slice()) : Promise.reject(missingObject(this.url, id));
  }

  async getFile(id: string, path: string): Promise<void> {
    await writeNew(path, await this.get(id));
  }

  has(id: string): Promise<boolean> {
    return Promise.resolve(this.objects.has(id));
  }

  /** Does nothing: this store keeps no note. */
  forget(_id: string): void {}

  /** Does nothing: this store holds only memory. */
  [Symbol.dispose](): void {}
}
