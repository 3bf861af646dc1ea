/**
 * Where images of programs go: llama's repository in ECR, or a registry that was named.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { registryLogin } from "../aws/ecr.ts";
import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { dockerLogin } from "./docker_login.ts";
import { Registry } from "./registry.ts";

/** A repository of a registry. */
export interface Repository {
  /** The registry, `HOST` or `HOST:PORT`. */
  readonly host: string;
  /** The repository's name. */
  readonly name: string;
}

/**
 * Says which repository images go to.
 *
 * @param own llama's own repository, `HOST/NAME`.
 * @param named What was named instead: `HOST` or `HOST/NAME`.
 * @returns The repository.
 * @throws {LlamaError} `config` if there is none, `usage` if its name is wrong.
 */
export function repositoryOf(own: string | undefined, named: string | undefined): Repository {
  if (own === undefined && !named) {
    throw new LlamaError("config", "no repository to push the image to", {
      hint: "run `llama bootstrap`, or set one: llama config repository URI",
    });
  }
  const ownName = own?.slice(own.indexOf("/") + 1) ?? "llama";
  const text = !named ? own ?? "" : named.includes("/") ? named : `${named}/${ownName}`;
  const [, host, name] =
    /^([\w.-]+(?::\d+)?|\[[\da-f:]+\](?::\d+)?)\/([a-z\d]+(?:[._/-]+[a-z\d]+)*)$/
      .exec(text) ?? [];
  if (host !== undefined && name !== undefined) return { host, name };
  throw new LlamaError("usage", `${JSON.stringify(text)} is not a repository of a registry`, {
    hint: "write HOST or HOST/REPOSITORY, without a scheme or a tag",
  });
}

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
    login: async (signal) => {
      if (ecr.test(host)) {
        const login = await registryLogin(client, signal);
        if (login.host === host) return login;
      }
      return await dockerLogin(host, environment);
    },
  });
}

/** Hosts of ECR's private registries, which are asked for a login. */
const ecr = /\.dkr[.-]ecr[.-]/;
