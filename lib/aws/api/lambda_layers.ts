/**
 * Lambda's API for what is not one function's: layers, and the account's limits.
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
 * How many invocations the account may run at once in the region.
 *
 * @param client Signs and sends.
 * @param signal Ends it early.
 * @returns All of them, and those that no function has reserved.
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
  /** Its ARN, with its number. */
  readonly arn: string;
  /** Its number. */
  readonly version: number;
  /** What it is, as its publisher says. */
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
 * All versions of a layer.
 *
 * @param client Signs and sends.
 * @param name The layer's name.
 * @param signal Ends it early.
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
 * A version of a layer.
 *
 * @param client Signs and sends.
 * @param arn Its ARN.
 * @param signal Ends it early.
 * @returns The version, or undefined if it is not there or has been deleted.
 * @throws {LlamaError} As `callRest`.
 */
export async function getLayerVersion(
  client: AwsClient,
  arn: string,
  signal?: AbortSignal,
): Promise<LayerVersionState | undefined> {
  // A layer's ARN does for its name, and a version's is that and the number.
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
 * Deletes a version of a layer. Functions that have it go on; one that is not there is no error.
 *
 * @param client Signs and sends.
 * @param name The layer's name.
 * @param version The version's number.
 * @param signal Ends it early.
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
