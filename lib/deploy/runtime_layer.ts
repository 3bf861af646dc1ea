/**
 * llama's own layer: which versions of it there are, and one for the runtime at hand.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { getLayerVersion, listLayerVersions } from "../aws/lambda_account.ts";
import type { Architecture } from "../aws/lambda_function.ts";
import { sha256 } from "../hash.ts";
import { version } from "../version.ts";
import { type CodeStore, publishLayer } from "./layer.ts";

/**
 * The name of llama's layer. Each stack has its own, which goes with it.
 *
 * @param stack The stack's name.
 * @param architecture The processor that the layer is for.
 * @returns Such as `llama-runtime`.
 */
export function layerName(stack: string, architecture: Architecture): string {
  return `${stack}-runtime${architecture === "x86_64" ? "" : `-${architecture}`}`;
}

/** A published runtime. */
export interface RuntimeLayer {
  /** The ARN of the layer's version. */
  readonly arn: string;
  /** Whether it was published now; otherwise the same runtime was there already. */
  readonly isNew: boolean;
}

/**
 * Publishes a runtime as a version of llama's layer, unless the newest version is the same.
 *
 * @param client Signs and sends.
 * @param runtime The runtime's zip, its processor, the stack whose layer it is for, and an S3 store
 * that it may go through.
 * @param signal Ends it early.
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
  // Lambda tells a version's hash only together with a link to its zip, one version a call.
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
 * Which llama a version of the layer is of.
 *
 * @param description The version's description.
 * @returns Such as `0.1.0`; undefined if it does not say.
 */
export function versionOfLayer(description: string): string | undefined {
  return /^llama (\S+?)(?:,|$)/.exec(description)?.[1];
}

/**
 * Finds the layers with llama's runtime that another stack left on a function.
 *
 * @param client Signs and sends.
 * @param layers The function's layers.
 * @param ours The layers of the current stack, which are not looked up.
 * @param signal Ends it early.
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
    const version = await getLayerVersion(client, arn, signal);
    if (!version || versionOfLayer(version.description) !== undefined) found.push(arn);
  }
  return found;
}
