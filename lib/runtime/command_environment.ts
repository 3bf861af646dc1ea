/**
 * The environment variables of a command.
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

/** The variable in which the X-Ray SDKs look for the invocation's trace. */
const traceVariable = "_X_AMZN_TRACE_ID";

/**
 * Returns the variables for a command. On Lambda it inherits all, since it may use the function's
 * role; locally there is no role, only the user's own credentials.
 *
 * @param environment The runtime's own variables.
 * @param options The invocation's trace, and whether this is the emulator.
 * @returns The variables to set, and whether no others are inherited.
 */
export function commandEnvironment(
  environment: Environment,
  { traceId, isLocal }: { traceId: string | undefined; isLocal: boolean },
): { environment: Record<string, string>; onlyThese: boolean } {
  const variables: Record<string, string> = {};
  if (isLocal) {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined || withheld.has(name) || name.startsWith("DENO_")) continue;
      variables[name] = value;
    }
  }
  if (traceId !== undefined) variables[traceVariable] = traceId;
  return { environment: variables, onlyThese: isLocal };
}
