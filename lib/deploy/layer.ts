/**
 * The runtime as a layer, which zip functions share.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { AwsClient } from "../aws/client.ts";
import { callLambda } from "../aws/lambda_control.ts";
import { LlamaError } from "../errors.ts";
import type { ObjectStore } from "../store/store.ts";
import * as z from "../zod.ts";

/** The processors that Lambda has, by its names for them. */
export type Architecture = "x86_64" | "arm64";

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
  const { name, description, architecture, signal } = layer;
  const answer = await callLambda(client, {
    action: "PublishLayerVersion",
    method: "POST",
    path: `/2018-10-31/layers/${encodeURIComponent(name)}/versions`,
    body: {
      Description: description,
      Content: await contentOf(layer),
      CompatibleRuntimes: [compatibleRuntime],
      CompatibleArchitectures: [architecture],
      LicenseInfo: "Apache-2.0",
    },
    signal,
  });
  const parsed = publishedSchema.safeParse(answer);
  if (!parsed.success) {
    throw new LlamaError("service", "Lambda's answer to PublishLayerVersion names no version", {
      cause: parsed.error,
    });
  }
  return { arn: parsed.data.LayerVersionArn, version: parsed.data.Version };
}

async function contentOf({ zip, store, signal }: Layer): Promise<Record<string, string>> {
  const [, bucket, prefix = ""] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store?.url ?? "") ?? [];
  if (store && bucket !== undefined) {
    return { S3Bucket: bucket, S3Key: prefix + await store.put(zip, signal) };
  }
  if (zip.length > maxDirectZipBytes) {
    throw new LlamaError(
      "too-large",
      `the layer's zip is ${zip.length} bytes; Lambda takes ${maxDirectZipBytes} in a request`,
      { hint: "set LLAMA_OBJECT_STORE=s3://BUCKET/PREFIX/, through which a bigger one goes" },
    );
  }
  return { ZipFile: Buffer.from(zip.buffer, zip.byteOffset, zip.length).toString("base64") };
}
