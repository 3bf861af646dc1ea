/**
 * The store's bucket: chooses it, and removes llama's objects from it.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { listStacks, type Stack } from "../aws/api/cloudformation.ts";
import {
  abortUpload,
  type BucketOptions,
  bucketState,
  deleteKeys,
  listKeys,
  listUploads,
} from "../aws/api/s3_bucket.ts";
import { LlamaError } from "../errors.ts";
import { isStoreKey } from "../store/prefixes.ts";
import { type BucketChoice, llamaTag, objectPrefix, outputsOf } from "./stack_template.ts";

/**
 * Chooses the bucket for the store.
 *
 * @param client The AWS client.
 * @param named The requested bucket; undefined for the existing one, or a new one.
 * @param stack The existing stack.
 * @param options The account that a named bucket must belong to, and a signal.
 * @returns The choice.
 * @throws {LlamaError} `config` if the bucket cannot be used; or as `callAws`.
 */
export async function chooseBucket(
  client: AwsClient,
  named: string | undefined,
  stack: Stack | undefined,
  options: BucketOptions = {},
): Promise<BucketChoice> {
  const outputs = stack && outputsOf(stack.outputs);
  if (outputs && (named === undefined || named === outputs.bucket)) {
    // Naming a generated bucket in the template would make CloudFormation replace it.
    const { bucketKind: kind, bucket: name } = outputs;
    return kind === "generated" ? { kind } : { kind, name };
  }
  if (named === undefined) return { kind: "generated" };
  const state = await bucketState(client, named, options);
  switch (state.kind) {
    case "missing":
      return { kind: "named", name: named };
    case "forbidden":
      throw new LlamaError("config", `the bucket ${named} exists, but may not be used`, {
        hint: "another account owns it, or the credentials need s3:ListBucket; choose another name",
      });
    case "there": {
      const { region } = await client.location();
      if (state.region === undefined || state.region === region) {
        return { kind: "own", name: named };
      }
      // Lambda only accepts zips from buckets in its own region.
      throw new LlamaError(
        "config",
        `the bucket ${named} is in ${state.region}, not in ${region}`,
        {
          hint: `choose another bucket, or add -region ${state.region}`,
        },
      );
    }
  }
}

/**
 * Lists llama's other stacks whose store is in the same user-owned bucket.
 *
 * @param client The AWS client.
 * @param bucket The bucket's name.
 * @param stack The name of the stack to leave out.
 * @param signal Aborts the work.
 * @returns Their names.
 * @throws {LlamaError} As `callAws`.
 */
export async function otherUsersOf(
  client: AwsClient,
  bucket: string,
  stack: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const stacks = await listStacks(client, signal);
  return stacks.filter(({ name, tags, outputs }) =>
    name !== stack && tags[llamaTag] === name && outputs["Bucket"] === bucket
  ).map(({ name }) => name);
}

/**
 * Removes llama's objects and unfinished uploads from the bucket, and nothing else.
 *
 * @param client The AWS client.
 * @param bucket The bucket's name; a missing bucket counts as empty.
 * @param options The account that the bucket must belong to, and a signal.
 * @returns The first remaining key; undefined if the bucket is empty.
 * @throws {LlamaError} As `callAws`.
 */
export async function emptyBucket(
  client: AwsClient,
  bucket: string,
  options: BucketOptions = {},
): Promise<string | undefined> {
  const { kind } = await bucketState(client, bucket, options);
  if (kind === "missing") return undefined;
  const isOurs = (key: string) => isStoreKey(key.slice(objectPrefix.length));
  for await (const page of listKeys(client, bucket, objectPrefix, options)) {
    const ours = page.filter(isOurs);
    if (ours.length > 0) await deleteKeys(client, bucket, ours, options);
  }
  for await (const page of listUploads(client, bucket, objectPrefix, options)) {
    for (const upload of page.filter(({ key }) => isOurs(key))) {
      await abortUpload(client, bucket, upload, options);
    }
  }
  for await (const [key] of listKeys(client, bucket, "", options)) {
    if (key !== undefined) return key;
  }
  return undefined;
}
