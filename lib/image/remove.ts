/**
 * Removes the image of a function that is gone.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { deleteImage, isEcr } from "../aws/api/ecr.ts";
import type { DeployedFunction } from "../aws/api/lambda_types.ts";
import { imageState } from "./contents.ts";
import { openRepository } from "./target.ts";
import type { Environment } from "../environment.ts";

/** What is known when an image is removed. */
export interface Removal {
  /** The account. */
  readonly client: AwsClient;
  /** Says where docker keeps its logins. */
  readonly environment: Environment;
  /** llama's own repository. */
  readonly repository: string | undefined;
  /** The stack in force. */
  readonly stack: string;
  /** The functions that are left. */
  readonly others: readonly Pick<DeployedFunction, "image">[];
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/**
 * Removes a function's image: the tag that llama gave it in its own repository; elsewhere the image
 * itself, if its label names the stack and no other function is made of it.
 *
 * @param found The function.
 * @param removal What is known.
 * @returns What was removed; undefined if nothing was.
 * @throws {LlamaError} As ECR or the registry.
 */
export async function removeImage(
  found: Pick<DeployedFunction, "name" | "image">,
  { client, environment, repository, stack, others, signal }: Removal,
): Promise<string | undefined> {
  const { name, image } = found;
  if (image === undefined) return undefined;
  const own = repository !== undefined && image.startsWith(repository)
    ? image.slice(repository.length)
    : undefined;
  if (repository !== undefined && (own === `:${name}` || own?.startsWith("@"))) {
    const repositoryName = repository.slice(repository.indexOf("/") + 1);
    // Another function may be made of the same image, under a tag of its own.
    await deleteImage(client, repositoryName, name, signal);
    return `${repository}:${name}`;
  }
  const [host = ""] = image.split("/");
  // Only what llama pushed is named by its digest, and its labels say so.
  if (isEcr(host) || !image.includes("@") || others.some((other) => other.image === image)) {
    return undefined;
  }
  const state = await imageState(found, client, environment, signal);
  if (!state?.isThere || state.digest === undefined || state.contents?.stack !== stack) {
    return undefined;
  }
  const repositoryName = state.repository.slice(state.repository.indexOf("/") + 1);
  using registry = await openRepository({ host, name: repositoryName }, client, environment);
  await registry.deleteManifest(state.digest, signal);
  return image;
}
