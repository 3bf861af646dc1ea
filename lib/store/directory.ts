/**
 * A store in a directory: `file:///dir`.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LlamaError, reasonOf } from "../errors.ts";
import { removeIfThere, removeLeftovers, temporaryName, writeWhole } from "../files/whole.ts";
import { hashFile, sha256 } from "../files/hash.ts";
import { piecesOfFile } from "../files/pieces.ts";
import { open, unfinishedMode, writeToFile } from "../files/quick.ts";
import type { Spans } from "../spans.ts";
import { CompressedForm } from "./compressed.ts";
import { checkId, missingObject, tooLarge, verify } from "./object_checks.ts";
import { keyOf, type Packed } from "./pack.ts";
import type { CompressedObjects, ObjectStore, StoredObject } from "./store.ts";

/**
 * A store whose objects are the files of one directory. Any number of processes may write to it at
 * once: objects appear by a rename, and writers of the same object write the same bytes.
 */
export class DirectoryStore implements ObjectStore {
  readonly url: string;
  readonly compressed: CompressedObjects;
  readonly #directory: string;

  /**
   * Creates a store.
   *
   * @param url A `file:` URL without a host. The first write creates the directory.
   * @throws {LlamaError} `config` if the URL does not name a directory on this machine.
   */
  constructor(url: string) {
    this.url = url;
    try {
      this.#directory = fileURLToPath(url);
    } catch (cause) {
      throw new LlamaError(
        "config",
        `object store ${url}: not the file: URL of a directory on this machine`,
        {
          cause,
          hint: "write file:///path/to/directory",
        },
      );
    }
    this.compressed = new CompressedForm(this, {
      write: (packed, signal, spans) => this.#putPacked(packed, signal, spans),
      read: (key, signal) => this.#readKey(key, signal),
      has: (key) => isFile(join(this.#directory, key)),
    });
  }

  async put(bytes: Uint8Array, signal?: AbortSignal, spans?: Spans): Promise<string> {
    signal?.throwIfAborted();
    using hash = spans?.span("hash");
    const id = sha256(bytes);
    hash?.[Symbol.dispose]();
    using _upload = spans?.span("upload");
    // Written even if the object exists: it may be damaged, and this repairs it.
    await this.#storing(() =>
      writeWhole(this.#path(id), (temporary) => Deno.writeFile(temporary, bytes))
    );
    return id;
  }

  async putFile(path: string, signal?: AbortSignal, spans?: Spans): Promise<string> {
    // Hashed while copied, so there is no span of its own.
    using _upload = spans?.span("upload");
    using source = await open(path);
    // The id is known only after the last byte. The bytes written are the bytes hashed, even if the
    // source changes meanwhile.
    const temporary = temporaryName(join(this.#directory, "object"));
    return await this.#storing(async () => {
      await Deno.mkdir(this.#directory, { recursive: true });
      await removeLeftovers(this.#directory);
      try {
        using target = await open(temporary, { write: true, createNew: true });
        const { id } = await hashFile(source, {
          write: (piece) => writeToFile(target, piece),
          signal,
        });
        await Deno.rename(temporary, this.#path(id));
        return id;
      } catch (error) {
        await removeIfThere(temporary);
        throw error;
      }
    }, signal);
  }

  async get(
    id: string,
    signal?: AbortSignal,
    maxBytes: number = Infinity,
  ): Promise<Uint8Array> {
    const bytes = await this.#reading(id, async () => {
      if (maxBytes < Infinity) {
        const { size } = await Deno.stat(this.#path(id));
        if (size > maxBytes) throw tooLarge(id, size, maxBytes);
      }
      return await Deno.readFile(this.#path(id), withSignal(signal));
    });
    verify(this.url, id, sha256(bytes));
    return bytes;
  }

  async getFile(id: string, path: string, signal?: AbortSignal): Promise<void> {
    using source = await this.#reading(id, () => open(this.#path(id)));
    using target = await open(path, { write: true, createNew: true, mode: unfinishedMode });
    const { id: actual } = await hashFile(source, {
      write: (piece) => writeToFile(target, piece),
      signal,
    });
    verify(this.url, id, actual);
  }

  async has(id: string): Promise<boolean> {
    return await isFile(this.#path(id));
  }

  /** Does nothing: this store keeps no note. */
  forget(_id: string): void {}

  /** Does nothing: this store holds nothing open. */
  [Symbol.dispose](): void {}

  async #putPacked(packed: Packed, signal?: AbortSignal, spans?: Spans): Promise<StoredObject> {
    const { id, form, raw, encoded } = packed;
    using _upload = spans?.span("upload");
    const path = join(this.#directory, keyOf(id, form));
    await this.#storing(() =>
      writeWhole(path, async (temporary) => {
        using file = await open(temporary, { write: true, createNew: true });
        for await (const piece of packed.pieces(0, encoded)) {
          signal?.throwIfAborted();
          await writeToFile(file, piece);
        }
      }), signal);
    return { id, form, raw, encoded };
  }

  async *#readKey(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* piecesOfFile(join(this.#directory, key), signal);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) throw missingObject(this.url, key);
      throw cause;
    }
  }

  #path(id: string): string {
    checkId(id);
    return join(this.#directory, id);
  }

  async #storing<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      signal?.throwIfAborted();
      throw new LlamaError("store", `cannot store an object in ${this.url}: ${reasonOf(cause)}`, {
        cause,
        hint: "-store or LLAMA_OBJECT_STORE must name a writable directory with enough free " +
          "space",
      });
    }
  }

  async #reading<T>(id: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) throw missingObject(this.url, id);
      throw cause;
    }
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function withSignal(signal: AbortSignal | undefined): Deno.ReadFileOptions {
  return signal ? { signal } : {};
}
