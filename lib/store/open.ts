/**
 * From a store's URL to the store.
 *
 * @module
 */

import { findAccount } from "../aws/account.ts";
import { AwsClient } from "../aws/client.ts";
import { defaultS3Concurrency } from "../limits.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { bucketOwner } from "./bucket_owner.ts";
import { DirectoryStore } from "./directory.ts";
import { S3Store } from "./s3.ts";
import type { ObjectStore } from "./store.ts";

export { accountOfArn } from "./bucket_owner.ts";

/** How long a bucket keeps an object, in days, where nothing else is said. */
export const defaultLifetimeDays = 31;

/** What a store may need beside its URL. */
export interface OpenStoreOptions {
  /** Where credentials, region and endpoint of an S3 store are taken from. */
  environment: Environment;
  /** The most requests to S3 at once. @default {32} */
  s3Concurrency?: number | undefined;
  /**
   * How long the bucket keeps an object, in days: one that has half of that behind it is written
   * again. 0 if it keeps them for ever. @default {LLAMA_OBJECT_LIFETIME_DAYS, or 31}
   */
  objectLifetimeDays?: number | undefined;
  /**
   * The account that an S3 store's bucket must belong to; `LLAMA_BUCKET_OWNER` wins over it.
   * @default {any}
   */
  bucketOwner?: string | undefined;
  /**
   * Where a note is kept of the objects that are in an S3 store, for the next process.
   * @default {nowhere}
   */
  noteDirectory?: string | undefined;
}

/**
 * Opens a store. Nothing is read or written before its first use.
 *
 * @param url `s3://BUCKET/PREFIX/` or `file:///DIRECTORY`.
 * @param options What the store may need beside its URL.
 * @returns The store.
 * @throws {LlamaError} `config` if the URL names no kind of store that there is,
 * `LLAMA_OBJECT_LIFETIME_DAYS` is no number of days, or `LLAMA_BUCKET_OWNER` is not an account.
 */
export function openStore(url: string, options: OpenStoreOptions): ObjectStore {
  return openStoreWith(url, new AwsClient(findAccount(options.environment)), options);
}

/**
 * Opens a store over a client that is there already.
 *
 * @param url As {@linkcode openStore}.
 * @param client Signs and sends the requests of an S3 store.
 * @param options As {@linkcode openStore}.
 * @returns The store.
 * @throws {LlamaError} As {@linkcode openStore}.
 */
export function openStoreWith(
  url: string,
  client: AwsClient,
  options: OpenStoreOptions,
): ObjectStore {
  if (url.startsWith("file:")) return new DirectoryStore(url);
  if (url.startsWith("s3:")) {
    return new S3Store(url, client, {
      concurrency: options.s3Concurrency ?? defaultS3Concurrency,
      lifetimeMilliseconds: lifetimeMilliseconds(options),
      noteDirectory: options.noteDirectory,
      bucketOwner: bucketOwner(options.environment, options.bucketOwner),
    });
  }
  throw new LlamaError("config", `object store ${JSON.stringify(url)}: unknown kind of store`, {
    hint: "write s3://BUCKET/PREFIX/ or file:///DIRECTORY",
  });
}

function lifetimeMilliseconds({ environment, objectLifetimeDays }: OpenStoreOptions): number {
  const text = environment["LLAMA_OBJECT_LIFETIME_DAYS"] || String(defaultLifetimeDays);
  const days = objectLifetimeDays ?? (/^\d+$/.test(text) ? Number(text) : NaN);
  if (!(days >= 0)) {
    throw new LlamaError("config", `LLAMA_OBJECT_LIFETIME_DAYS must be a number of days: ${text}`);
  }
  return days === 0 ? Infinity : days * 86_400_000;
}
