/**
 * Opens the repository that images of programs go to.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { registryLogin } from "../aws/api/ecr.ts";
import type { Environment } from "../environment.ts";
import { dockerLogin } from "./docker_login.ts";
import { Registry } from "./registry.ts";
import type { Repository } from "./repository.ts";

/**
 * Opens a repository with the login that its registry needs: ECR's goes to ECR alone, and others get
 * what `docker login` left.
 *
 * @param repository The repository.
 * @param client The account.
 * @param environment Says where docker keeps its logins.
 * @returns The repository, to be disposed of.
 * @throws {LlamaError} `config` as the account's settings.
 */
export async function openRepository(
  { host, name }: Repository,
  client: AwsClient,
  environment: Environment,
): Promise<Registry> {
  const { caBundle } = await client.location();
  return new Registry(host, name, {
    caBundle,
    login: async (signal) =>
      await registryLogin(client, host, signal) ?? await dockerLogin(host, environment),
  });
}
