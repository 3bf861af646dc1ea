/**
 * The bucket: which one is taken, and how what is llama's in it is removed.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import type { Stack } from "../aws/cloudformation.ts";
import { abortUploads, bucketState, deleteKeys, listKeys } from "../aws/s3_control.ts";
import { LlamaError } from "../errors.ts";
import { type BucketChoice, objectPrefix, outputsOf } from "./template.ts";

/**
 * Says which bucket the store is in.
 *
 * @param client Signs and sends.
 * @param named The bucket that was asked for; undefined for the one there is, or a new one.
 * @param stack The stack as it is.
 * @param signal Ends it early.
 * @returns The choice.
 * @throws {LlamaError} `config` if the bucket cannot be taken; or as `callAws`.
 */
export async function chooseBucket(
  client: AwsClient,
  named: string | undefined,
  stack: Stack | undefined,
  signal?: AbortSignal,
): Promise<BucketChoice> {
  const outputs = stack && outputsOf(stack.outputs);
  if (outputs && (named === undefined || named === outputs.bucket)) {
    // A generated name is left out again: to name it would be to ask for another bucket.
    const { bucketKind: kind, bucket: name } = outputs;
    return kind === "generated" ? { kind } : { kind, name };
  }
  if (named === undefined) return { kind: "generated" };
  const state = await bucketState(client, named, signal);
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

/** The name of an object of the store: a SHA-256. */
const objectName = /^[0-9a-f]{64}$/;

/**
 * Removes what llama put into the bucket, and nothing else.
 *
 * @param client Signs and sends.
 * @param bucket The bucket's name; one that is not there is empty.
 * @param signal Ends it early.
 * @returns The first key of what else is in it; undefined if it is empty.
 * @throws {LlamaError} As `callAws`.
 */
export async function emptyBucket(
  client: AwsClient,
  bucket: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { kind } = await bucketState(client, bucket, signal);
  if (kind === "missing") return undefined;
  for await (const page of listKeys(client, bucket, objectPrefix, signal)) {
    const ours = page.filter((key) => objectName.test(key.slice(objectPrefix.length)));
    if (ours.length > 0) await deleteKeys(client, bucket, ours, signal);
  }
  await abortUploads(client, bucket, objectPrefix, signal);
  for await (const [key] of listKeys(client, bucket, "", signal)) {
    if (key !== undefined) return key;
  }
  return undefined;
}
