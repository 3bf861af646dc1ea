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

const images = z.object({
  images: z.array(z.object({
    imageId: z.object({ imageDigest: z.string(), imageTag: z.optional(z.string()) }),
    imageManifest: z.string(),
  })),
});

/** An image in a repository. */
export interface StoredImage {
  /** The digest of its manifest. */
  readonly digest: string;
  /** Its manifest, JSON. */
  readonly manifest: string;
}

/**
 * Whether a registry is one of ECR's private ones.
 *
 * @param host The registry.
 */
export function isEcr(host: string): boolean {
  return ecrHost.test(host);
}

/**
 * Looks up an image.
 *
 * @param client Signs and sends.
 * @param repository The repository's name, without the registry's host.
 * @param id The image's digest, or its tag.
 * @param signal Ends it early.
 * @returns The image, or undefined if there is none.
 * @throws {LlamaError} As `callJson`.
 */
export async function findImage(
  client: AwsClient,
  repository: string,
  id: { readonly imageDigest: string } | { readonly imageTag: string },
  signal?: AbortSignal,
): Promise<StoredImage | undefined> {
  try {
    const { images: [found] } = await callJson(client, {
      ...api,
      action: "BatchGetImage",
      input: {
        repositoryName: repository,
        imageIds: [id],
        acceptedMediaTypes: [
          "application/vnd.docker.distribution.manifest.v2+json",
          "application/vnd.oci.image.manifest.v1+json",
        ],
      },
      signal,
    }, images);
    return found && { digest: found.imageId.imageDigest, manifest: found.imageManifest };
  } catch (error) {
    if (isRefusal(error, "RepositoryNotFoundException")) return undefined;
    throw error;
  }
}

/**
 * Says where a blob of a repository can be got, for a while and without a signature.
 *
 * @param client Signs and sends.
 * @param repository The repository's name, without the registry's host.
 * @param digest The blob's digest.
 * @param signal Ends it early.
 * @returns A URL.
 * @throws {LlamaError} As `callJson`.
 */
export async function blobUrl(
  client: AwsClient,
  repository: string,
  digest: string,
  signal?: AbortSignal,
): Promise<string> {
  const input = { repositoryName: repository, layerDigest: digest };
  const call = { ...api, action: "GetDownloadUrlForLayer", input, signal };
  return (await callJson(client, call, z.object({ downloadUrl: z.string() }))).downloadUrl;
}

/**
 * Deletes an image. One that is not there is not an error.
 *
 * @param client Signs and sends.
 * @param repository The repository's name, without the registry's host.
 * @param id The image's digest, with all its tags; or a tag alone.
 * @param signal Ends it early.
 * @throws {LlamaError} As `callJson`.
 */
export async function deleteImage(
  client: AwsClient,
  repository: string,
  id: { readonly imageDigest: string } | { readonly imageTag: string },
  signal?: AbortSignal,
): Promise<void> {
  const { failures } = await callJson(client, {
    ...api,
    action: "BatchDeleteImage",
    input: { repositoryName: repository, imageIds: [id] },
    signal,
  }, deleted);
  const failure = failures?.find(({ failureCode }) => failureCode !== "ImageNotFound");
  if (failure) {
    throw new LlamaError(
      "service",
      `ECR did not delete ${
        Object.values(id)[0]
      } of ${repository}: ${failure.failureCode}: ${failure.failureReason}`,
    );
  }
}
