/**
 * What differs under the emulator, and is loaded only there.
 *
 * @module
 */

import type { Environment } from "../environment.ts";

/** Variables withheld from local jobs: the user's secrets and the emulator's addresses. */
const withheld: ReadonlySet<string> = new Set([
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_LAMBDA_RUNTIME_API",
  "LLAMA_BUCKET_OWNER",
  "LLAMA_KEYS_ON_STDIN",
  "LLAMA_LOCAL",
  "LLAMA_LOCAL_BUCKET",
  "LLAMA_OBJECT_STORE",
]);

/**
 * Returns the variables that local jobs get.
 *
 * @param environment The runtime's own variables.
 */
export function harmlessVariables(environment: Environment): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || withheld.has(name) || name.startsWith("DENO_")) continue;
    variables[name] = value;
  }
  return variables;
}
