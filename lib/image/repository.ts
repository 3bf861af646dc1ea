/**
 * The names of repositories that images are pushed to.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";

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
