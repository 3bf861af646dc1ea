/**
 * Publishes llama's runtime layer, and identifies its versions.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { getLayerVersion, listLayerVersions } from "../aws/api/lambda_layers.ts";
import type { Architecture } from "../functions/architecture.ts";
import { LlamaError } from "../errors.ts";
import { sha256 } from "../files/hash.ts";
import { version } from "../version.ts";
import { type CodeStore, publishLayer } from "./layer.ts";

/**
 * Returns the name of llama's layer. Each stack has its own, which is removed together with it.
 *
 * @param stack The stack's name.
 * @param architecture The layer's architecture.
 * @returns The name, such as `llama-runtime`.
 */
export function layerName(stack: string, architecture: Architecture): string {
  return `${stack}-runtime${architecture === "x86_64" ? "" : `-${architecture}`}`;
}

/** A published runtime. */
export interface RuntimeLayer {
  /** The ARN of the layer's version. */
  readonly arn: string;
  /** Whether it is a new version; otherwise the same runtime was already published. */
  readonly isNew: boolean;
}

/**
 * Publishes a runtime as a version of llama's layer, unless the newest version is the same.
 *
 * @param client The AWS client.
 * @param runtime The runtime's zip, its architecture, the stack whose layer it is for, and an S3
 * store that it may go through.
 * @param signal Aborts the work.
 * @returns The version.
 * @throws {LlamaError} As `publishLayer`.
 */
export async function publishRuntime(
  client: AwsClient,
  runtime: {
    readonly zip: Uint8Array;
    readonly architecture: Architecture;
    readonly stack: string;
    readonly store?: CodeStore | undefined;
  },
  signal?: AbortSignal,
): Promise<RuntimeLayer> {
  const { zip, architecture, stack, store } = runtime;
  const name = layerName(stack, architecture);
  // Lambda returns a version's hash only with a link to its zip, in one call per version.
  const description = `llama ${version}, sha256 ${sha256(zip)}`;
  const [newest] = await listLayerVersions(client, name, signal);
  if (newest?.description === description) return { arn: newest.arn, isNew: false };
  const { arn } = await publishLayer(client, {
    name,
    description,
    zip,
    architecture,
    store,
    signal,
  });
  return { arn, isNew: true };
}

/**
 * Returns the llama version that a layer version contains.
 *
 * @param description The layer version's description.
 * @returns The version, such as `0.1.0`; undefined if the description has none.
 */
export function versionOfLayer(description: string): string | undefined {
  return /^llama (\S+?)(?:,|$)/.exec(description)?.[1];
}

/**
 * Finds the layers with another stack's runtime on a function.
 *
 * @param client The AWS client.
 * @param layers The function's layers.
 * @param ours The layers of the current stack, which are not looked up.
 * @param signal Aborts the work.
 * @returns Their ARNs, including those of deleted layers.
 * @throws {LlamaError} As `callRest`.
 */
export async function otherRuntimes(
  client: AwsClient,
  layers: readonly string[],
  ours: readonly (string | undefined)[],
  signal?: AbortSignal,
): Promise<string[]> {
  const own = ours.map((arn) => arn?.replace(/:\d+$/, ""));
  const found = [];
  for (const arn of layers) {
    const isNamedSo = /:layer:[\w-]+-runtime(-arm64)?:\d+$/.test(arn);
    if (!isNamedSo || own.includes(arn.replace(/:\d+$/, ""))) continue;
    try {
      const version = await getLayerVersion(client, arn, signal);
      if (!version || versionOfLayer(version.description) !== undefined) found.push(arn);
    } catch (error) {
      // Another account's layer may be used, but not looked at. It is the user's own affair.
      if (!(error instanceof LlamaError && error.code === "credentials")) throw error;
    }
  }
  return found;
}
