/**
 * The emulator's bucket: `s3://local/KEY` is a file in a directory.
 *
 * @module
 */

import { join } from "node:path";
import { isMissing, LlamaError, reasonOf } from "../errors.ts";
import { hashFile } from "../files/hash.ts";
import { umask, writeWhole } from "../files/whole.ts";
import { listDirectory } from "../system/list.ts";
import {
  ChangedObject,
  type IdentifiedObject,
  type ListedObject,
  noSuchObject,
  objectExists,
  type S3Files,
  type S3Object,
  type WriteOptions,
} from "./s3_files.ts";
import { parseObjectUrl, parseS3Url } from "./s3_url.ts";

/** The name of the emulator's bucket. */
export const localBucket = "local";

/** The number of objects on a page, as S3 has it. */
const pageLength = 1000;

/** A bucket in a directory. */
export class BucketDirectory implements S3Files {
  readonly #path: string;

  /** @param path The directory; it need not exist. */
  constructor(path: string) {
    this.#path = path;
  }

  async find(url: string): Promise<S3Object> {
    return await this.#find(url) ?? Promise.reject(noSuchObject(url));
  }

  async identify(url: string, signal?: AbortSignal): Promise<IdentifiedObject> {
    const found = await this.find(url);
    using file = await Deno.open(this.#pathOf(url)).catch((cause: unknown) => {
      throw cannotRead(url, cause);
    });
    const { id: sha256 } = await hashFile(file, { signal });
    const { etag } = await this.find(url);
    if (etag !== found.etag) throw new ChangedObject(url, false);
    return { ...found, sha256 };
  }

  async read(
    url: string,
    path: string,
    expected?: S3Object,
    signal?: AbortSignal,
  ): Promise<void> {
    const found = await this.#find(url);
    if (!found || (expected && found.etag !== expected.etag)) {
      throw new ChangedObject(url, !found);
    }
    signal?.throwIfAborted();
    await Deno.copyFile(this.#pathOf(url), path);
  }

  async write(
    url: string,
    path: string,
    { isNew = false, signal }: WriteOptions,
  ): Promise<S3Object> {
    if (isNew && await this.#find(url)) throw objectExists(url);
    try {
      await writeWhole(this.#pathOf(url), async (temporary) => {
        signal.throwIfAborted();
        await Deno.copyFile(path, temporary);
        await Deno.chmod(temporary, 0o666 & ~umask());
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw new LlamaError("output", `cannot write ${url}: ${reasonOf(cause)}`, { cause });
    }
    return await this.find(url);
  }

  async *list(url: string, signal?: AbortSignal): AsyncGenerator<ListedObject[], void, undefined> {
    const { key: prefix } = parseS3Url(url);
    let page: ListedObject[] = [];
    for (const key of this.#keys("")) {
      signal?.throwIfAborted();
      if (!key.startsWith(prefix)) continue;
      const found = await this.#find(`s3://${localBucket}/${key}`);
      if (found) page.push({ url: `s3://${localBucket}/${key}`, ...found });
      if (page.length < pageLength) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  [Symbol.dispose](): void {}

  *#keys(below: string): Generator<string> {
    let entries;
    try {
      entries = listDirectory(join(this.#path, below));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    for (const { name, kind } of entries) {
      if (name === undefined) continue;
      if (kind === "directory") yield* this.#keys(`${below}${name}/`);
      else if (kind === "file") yield below + name;
    }
  }

  async #find(url: string): Promise<S3Object | undefined> {
    try {
      const { isFile, size, mtime, ino } = await Deno.stat(this.#pathOf(url));
      if (!isFile) return undefined;
      return { size, etag: `"${ino}-${size}-${mtime?.getTime()}"` };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw cannotRead(url, error);
    }
  }

  #pathOf(url: string): string {
    const { key } = parseObjectUrl(url);
    const isPath = !key.includes("\0") && key.split("/").every((part) => part !== "");
    if (isPath) return join(this.#path, key);
    throw new LlamaError("input", `${JSON.stringify(url)} is not a path in ${this.#path}`, {
      hint: "the emulator's bucket is a directory, whose names have no empty parts",
    });
  }
}

function cannotRead(url: string, cause: unknown): LlamaError {
  return new LlamaError("input", `cannot read ${url}: ${reasonOf(cause)}`, { cause });
}
