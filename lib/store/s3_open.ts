/**
 * Opens the user's objects in S3, and those of the emulator's bucket.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { LlamaError } from "../errors.ts";
import { defaultS3Concurrency } from "../limits.ts";
import { AccountFiles } from "./s3_account_files.ts";
import { BucketDirectory, localBucket } from "./s3_bucket_directory.ts";
import type {
  IdentifiedObject,
  ListedObject,
  S3Files,
  S3Object,
  WriteOptions,
} from "./s3_files.ts";
import { parseS3Url } from "./s3_url.ts";

/** Options for {@linkcode openS3Files}. */
export interface OpenS3Options {
  /** The client for S3; undefined where functions run on this machine without a bucket. */
  readonly client: AwsClient | undefined;
  /** The directory of the emulator's bucket. @default {there is none} */
  readonly localBucket?: string | undefined;
  /** The maximum number of concurrent requests per bucket. @default {32} */
  readonly concurrency?: number | undefined;
  /** As for `AccountFiles`. */
  readonly onDenied: (action: string, url: string) => string;
}

/** Opens objects. Nothing is read or written before the first use. */
export function openS3Files(options: OpenS3Options): S3Files {
  return new Buckets(options);
}

/** All buckets. */
class Buckets implements S3Files {
  readonly #account: S3Files | undefined;
  readonly #local: S3Files | undefined;

  constructor({ client, concurrency = defaultS3Concurrency, ...options }: OpenS3Options) {
    this.#account = client && new AccountFiles(client, { concurrency, ...options });
    this.#local = options.localBucket === undefined
      ? undefined
      : new BucketDirectory(options.localBucket);
  }

  async find(url: string, signal?: AbortSignal): Promise<S3Object> {
    return await this.#of(url).find(url, signal);
  }

  async identify(url: string, signal?: AbortSignal): Promise<IdentifiedObject> {
    return await this.#of(url).identify(url, signal);
  }

  async read(url: string, path: string, expected?: S3Object, signal?: AbortSignal): Promise<void> {
    await this.#of(url).read(url, path, expected, signal);
  }

  async write(url: string, path: string, options: WriteOptions): Promise<S3Object> {
    return await this.#of(url).write(url, path, options);
  }

  async *list(url: string, signal?: AbortSignal): AsyncGenerator<readonly ListedObject[]> {
    yield* this.#of(url).list(url, signal);
  }

  [Symbol.dispose](): void {
    this.#account?.[Symbol.dispose]();
  }

  #of(url: string): S3Files {
    const { bucket } = parseS3Url(url);
    const files = bucket === localBucket && this.#local ? this.#local : this.#account;
    if (files) return files;
    throw new LlamaError("config", `${url} is not in reach of functions on this machine`, {
      hint: `use s3://${localBucket}/, or -store s3://BUCKET/PREFIX/ for functions that ` +
        "access S3 with your credentials",
    });
  }
}
