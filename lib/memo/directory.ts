/**
 * Kept results on this machine, for a store that is a directory, or none.
 *
 * @module
 */

import { ownDirectory } from "../files/own_directory.ts";
import { join } from "node:path";
import type { Environment } from "../environment.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { hashFile } from "../files/hash.ts";
import { readOwnBytes } from "../files/own.ts";
import { open } from "../files/quick.ts";
import { writeWhole } from "../files/whole.ts";
import type { Blob } from "../protocol.ts";
import { decodeBlobToFile } from "../store/blob.ts";
import { checkId } from "../store/object_checks.ts";
import type { KeptResults, ObjectStore } from "../store/store.ts";

/** How long results are kept: as long as the objects of a bucket. */
const keptMilliseconds = 31 * 86_400_000;

/** How often expired results are removed. */
const sweepMilliseconds = 86_400_000;

/**
 * Returns the directory of kept results.
 *
 * @param environment `LLAMA_DIR` names its parent; the default is `llama` in `XDG_CACHE_HOME` or
 * `~/.cache`.
 * @returns The directory; undefined if none of the variables is set.
 */
export function resultsDirectory(environment: Environment): string | undefined {
  const directory = ownDirectory(environment, "cache");
  return directory && join(directory, "act");
}

/** Kept results in a directory that only this user can write. */
export class DirectoryResults implements KeptResults {
  readonly lifetimeMilliseconds = keptMilliseconds;
  readonly #directory: string;
  #isSwept = false;

  /** @param directory The directory; the first write creates it. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The directory of {@linkcode DirectoryResults.keepObject}'s objects. */
  get objects(): string {
    return join(this.#directory, "objects");
  }

  read(key: string, maxBytes: number): Promise<Uint8Array | undefined> {
    checkId(key);
    const path = join(this.#directory, key);
    try {
      const { size } = Deno.lstatSync(path);
      // It says nothing about other results, unlike a directory that others can write.
      if (size > maxBytes) return Promise.reject(tooLarge(path, size, maxBytes));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return Promise.resolve(undefined);
      return Promise.reject(cannotRead(path, reasonOf(error)));
    }
    const bytes = readOwnBytes(path, maxBytes);
    return bytes === undefined
      ? Promise.reject(cannotRead(path, "it is not only this user's own"))
      : Promise.resolve(bytes);
  }

  async write(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    checkId(key);
    const path = join(this.#directory, key);
    await this.#writing(path, async () => {
      // The results may be as secret as the inputs, and a forged one would be believed.
      await Deno.mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeWhole(path, (temporary) => Deno.writeFile(temporary, bytes), 0o600);
    });
    await this.#sweep();
  }

  /**
   * Copies an object of a store that does not outlive the run, unless it is there and not damaged.
   *
   * @param store The store.
   * @param blob The object, as a response refers to it.
   * @param signal Ends the work early.
   * @throws {LlamaError} `store` and others if it was not copied.
   */
  async keepObject(store: ObjectStore, blob: Blob, signal?: AbortSignal): Promise<void> {
    const { r: id = "" } = blob;
    checkId(id);
    const path = join(this.objects, id);
    await this.#writing(path, async () => {
      await Deno.mkdir(this.objects, { recursive: true, mode: 0o700 });
      // It expires later than the result that refers to it.
      if (await isWhole(path, id, signal)) return await Deno.utime(path, new Date(), new Date());
      await writeWhole(
        path,
        (temporary) => decodeBlobToFile(blob, temporary, () => store, { signal }),
      );
    });
  }

  async #writing(path: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      if (cause instanceof LlamaError) throw cause;
      throw new LlamaError("store", `cannot write ${path}: ${reasonOf(cause)}`, {
        cause,
        hint: "LLAMA_DIR or XDG_CACHE_HOME must name a writable directory with enough free space",
      });
    }
  }

  /** Removes what has expired, once a day. */
  async #sweep(): Promise<void> {
    if (this.#isSwept) return;
    this.#isSwept = true;
    const mark = join(this.#directory, "swept");
    const now = Date.now();
    try {
      if (now - ((await Deno.stat(mark)).mtime?.getTime() ?? 0) < sweepMilliseconds) return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) return;
    }
    try {
      await Deno.writeTextFile(mark, "", { mode: 0o600 });
      await Deno.utime(mark, new Date(now), new Date(now));
      for (const directory of [this.#directory, this.objects]) await removeExpired(directory, now);
    } catch {
      // Another process may be sweeping; what is left is removed another day.
    }
  }
}

async function removeExpired(directory: string, now: number): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(directory)) {
    if (!isFile || !/^[0-9a-f]{64}$/.test(name)) continue;
    const path = join(directory, name);
    const { mtime } = await Deno.lstat(path);
    if (now - (mtime?.getTime() ?? now) > keptMilliseconds) await Deno.remove(path);
  }
}

/** Reports whether an object is there, and is not damaged. */
async function isWhole(path: string, id: string, signal?: AbortSignal): Promise<boolean> {
  try {
    using file = await open(path);
    return (await hashFile(file, { signal })).id === id;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function cannotRead(path: string, why: string): LlamaError {
  return new LlamaError("store", `cannot read the kept result ${path}: ${why}`);
}

function tooLarge(path: string, size: number, maxBytes: number): LlamaError {
  return new LlamaError(
    "too-large",
    `the kept result ${path} is too large: it has ${size} bytes, and at most ${maxBytes} are read`,
  );
}
