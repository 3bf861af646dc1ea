/**
 * The directories in which llama keeps what outlives a process.
 *
 * @module
 */

import { isAbsolute, join } from "node:path";
import type { Environment } from "../environment.ts";

/** The kinds of directories: https://specifications.freedesktop.org/basedir-spec/latest/ */
const kinds = {
  cache: { variable: "XDG_CACHE_HOME", below: ".cache/llama" },
  state: { variable: "XDG_STATE_HOME", below: ".local/state/llama" },
} as const;

/**
 * Returns llama's directory of a kind. It need not exist.
 *
 * @param environment `LLAMA_DIR` names the directory; the default is `llama` in `XDG_CACHE_HOME` or
 * `XDG_STATE_HOME`, or else in `~/.cache` or `~/.local/state`.
 * @param kind What may be removed at any time (`cache`), or what is worth keeping (`state`).
 * @returns The directory; undefined if there is no home directory.
 */
export function ownDirectory(
  environment: Environment,
  kind: keyof typeof kinds,
): string | undefined {
  const { variable, below } = kinds[kind];
  const { LLAMA_DIR: own, [variable]: base, HOME: home } = environment;
  if (own) return own;
  if (base && isAbsolute(base)) return join(base, "llama");
  return home ? join(home, below) : undefined;
}
