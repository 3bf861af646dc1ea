/**
 * The runtime as a layer, which zip functions share.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { AwsClient } from "../aws/client.ts";
import { callRest } from "../aws/control.ts";
import type { Architecture } from "../aws/lambda_function.ts";
import { LlamaError } from "../errors.ts";
import type { ObjectStore } from "../store/store.ts";
import * as z from "../zod.ts";

/** Lambda's runtime that a layer of ours is for. */
export const compatibleRuntime = "provided.al2023";

/**
 * The most bytes of a zip that Lambda takes in a request; a bigger one goes through a bucket.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const maxDirectZipBytes = 50 * 1024 * 1024;

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
  /** An S3 store that the archive goes through; without one it goes into the request. */
  readonly store?: ObjectStore | undefined;
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

const publishedSchema = z.object({ LayerVersionArn: z.string(), Version: z.number() });

/**
 * Publishes a version of a layer.
 *
 * @param client Signs and sends.
 * @param layer What to publish.
 * @returns The new version.
 * @throws {LlamaError} `too-large` if the zip needs a store and there is none; `credentials`,
 * `store`, `network` or `service`.
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
      Content: await zipSource(zip, "the layer's zip", store, signal),
      CompatibleRuntimes: [compatibleRuntime],
      CompatibleArchitectures: [architecture],
      LicenseInfo: "Apache-2.0",
    },
    signal,
  }, publishedSchema);
  return { arn: published.LayerVersionArn, version: published.Version };
}

/**
 * How a zip is named to Lambda: an object of an S3 store, or the zip itself.
 *
 * @param zip The archive.
 * @param what What it is, for messages.
 * @param store An S3 store that it goes through; without one it goes into the request.
 * @param signal Ends the work early.
 * @returns A part of a request's body.
 * @throws {LlamaError} `too-large` if it needs a store and there is none; `store` and others.
 */
export async function zipSource(
  zip: Uint8Array,
  what: string,
  store: ObjectStore | undefined,
  signal?: AbortSignal,
): Promise<{ ZipFile: string } | { S3Bucket: string; S3Key: string }> {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store?.url ?? "") ?? [];
  if (store && bucket !== undefined) {
    return { S3Bucket: bucket, S3Key: prefix + await store.put(zip, signal) };
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
