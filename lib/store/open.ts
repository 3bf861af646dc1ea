/**
 * From a store's URL to the store.
 *
 * @module
 */

import { findAccount } from "../aws/account.ts";
import { AwsClient } from "../aws/client.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { DirectoryStore } from "./directory.ts";
import { S3Store } from "./s3.ts";
import type { ObjectStore } from "./store.ts";

/** The most requests to S3 at once, where nothing else is said. */
export const defaultS3Concurrency = 8;

/** What a store may need beside its URL. */
export interface OpenStoreOptions {
  /** Where credentials, region and endpoint of an S3 store are taken from. */
  environment: Environment;
  /** The most requests to S3 at once. @default {8} */
  s3Concurrency?: number | undefined;
}

/**
 * Opens a store. Nothing is read or written before its first use.
 *
 * @param url `s3://BUCKET/PREFIX/` or `file:///DIRECTORY`.
 * @param options What the store may need beside its URL.
 * @returns The store.
 * @throws {LlamaError} `config` if the URL names no kind of store that there is.
 */
export function openStore(url: string, options: OpenStoreOptions): ObjectStore {
  const { environment, s3Concurrency } = options;
  return openStoreWith(url, new AwsClient(findAccount(environment)), s3Concurrency);
}

/**
 * Opens a store over a client that is there already.
 *
 * @param url As {@linkcode openStore}.
 * @param client Signs and sends the requests of an S3 store.
 * @param s3Concurrency The most requests to S3 at once.
 * @returns The store.
 * @throws {LlamaError} As {@linkcode openStore}.
 */
export function openStoreWith(
  url: string,
  client: AwsClient,
  s3Concurrency: number = defaultS3Concurrency,
): ObjectStore {
  if (url.startsWith("file:")) return new DirectoryStore(url);
  if (url.startsWith("s3:")) return new S3Store(url, client, s3Concurrency);
  throw new LlamaError("config", `object store ${JSON.stringify(url)}: unknown kind of store`, {
    hint: "write s3://BUCKET/PREFIX/ or file:///DIRECTORY",
  });
}
