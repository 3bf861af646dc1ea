/**
 * ECR, the registry that Lambda takes container images from.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError } from "../errors.ts";
import * as z from "../zod.ts";
import type { AwsClient } from "./client.ts";
import { callJson, isRefusal } from "./control.ts";

/** A login for a registry, good for 12 hours. */
export interface RegistryLogin {
  /** The user's name. */
  readonly user: string;
  /** The password. */
  readonly password: string;
}

const api = { service: "ecr", target: "AmazonEC2ContainerRegistry_V20150921" } as const;

const token = z.object({
  authorizationData: z.array(
    z.object({ authorizationToken: z.string(), proxyEndpoint: z.string() }),
  ),
});

const deleted = z.object({
  failures: z.optional(z.array(z.object({
    failureCode: z.optional(z.string()),
    failureReason: z.optional(z.string()),
  }))),
});

/** Hosts of ECR's private registries. */
const ecrHost = /\.dkr[.-]ecr[.-]/;

/**
 * Gets a login for a registry, if it is the account's own: no other host gets what pushes to ECR.
 *
 * @param client Signs and sends.
 * @param host The registry.
 * @param signal Ends it early.
 * @returns The login; undefined for another registry.
 * @throws {LlamaError} As `callJson`.
 */
export async function registryLogin(
  client: AwsClient,
  host: string,
  signal?: AbortSignal,
): Promise<RegistryLogin | undefined> {
  if (!ecrHost.test(host)) return undefined;
  // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
  const { authorizationData: [data] } = await callJson(
    client,
    { ...api, action: "GetAuthorizationToken", input: {}, signal },
    token,
  );
  const text = Buffer.from(data?.authorizationToken ?? "", "base64").toString();
  const [, user, password] = /^([^:]+):(.+)$/s.exec(text) ?? [];
  if (user === undefined || password === undefined || !URL.canParse(data?.proxyEndpoint ?? "")) {
    throw new LlamaError("service", "ecr:GetAuthorizationToken answered without a login");
  }
  return new URL(data?.proxyEndpoint ?? "").host === host ? { user, password } : undefined;
}

/**
 * Whether a repository is there.
 *
 * @param client Signs and sends.
 * @param uri Its URI, without a tag.
 * @param signal Ends it early.
 * @returns True if it is.
 * @throws {LlamaError} As `callJson`.
 */
export async function hasRepository(
  client: AwsClient,
  uri: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const repositoryNames = [uri.slice(uri.indexOf("/") + 1)];
  try {
    const call = { ...api, action: "DescribeRepositories", input: { repositoryNames }, signal };
    await callJson(client, call, z.unknown());
    return true;
  } catch (error) {
    if (isRefusal(error, "RepositoryNotFoundException")) return false;
    throw error;
  }
}

/**
 * Deletes an image by its tag. One that is not there is no error.
 *
 * @param client Signs and sends.
 * @param repository The repository's name, without the registry's host.
 * @param tag The image's tag.
 * @param signal Ends it early.
 * @throws {LlamaError} As `callJson`.
 */
export async function deleteImage(
  client: AwsClient,
  repository: string,
  tag: string,
  signal?: AbortSignal,
): Promise<void> {
  const { failures } = await callJson(client, {
    ...api,
    action: "BatchDeleteImage",
    input: { repositoryName: repository, imageIds: [{ imageTag: tag }] },
    signal,
  }, deleted);
  const failure = failures?.find(({ failureCode }) => failureCode !== "ImageNotFound");
  if (failure) {
    throw new LlamaError(
      "service",
      `ECR did not delete ${repository}:${tag}: ${failure.failureCode}: ${failure.failureReason}`,
    );
  }
}
