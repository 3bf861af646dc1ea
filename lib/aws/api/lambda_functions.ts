/**
 * Lambda's API for functions, except for Invoke.
 *
 * @module
 */

import * as z from "../../zod.ts";
import type { AwsClient } from "../client.ts";
import { callRest, isRefusal } from "./call.ts";
import type { Architecture } from "../../functions/architecture.ts";
import {
  configuration,
  type DeployedFunction,
  type FunctionSettings,
  type FunctionState,
  maybe,
  stateOf,
  strings,
} from "./lambda_types.ts";

const functionsPath = "/2015-03-31/functions";

function pathOf(name: string): string {
  return `${functionsPath}/${encodeURIComponent(name)}`;
}

const nothing = z.unknown();

const functionList = z.object({
  Functions: z.array(configuration),
  NextMarker: maybe(z.string()),
});

/**
 * Lists the account's functions in the region, llama's and others.
 *
 * @param client The AWS client.
 * @param signal Aborts the call.
 * @returns The functions, sorted by name; Lambda's list does not contain their states.
 * @throws {LlamaError} As `callRest`.
 */
export async function listFunctions(
  client: AwsClient,
  signal?: AbortSignal,
): Promise<FunctionState[]> {
  const functions: FunctionState[] = [];
  let marker: string | null | undefined;
  do {
    const query = marker ? `?Marker=${encodeURIComponent(marker)}` : "";
    const page = await callRest(client, {
      service: "lambda",
      action: "ListFunctions",
      method: "GET",
      path: `${functionsPath}/${query}`,
      signal,
    }, functionList);
    functions.push(...page.Functions.map(stateOf));
    marker = page.NextMarker;
  } while (marker);
  return functions.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const functionDetails = z.object({
  Configuration: configuration,
  Code: maybe(z.object({ ImageUri: maybe(z.string()), ResolvedImageUri: maybe(z.string()) })),
  Tags: maybe(strings),
  Concurrency: maybe(z.object({ ReservedConcurrentExecutions: maybe(z.number()) })),
});

/**
 * Finds a function.
 *
 * @param client The AWS client.
 * @param name Its name.
 * @param signal Aborts the call.
 * @returns The function, or undefined if there is none.
 * @throws {LlamaError} As `callRest`.
 */
export async function getFunction(
  client: AwsClient,
  name: string,
  signal?: AbortSignal,
): Promise<DeployedFunction | undefined> {
  const found = await unlessMissing(callRest(client, {
    service: "lambda",
    action: "GetFunction",
    method: "GET",
    path: pathOf(name),
    signal,
  }, functionDetails));
  return found && {
    ...stateOf(found.Configuration),
    tags: found.Tags ?? {},
    image: found.Code?.ImageUri ?? undefined,
    resolvedImage: found.Code?.ResolvedImageUri ?? undefined,
    concurrency: found.Concurrency?.ReservedConcurrentExecutions ?? undefined,
  };
}

const functionMarks = z.object({
  Configuration: maybe(z.object({
    Environment: maybe(z.object({ Variables: maybe(strings) })),
    Layers: maybe(z.array(z.object({ Arn: z.string() }))),
  })),
  Tags: maybe(strings),
});

/**
 * Reads the properties that identify llama's functions, and does not validate the rest of the
 * response.
 *
 * @param client The AWS client.
 * @param name A function's name, `NAME:ALIAS` or ARN.
 * @param signal Aborts the call.
 * @returns Tags, environment and layers.
 * @throws {LlamaError} As `callRest`.
 */
export async function getFunctionMarks(
  client: AwsClient,
  name: string,
  signal: AbortSignal,
): Promise<Required<Pick<DeployedFunction, "tags" | "environment" | "layers">>> {
  const { Configuration, Tags } = await callRest(client, {
    service: "lambda",
    action: "GetFunction",
    method: "GET",
    path: pathOf(name),
    signal,
  }, functionMarks);
  return {
    tags: Tags ?? {},
    environment: Configuration?.Environment?.Variables ?? {},
    layers: Configuration?.Layers?.map(({ Arn }) => Arn) ?? [],
  };
}

async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error, "ResourceNotFoundException")) return undefined;
    throw error;
  }
}

/** A function's code: a zip, a zip in a bucket, or an image. */
export type FunctionCode =
  | { readonly ZipFile: string }
  | { readonly S3Bucket: string; readonly S3Key: string }
  | { readonly ImageUri: string };

function settingsBody(settings: FunctionSettings): Record<string, unknown> {
  const { handler, runtime, layers, command, vpc } = settings;
  return {
    Description: settings.description,
    Role: settings.role,
    MemorySize: settings.memory,
    Timeout: settings.timeout,
    EphemeralStorage: { Size: settings.ephemeralStorage },
    Environment: { Variables: settings.environment },
    ...(runtime === undefined ? {} : { Runtime: runtime }),
    ...(handler === undefined ? {} : { Handler: handler }),
    ...(layers === undefined ? {} : { Layers: layers }),
    ...(command === undefined
      ? {}
      : { ImageConfig: command.length > 0 ? { Command: command } : {} }),
    ...(vpc === undefined
      ? {}
      : { VpcConfig: { SubnetIds: vpc.subnets, SecurityGroupIds: vpc.securityGroups } }),
  };
}

/**
 * Creates a function.
 *
 * @param client The AWS client.
 * @param input The function.
 * @param signal Aborts the call.
 * @returns The function, which may not be ready yet.
 * @throws {LlamaError} As `callRest`.
 */
export async function createFunction(
  client: AwsClient,
  input: FunctionSettings & {
    readonly name: string;
    readonly architecture: Architecture;
    readonly code: FunctionCode;
    readonly tags: Readonly<Record<string, string>>;
  },
  signal?: AbortSignal,
): Promise<FunctionState> {
  const { name, architecture, code, tags, ...settings } = input;
  return stateOf(
    await callRest(client, {
      service: "lambda",
      action: "CreateFunction",
      method: "POST",
      path: functionsPath,
      body: {
        FunctionName: name,
        PackageType: "ImageUri" in code ? "Image" : "Zip",
        Architectures: [architecture],
        Code: code,
        Tags: tags,
        ...settingsBody(settings),
      },
      signal,
    }, configuration),
  );
}

/**
 * Replaces a function's code.
 *
 * @param client The AWS client.
 * @param name The function's name.
 * @param code Its new code.
 * @param architecture The code's architecture.
 * @param signal Aborts the call.
 * @returns The function, which may not be ready yet.
 * @throws {LlamaError} As `callRest`.
 */
export async function updateFunctionCode(
  client: AwsClient,
  name: string,
  code: FunctionCode,
  architecture: Architecture,
  signal?: AbortSignal,
): Promise<FunctionState> {
  return stateOf(
    await callRest(client, {
      service: "lambda",
      action: "UpdateFunctionCode",
      method: "PUT",
      path: `${pathOf(name)}/code`,
      body: { ...code, Architectures: [architecture] },
      signal,
    }, configuration),
  );
}

/**
 * Changes a function's settings.
 *
 * @param client The AWS client.
 * @param name The function's name.
 * @param settings All of its settings.
 * @param signal Aborts the call.
 * @returns The function, which may not be ready yet.
 * @throws {LlamaError} As `callRest`.
 */
export async function updateFunctionConfiguration(
  client: AwsClient,
  name: string,
  settings: FunctionSettings,
  signal?: AbortSignal,
): Promise<FunctionState> {
  return stateOf(
    await callRest(client, {
      service: "lambda",
      action: "UpdateFunctionConfiguration",
      method: "PUT",
      path: `${pathOf(name)}/configuration`,
      body: settingsBody(settings),
      signal,
    }, configuration),
  );
}

/**
 * Deletes a function with all its versions.
 *
 * @param client The AWS client.
 * @param name The function's name.
 * @param signal Aborts the call.
 * @returns False if there is none.
 * @throws {LlamaError} As `callRest`.
 */
export async function deleteFunction(
  client: AwsClient,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const deleted = await unlessMissing(
    callRest(client, {
      service: "lambda",
      action: "DeleteFunction",
      method: "DELETE",
      path: pathOf(name),
      signal,
    }, nothing).then(() => true),
  );
  return deleted ?? false;
}

/**
 * Adds tags to a function.
 *
 * @param client The AWS client.
 * @param arn The function's ARN.
 * @param tags The tags.
 * @param signal Aborts the call.
 * @throws {LlamaError} As `callRest`.
 */
export async function tagFunction(
  client: AwsClient,
  arn: string,
  tags: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  await callRest(client, {
    service: "lambda",
    action: "TagResource",
    method: "POST",
    path: `/2017-03-31/tags/${encodeURIComponent(arn)}`,
    body: { Tags: tags },
    signal,
  }, nothing);
}

/**
 * Reserves concurrency for a function, which is also its limit.
 *
 * @param client The AWS client.
 * @param name The function's name.
 * @param concurrency The number of concurrent invocations.
 * @param signal Aborts the call.
 * @throws {LlamaError} As `callRest`.
 */
export async function reserveConcurrency(
  client: AwsClient,
  name: string,
  concurrency: number,
  signal?: AbortSignal,
): Promise<void> {
  await callRest(client, {
    service: "lambda",
    action: "PutFunctionConcurrency",
    method: "PUT",
    path: `/2017-10-31/functions/${encodeURIComponent(name)}/concurrency`,
    body: { ReservedConcurrentExecutions: concurrency },
    signal,
  }, nothing);
}
