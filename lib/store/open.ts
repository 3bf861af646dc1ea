/**
 * Opens a store by its URL.
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

/** How long a bucket keeps an object by default, in days. */
export const defaultLifetimeDays = 31;

/** Options for {@linkcode openStore}. */
export interface OpenStoreOptions {
  /** The environment, for credentials, region and endpoint of an S3 store. */
  environment: Environment;
  /** The maximum number of concurrent requests to S3. @default {32} */
  s3Concurrency?: number | undefined;
  /**
   * How long the bucket keeps an object, in days; 0 if objects never expire. An object is uploaded
   * again after half of that time. @default {LLAMA_OBJECT_LIFETIME_DAYS, or 31}
   */
  objectLifetimeDays?: number | undefined;
  /**
   * The account that must own an S3 store's bucket; `LLAMA_BUCKET_OWNER` takes precedence.
   * @default {any}
   */
  bucketOwner?: string | undefined;
  /**
   * The directory of the note of objects, which lists the objects in an S3 store for later processes.
   * @default {nowhere}
   */
  noteDirectory?: string | undefined;
}

/**
 * Opens a store. Nothing is read or written before its first use.
 *
 * @param url `s3://BUCKET/PREFIX/` or `file:///DIRECTORY`.
 * @param options Credentials, limits, and the note of objects.
 * @returns The store.
 * @throws {LlamaError} `config` if the URL names an unknown kind of store,
 * `LLAMA_OBJECT_LIFETIME_DAYS` is not a number of days, or `LLAMA_BUCKET_OWNER` is not an account.
 */
export function openStore(url: string, options: OpenStoreOptions): ObjectStore {
  return openStoreWith(url, new AwsClient(findAccount(options.environment)), options);
}

/**
 * Opens a store with an existing client.
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
