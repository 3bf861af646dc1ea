/**
 * Kept results in a bucket, below a prefix that functions can neither read nor write.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import { checkId } from "./object_checks.ts";
import { resultsPrefix } from "./prefixes.ts";
import type { Bucket } from "./s3_bucket.ts";
import { downloadBytes } from "./s3_download.ts";
import { uploadWhole } from "./s3_upload.ts";
import { sourceOfBytes } from "./source.ts";
import type { KeptResults } from "./store.ts";

/** The kept results of an S3 store. */
export class S3KeptResults implements KeptResults {
  readonly lifetimeMilliseconds: number;
  readonly #bucket: Bucket;

  /**
   * @param bucket The store's bucket and prefix.
   * @param lifetimeMilliseconds How long the bucket keeps an object.
   */
  constructor(bucket: Bucket, lifetimeMilliseconds: number) {
    this.#bucket = bucket;
    this.lifetimeMilliseconds = lifetimeMilliseconds;
  }

  async read(key: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    checkId(key);
    try {
      return (await downloadBytes(this.#bucket, resultsPrefix + key, signal, maxBytes)).bytes;
    } catch (error) {
      if (error instanceof LlamaError && error.code === "missing-object") return undefined;
      throw error;
    }
  }

  async write(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<void> {
    checkId(key);
    // They are far smaller than an object that takes parts.
    const source = sourceOfBytes(bytes, () => 0);
    await uploadWhole(this.#bucket, { ...source, key: resultsPrefix + key }, signal);
  }
}
