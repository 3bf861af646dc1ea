/**
 * ECR's API: repositories, images and logins.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError } from "../../errors.ts";
import { sha256 } from "../../files/hash.ts";
import * as z from "../../zod.ts";
import type { AwsClient } from "../client.ts";
import { AwsError, callJson, isRefusal } from "./call.ts";
import { maybe } from "./lambda_types.ts";

/** A login for a registry, valid for 12 hours. */
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
 * @param client The AWS client.
 * @param host The registry.
 * @param signal Aborts the call.
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
    throw new LlamaError("service", "the response to ecr:GetAuthorizationToken has no login");
  }
  return new URL(data?.proxyEndpoint ?? "").host === host ? { user, password } : undefined;
}

/** Matches the account and the rest of an ECR URI. */
const ecrUri = /^(\d{12})\.dkr[.-][^/]+\/(.+)$/;

/**
 * Reports whether a repository exists.
 *
 * @param client The AWS client.
 * @param uri Its URI, without a tag.
 * @param signal Aborts the call.
 * @returns True if it does; undefined if the URI is not an ECR URI.
 * @throws {LlamaError} As `callJson`.
 */
export async function hasRepository(
  client: AwsClient,
  uri: string,
  signal?: AbortSignal,
): Promise<boolean | undefined> {
  const [, registryId, name] = ecrUri.exec(uri) ?? [];
  if (registryId === undefined) return undefined;
  const input = { registryId, repositoryNames: [name] };
  try {
    await callJson(client, { ...api, action: "DescribeRepositories", input, signal }, z.unknown());
    return true;
  } catch (error) {
    if (isRefusal(error, "RepositoryNotFoundException")) return false;
    throw error;
  }
}

const foundImages = z.object({
  images: maybe(z.array(z.object({
    imageId: maybe(z.object({ imageDigest: maybe(z.string()) })),
    imageManifest: maybe(z.string()),
  }))),
});
const layerUrl = z.object({ downloadUrl: z.string() });

/** A repository of ECR. */
export interface EcrRepository {
  /** The account that it is in. @default {the caller's} */
  readonly registryId?: string | undefined;
  /** Its name, without the registry's host. */
  readonly repositoryName: string;
}

/** An image in a repository. */
export interface StoredImage {
  /** The digest of its manifest. */
  readonly digest: string;
  /** Its manifest, JSON. */
  readonly manifest: string;
}

/**
 * Returns whether a registry is one of ECR's private ones.
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
 * @param repository The repository.
 * @param id The image's digest, or its tag.
 * @param signal Cancels the operation.
 * @returns The image, or undefined if there is none.
 * @throws {LlamaError} As `callJson`.
 */
export async function findImage(
  client: AwsClient,
  repository: EcrRepository,
  id: { readonly imageDigest: string } | { readonly imageTag: string },
  signal?: AbortSignal,
): Promise<StoredImage | undefined> {
  try {
    const { images } = await callJson(client, {
      ...api,
      action: "BatchGetImage",
      input: { ...repository, imageIds: [id], acceptedMediaTypes: manifestTypes },
      signal,
    }, foundImages);
    const { imageId, imageManifest } = images?.[0] ?? {};
    if (!imageManifest) return undefined;
    // A digest is what a manifest is known by, whether or not ECR repeats it.
    const digest = imageId?.imageDigest ?? `sha256:${sha256(Buffer.from(imageManifest))}`;
    return { digest, manifest: imageManifest };
  } catch (error) {
    if (isRefusal(error, "RepositoryNotFoundException")) return undefined;
    throw error;
  }
}

/**
 * Returns where a blob can be downloaded for a while without a signature.
 *
 * @param client Signs and sends.
 * @param repository The repository.
 * @param digest The blob's digest.
 * @param signal Cancels the operation.
 * @returns A URL.
 * @throws {LlamaError} As `callJson`.
 */
export async function blobUrl(
  client: AwsClient,
  repository: EcrRepository,
  digest: string,
  signal?: AbortSignal,
): Promise<string> {
  const input = { ...repository, layerDigest: digest };
  const call = { ...api, action: "GetDownloadUrlForLayer", input, signal };
  return (await callJson(client, call, layerUrl)).downloadUrl;
}

/** The platform of an image. */
export interface ImageKind {
  /** Whether it is a list of images, one per platform. */
  readonly isList: boolean;
  /** The architecture as Go names it, such as `amd64` or `arm64`; undefined for a list. */
  readonly architecture: string | undefined;
}

const manifest = z.object({
  manifests: maybe(z.array(z.unknown())),
  config: maybe(z.object({ digest: z.string() })),
});
const imageConfig = z.object({ architecture: maybe(z.string()) });

/** https://github.com/opencontainers/image-spec/blob/main/media-types.md, and Docker's own. */
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/**
 * Returns the platform of an image in ECR.
 *
 * @param client The AWS client.
 * @param image Such as `123456789012.dkr.ecr.us-west-2.amazonaws.com/llama:hello`.
 * @param signal Aborts the call.
 * @returns The platform; undefined if the image is not in ECR or may not be read. Lambda itself
 * reports the former, and does not need the caller's permission for the latter.
 * @throws {LlamaError} `network` if ECR's API cannot be reached.
 */
export async function imageKind(
  client: AwsClient,
  image: string,
  signal?: AbortSignal,
): Promise<ImageKind | undefined> {
  const [, registryId, rest = ""] = ecrUri.exec(image) ?? [];
  const [, repositoryName, tag = "latest", digest] =
    /^([^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(rest) ?? [];
  if (registryId === undefined || repositoryName === undefined) return undefined;
  const repository = { registryId, repositoryName };
  try {
    const id = digest === undefined ? { imageTag: tag } : { imageDigest: digest };
    const image = await findImage(client, repository, id, signal);
    const found = manifest.safeParse(parseJson(image?.manifest));
    if (!found.success) return undefined;
    const { manifests, config } = found.data;
    if (manifests) return { isList: true, architecture: undefined };
    if (!config) return undefined;
    const downloadUrl = await blobUrl(client, repository, config.digest, signal);
    const read = imageConfig.safeParse(parseJson(await download(downloadUrl, signal)));
    return { isList: false, architecture: read.data?.architecture ?? undefined };
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
}

const downloadMilliseconds = 30_000;

/** Downloads a presigned URL; returns undefined if that fails. */
async function download(url: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(downloadMilliseconds);
  try {
    const response = await fetch(url, {
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return await response.text();
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

/**
 * Deletes an image by its tag. A missing image is not an error.
 *
 * @param client The AWS client.
 * @param repository The repository's name, without the registry's host.
 * @param tag The image's tag.
 * @param signal Aborts the call.
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
