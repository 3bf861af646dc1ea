/**
 * Publishes layers, and uploads zips.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { AwsClient } from "../aws/client.ts";
import { callRest } from "../aws/api/call.ts";
import { deleteLayerVersion } from "../aws/api/lambda_layers.ts";
import type { Architecture } from "../functions/architecture.ts";
import { maybe } from "../aws/api/lambda_types.ts";
import { defaultS3Concurrency } from "../limits.ts";
import { LlamaError } from "../errors.ts";
import { codePrefix } from "../store/prefixes.ts";
import { S3Store } from "../store/s3.ts";
import type { ObjectStore } from "../store/store.ts";
import * as z from "../zod.ts";

/** The Lambda runtime that llama's layer is for. */
export const compatibleRuntime = "provided.al2023";

/**
 * The size limit of a zip in a request; a larger one goes through a bucket.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const maxDirectZipBytes = 50 * 1024 * 1024;

/** An object store for zips, which are kept under its `code/` prefix. */
export type CodeStore = Pick<ObjectStore, "url"> & {
  /** The account that its bucket must belong to. @default {any} */
  readonly bucketOwner?: string | undefined;
};

/** A layer to publish. */
export interface Layer {
  /** The layer's name; a new version is added if it exists. */
  readonly name: string;
  /** The version's description. */
  readonly description: string;
  /** The archive. */
  readonly zip: Uint8Array;
  /** Its architecture. */
  readonly architecture: Architecture;
  /** An S3 store whose bucket the archive goes through; without one, it is sent in the request. */
  readonly store?: CodeStore | undefined;
  /** Aborts the work. */
  readonly signal?: AbortSignal | undefined;
}

/** A published version of a layer. */
export interface LayerVersion {
  /** Its ARN. */
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
 * @param client The AWS client.
 * @param layer The layer.
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
      "it has been removed",
    );
  }
  return { arn: published.LayerVersionArn, version: published.Version };
}

/**
 * Returns the hash by which Lambda identifies a zip.
 *
 * @param zip The archive.
 * @returns Its SHA-256 in base64.
 */
export function codeSha256(zip: Uint8Array): string {
  return createHash("sha256").update(zip).digest("base64");
}

/**
 * Creates the error for code in Lambda that differs from the zip that was sent: it was replaced on
 * its way through the bucket.
 *
 * @param what The layer or function with the code.
 * @param state The measures already taken.
 * @returns The error.
 */
export function otherCode(what: string, state: string): LlamaError {
  return new LlamaError("service", `${what} is not the zip that was sent: CodeSha256 differs`, {
    hint:
      `${state}; check who else can write to ${codePrefix} in the store's bucket, and run it again`,
  });
}

/**
 * Returns the request fields for a zip: a reference to an object in the store's bucket that the
 * functions' role cannot write, or the zip itself.
 *
 * @param client The AWS client.
 * @param zip The archive.
 * @param what A name for it in messages.
 * @param store An S3 store whose bucket it goes through; without one, it is sent in the request.
 * @param signal Aborts the work.
 * @returns The fields.
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
    // Not disposed of: it shares the client's connections. A lifetime of 0 makes it always overwrite
    // an existing object of the same name.
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
      `${what} is ${zip.length} bytes; Lambda accepts ${maxDirectZipBytes} in a request`,
      { hint: "set LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/ to upload larger ones through a bucket" },
    );
  }
  return { ZipFile: Buffer.from(zip.buffer, zip.byteOffset, zip.length).toString("base64") };
}
