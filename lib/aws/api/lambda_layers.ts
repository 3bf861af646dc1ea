/**
 * Lambda's API for layers and for the account's limits.
 *
 * @module
 */

import * as z from "../../zod.ts";
import type { AwsClient } from "../client.ts";
import { callRest, isRefusal } from "./call.ts";
import { maybe } from "./lambda_types.ts";

const accountSettings = z.object({
  AccountLimit: z.object({
    ConcurrentExecutions: z.number(),
    UnreservedConcurrentExecutions: maybe(z.number()),
  }),
});

/**
 * Returns the account's concurrency limit in the region.
 *
 * @param client The AWS client.
 * @param signal Aborts the call.
 * @returns The limit, and the part of it that no function has reserved.
 * @throws {LlamaError} As `callRest`.
 */
export async function accountConcurrency(
  client: AwsClient,
  signal?: AbortSignal,
): Promise<{ limit: number; unreserved: number }> {
  const { AccountLimit: limits } = await callRest(client, {
    service: "lambda",
    action: "GetAccountSettings",
    method: "GET",
    path: "/2016-08-19/account-settings/",
    signal,
  }, accountSettings);
  const limit = limits.ConcurrentExecutions;
  return { limit, unreserved: limits.UnreservedConcurrentExecutions ?? limit };
}

/** A version of a layer. */
export interface LayerVersionState {
  /** Its ARN, including its number. */
  readonly arn: string;
  /** Its number. */
  readonly version: number;
  /** Its publisher's description. */
  readonly description: string;
}

const layerVersion = z.object({
  LayerVersionArn: z.string(),
  Version: z.number(),
  Description: maybe(z.string()),
});

function versionOf(found: z.output<typeof layerVersion>): LayerVersionState {
  return {
    arn: found.LayerVersionArn,
    version: found.Version,
    description: found.Description ?? "",
  };
}

const layerVersions = z.object({
  LayerVersions: z.array(layerVersion),
  NextMarker: maybe(z.string()),
});

function versionsPath(name: string): string {
  return `/2018-10-31/layers/${encodeURIComponent(name)}/versions`;
}

/**
 * Lists the versions of a layer.
 *
 * @param client The AWS client.
 * @param name The layer's name.
 * @param signal Aborts the call.
 * @returns The versions, the newest first; none if there is no such layer.
 * @throws {LlamaError} As `callRest`.
 */
export async function listLayerVersions(
  client: AwsClient,
  name: string,
  signal?: AbortSignal,
): Promise<LayerVersionState[]> {
  const versions: LayerVersionState[] = [];
  let marker: string | null | undefined;
  do {
    const page = await callRest(client, {
      service: "lambda",
      action: "ListLayerVersions",
      method: "GET",
      path: versionsPath(name) + (marker ? `?Marker=${encodeURIComponent(marker)}` : ""),
      signal,
    }, layerVersions);
    versions.push(...page.LayerVersions.map(versionOf));
    marker = page.NextMarker;
  } while (marker);
  return versions.sort((a, b) => b.version - a.version);
}

/**
 * Finds a version of a layer.
 *
 * @param client The AWS client.
 * @param arn Its ARN.
 * @param signal Aborts the call.
 * @returns The version, or undefined if it does not exist.
 * @throws {LlamaError} As `callRest`.
 */
export async function getLayerVersion(
  client: AwsClient,
  arn: string,
  signal?: AbortSignal,
): Promise<LayerVersionState | undefined> {
  // A version's ARN is the layer's ARN, which the API accepts as a name, and the number.
  const colon = arn.lastIndexOf(":");
  const layer = arn.slice(0, colon);
  const number = arn.slice(colon + 1);
  try {
    return versionOf(
      await callRest(client, {
        service: "lambda",
        action: "GetLayerVersion",
        method: "GET",
        path: `${versionsPath(layer)}/${number}`,
        signal,
      }, layerVersion),
    );
  } catch (error) {
    if (isRefusal(error, "ResourceNotFoundException")) return undefined;
    throw error;
  }
}

/**
 * Deletes a version of a layer. Functions that use it keep working; a missing version is not an
 * error.
 *
 * @param client The AWS client.
 * @param name The layer's name.
 * @param version The version's number.
 * @param signal Aborts the call.
 * @throws {LlamaError} As `callRest`.
 */
export async function deleteLayerVersion(
  client: AwsClient,
  name: string,
  version: number,
  signal?: AbortSignal,
): Promise<void> {
  await callRest(client, {
    service: "lambda",
    action: "DeleteLayerVersion",
    method: "DELETE",
    path: `${versionsPath(name)}/${version}`,
    signal,
  }, z.unknown());
}
