/**
 * The environment variables of a command.
 *
 * @module
 */

import type { Environment } from "../environment.ts";

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
export async function commandEnvironment(
  environment: Environment,
  { traceId, isLocal }: { traceId: string | undefined; isLocal: boolean },
): Promise<{ environment: Record<string, string>; onlyThese: boolean }> {
  const variables: Record<string, string> = isLocal
    ? (await import("./emulated.ts")).harmlessVariables(environment)
    : {};
  if (traceId !== undefined) variables[traceVariable] = traceId;
  return { environment: variables, onlyThese: isLocal };
}
