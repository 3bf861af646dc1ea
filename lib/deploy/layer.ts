/**
 * The runtime as a layer, which zip functions share.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { AwsClient } from "../aws/client.ts";
import { callRest } from "../aws/control.ts";
import { deleteLayerVersion } from "../aws/lambda_account.ts";
import { type Architecture, maybe } from "../aws/lambda_function.ts";
import { defaultS3Concurrency } from "../defaults.ts";
import { LlamaError } from "../errors.ts";
import { codePrefix } from "../store/prefixes.ts";
import { S3Store } from "../store/s3.ts";
import type { ObjectStore } from "../store/store.ts";
import * as z from "../zod.ts";

/** Lambda's runtime that a layer of ours is for. */
export const compatibleRuntime = "provided.al2023";

/**
 * The most bytes of a zip that Lambda takes in a request; a bigger one goes through a bucket.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const maxDirectZipBytes = 50 * 1024 * 1024;

/** An object store whose `code/` prefix zips go through. */
export type CodeStore = Pick<ObjectStore, "url"> & {
  /** The account that its bucket must belong to. @default {any} */
  readonly bucketOwner?: string | undefined;
};

/** What to publish. */
export interface Layer {
  /** The layer's name; a new version is added to those it has. */
  readonly name: string;
  /** What the version is, for people who list them. */
  readonly description: string;
  /** The archive. */
  readonly zip: Uint8Array;
  /** The processor that it is for. */
  readonly architecture: Architecture;
  /** An S3 store whose bucket the archive goes through; without one it goes into the request. */
  readonly store?: CodeStore | undefined;
  /** Ends the work early. */
  readonly signal?: AbortSignal | undefined;
}

/** A layer's version that is there. */
export interface LayerVersion {
  /** Its ARN, which a function names. */
  readonly arn: string;
  /** Its number. */
  readonly version: number;
}

const publishedSchema = z.object({
  LayerVersionArn: z.string(),
  Version: z.number(),
  Content: maybe(z.object({ CodeSha256: maybe(z.string()) })),
});

/**
 * Publishes a version of a layer.
 *
 * @param client Signs and sends.
 * @param layer What to publish.
 * @returns The new version.
 * @throws {LlamaError} `too-large` if the zip needs a store and there is none; `service` if Lambda
 * published something other than the zip, which is then deleted; `credentials`, `store`,
 * `network` or `service`.
 */
export async function publishLayer(client: AwsClient, layer: Layer): Promise<LayerVersion> {
  const { name, description, zip, architecture, store, signal } = layer;
  const published = await callRest(client, {
    service: "lambda",
    action: "PublishLayerVersion",
    method: "POST",
    path: `/2018-10-31/layers/${encodeURIComponent(name)}/versions`,
    body: {
      Description: description,
      Content: await zipSource(client, zip, "the layer's zip", store, signal),
      CompatibleRuntimes: [compatibleRuntime],
      CompatibleArchitectures: [architecture],
      LicenseInfo: "Apache-2.0",
    },
    signal,
  }, publishedSchema);
  const { CodeSha256: hash } = published.Content ?? {};
  if (hash && hash !== codeSha256(zip)) {
    await deleteLayerVersion(client, name, published.Version, signal);
    throw otherCode(
      `version ${published.Version} of the layer ${name}`,
      "it has been removed again",
    );
  }
  return { arn: published.LayerVersionArn, version: published.Version };
}

/**
 * The hash by which Lambda identifies a zip.
 *
 * @param zip The archive.
 * @returns Its SHA-256 in base64.
 */
export function codeSha256(zip: Uint8Array): string {
  return createHash("sha256").update(zip).digest("base64");
}

/**
 * Makes the error for code in Lambda that differs from what was sent: it was replaced on its way
 * through the bucket.
 *
 * @param what The layer or function that has the code.
 * @param state What has been done about it.
 * @returns An error to throw.
 */
export function otherCode(what: string, state: string): LlamaError {
  return new LlamaError("service", `${what} is not the zip that was sent: CodeSha256 differs`, {
    hint:
      `${state}; see who else can write to ${codePrefix} of the store's bucket, and run it again`,
  });
}

/**
 * Names a zip to Lambda: as an object in the store's bucket that the functions' role cannot write,
 * or as the zip itself.
 *
 * @param client Signs and sends.
 * @param zip The archive.
 * @param what What it is, for messages.
 * @param store An S3 store whose bucket it goes through; without one it goes into the request.
 * @param signal Ends the work early.
 * @returns A part of a request's body.
 * @throws {LlamaError} `too-large` if it needs a store and there is none; `store` and others.
 */
export async function zipSource(
  client: AwsClient,
  zip: Uint8Array,
  what: string,
  store: CodeStore | undefined,
  signal?: AbortSignal,
): Promise<{ ZipFile: string } | { S3Bucket: string; S3Key: string }> {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store?.url ?? "") ?? [];
  if (store && bucket !== undefined) {
    const keys = posix.join("/", prefix, codePrefix).slice(1);
    // Not disposed of, since its connections are the client's. With a lifetime of 0, an existing
    // object of the same name is always overwritten.
    const code = new S3Store(`s3://${bucket}/${keys}`, client, {
      concurrency: defaultS3Concurrency,
      lifetimeMilliseconds: 0,
      bucketOwner: store.bucketOwner,
    });
    return { S3Bucket: bucket, S3Key: keys + await code.put(zip, signal) };
  }
  if (zip.length > maxDirectZipBytes) {
    throw new LlamaError(
      "too-large",
      `${what} is ${zip.length} bytes; Lambda takes ${maxDirectZipBytes} in a request`,
      { hint: "set LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/, through which a bigger one goes" },
    );
  }
  return { ZipFile: Buffer.from(zip.buffer, zip.byteOffset, zip.length).toString("base64") };
}
