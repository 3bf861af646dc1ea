/**
 * The bucket: which one is taken, and how what is llama's in it is removed.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { listStacks, type Stack } from "../aws/cloudformation.ts";
import {
  abortUpload,
  type BucketOptions,
  bucketState,
  deleteKeys,
  listKeys,
  listUploads,
} from "../aws/s3_control.ts";
import { LlamaError } from "../errors.ts";
import { isStoreKey } from "../store/prefixes.ts";
import { type BucketChoice, llamaTag, objectPrefix, outputsOf } from "./template.ts";

/**
 * Says which bucket the store is in.
 *
 * @param client Signs and sends.
 * @param named The bucket that was asked for; undefined for the one there is, or a new one.
 * @param stack The stack as it is.
 * @param options The account that a named bucket must belong to, and a signal.
 * @returns The choice.
 * @throws {LlamaError} `config` if the bucket cannot be taken; or as `callAws`.
 */
export async function chooseBucket(
  client: AwsClient,
  named: string | undefined,
  stack: Stack | undefined,
  options: BucketOptions = {},
): Promise<BucketChoice> {
  const outputs = stack && outputsOf(stack.outputs);
  if (outputs && (named === undefined || named === outputs.bucket)) {
    // A generated name is left out again: to name it would be to ask for another bucket.
    const { bucketKind: kind, bucket: name } = outputs;
    return kind === "generated" ? { kind } : { kind, name };
  }
  if (named === undefined) return { kind: "generated" };
  const state = await bucketState(client, named, options);
  switch (state.kind) {
    case "missing":
      return { kind: "named", name: named };
    case "forbidden":
      throw new LlamaError("config", `the bucket ${named} is there, and may not be used`, {
        hint: "it is another account's, or the credentials need s3:ListBucket; take another name",
      });
    case "there": {
      const { region } = await client.location();
      if (state.region === undefined || state.region === region) {
        return { kind: "own", name: named };
      }
      // Lambda takes zips from buckets of its own region only.
      throw new LlamaError(
        "config",
        `the bucket ${named} is in ${state.region}, not in ${region}`,
        {
          hint: `take another bucket, or -region ${state.region}`,
        },
      );
    }
  }
}

/**
 * Returns the other stacks of llama's whose store is in the same bucket of the user's own.
 *
 * @param client Signs and sends.
 * @param bucket The bucket's name.
 * @param stack The name of the stack that is known to use it.
 * @param signal Ends it early.
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
 * Removes what llama put into the bucket, unfinished uploads too, and nothing else.
 *
 * @param client Signs and sends.
 * @param bucket The bucket's name; one that is not there is empty.
 * @param options The account that the bucket must belong to, and a signal.
 * @returns The first key of what else is in it; undefined if it is empty.
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
