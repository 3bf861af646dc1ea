/**
 * Checks what the functions' role may do with the store.
 *
 * @module
 */

import { isRefusal } from "../aws/api/call.ts";
import { rolePolicy } from "../aws/api/iam.ts";
import type { AwsClient } from "../aws/client.ts";
import { resultsPrefix } from "../store/prefixes.ts";
import * as z from "../zod.ts";
import { objectPrefix, storePolicyName } from "./stack_template.ts";

/**
 * Reports whether the role of a stack lacks the denial that an up-to-date stack has.
 *
 * @param arn The role.
 * @param client The AWS client.
 * @param signal Aborts the call.
 * @returns False also if its policy cannot be read or understood.
 * @throws {LlamaError} As `rolePolicy`.
 */
export async function mayForgeResults(
  arn: string,
  client: AwsClient,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let policy: string | undefined;
  try {
    policy = await rolePolicy(client, arn, storePolicyName, signal);
  } catch (error) {
    // Not every user may read policies, and runs do not need it.
    if (isRefusal(error, "AccessDenied")) return false;
    throw error;
  }
  return policy === undefined || denies(policy, `/${objectPrefix}${resultsPrefix}*`) === false;
}

/** The part of a policy that {@linkcode denies} reads. */
const policySchema = z.object({
  Statement: z.array(z.object({
    Effect: z.string(),
    Action: z.union([z.string(), z.array(z.string())]),
    Resource: z.union([z.string(), z.array(z.string())]),
  })),
});

/** Reports whether a policy denies reading and writing all keys of a prefix; undefined if it is not JSON. */
function denies(policy: string, keys: string): boolean | undefined {
  let document: unknown;
  try {
    document = JSON.parse(policy);
  } catch {
    // An emulator's.
    return undefined;
  }
  const { data } = policySchema.safeParse(document);
  return data?.Statement.some(({ Effect, Action, Resource }) =>
    Effect === "Deny" && [Resource].flat().some((resource) => resource.endsWith(keys)) &&
    ["s3:GetObject", "s3:PutObject"].every((action) => [Action].flat().includes(action))
  ) ?? false;
}
