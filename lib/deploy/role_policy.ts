/**
 * Checks what the functions' role may do with the store, and with the user's objects.
 *
 * @module
 */

import { isRefusal } from "../aws/api/call.ts";
import { rolePolicy } from "../aws/api/iam.ts";
import type { AwsClient } from "../aws/client.ts";
import { resultsPrefix } from "../store/prefixes.ts";
import * as z from "../zod.ts";
import { type Grants, type GrantStatement, grantStatements, noGrants } from "./grants.ts";
import { grantsPolicyName, objectPrefix, storePolicyName } from "./stack_template.ts";

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
  const statements = await statementsOf(arn, storePolicyName, client, signal);
  const keys = `/${objectPrefix}${resultsPrefix}*`;
  return statements?.some(({ Effect, Action, Resource }) =>
    Effect === "Deny" && [Resource].flat().some((resource) => resource.endsWith(keys)) &&
    ["s3:GetObject", "s3:PutObject"].every((action) => [Action].flat().includes(action))
  ) === false;
}

/**
 * Returns the grants of a stack that its role's policy does not have, such as after a change by hand.
 *
 * @param arn The role.
 * @param grants The grants.
 * @param client The AWS client.
 * @param signal Aborts the call.
 * @returns The grants that are missing; none also if the policy cannot be read or understood.
 * @throws {LlamaError} As `rolePolicy`.
 */
export async function missingGrants(
  arn: string,
  { read, write }: Grants,
  client: AwsClient,
  signal: AbortSignal | undefined,
): Promise<Grants> {
  const there = await statementsOf(arn, grantsPolicyName, client, signal);
  if (there === undefined) return noGrants;
  const lacks = (grants: Grants) =>
    grantStatements(grants).some((granted) => !there.some((each) => allows(each, granted)));
  return {
    read: read.filter((url) => lacks({ read: [url], write: [] })),
    write: write.filter((url) => lacks({ read: [], write: [url] })),
  };
}

const oneOrMore = z.union([z.string(), z.array(z.string())]);

/** The part of a policy that is read. */
const policySchema = z.object({
  Statement: z.array(z.object({
    Effect: z.string(),
    Action: oneOrMore,
    Resource: oneOrMore,
    Condition: z.optional(z.object({
      StringLike: z.optional(z.object({ "s3:prefix": z.optional(oneOrMore) })),
    })),
  })),
});

type Statement = z.output<typeof policySchema>["Statement"][number];

/**
 * Returns the statements of a role's policy.
 *
 * @returns None if there is no such policy; undefined if it cannot be read, or is not JSON.
 */
async function statementsOf(
  arn: string,
  name: string,
  client: AwsClient,
  signal: AbortSignal | undefined,
): Promise<readonly Statement[] | undefined> {
  let policy: string | undefined;
  try {
    policy = await rolePolicy(client, arn, name, signal);
  } catch (error) {
    // Not every user may read policies, and runs do not need it.
    if (isRefusal(error, "AccessDenied")) return undefined;
    throw error;
  }
  if (policy === undefined) return [];
  let document: unknown;
  try {
    document = JSON.parse(policy);
  } catch {
    // An emulator's.
    return undefined;
  }
  return policySchema.safeParse(document).data?.Statement ?? [];
}

/** Reports whether a statement allows what was granted. */
function allows(
  { Effect, Action, Resource, Condition }: Statement,
  { actions, bucket, keys, prefix }: GrantStatement,
): boolean {
  const prefixes = [Condition?.StringLike?.["s3:prefix"] ?? []].flat();
  return Effect === "Allow" && actions.every((action) => [Action].flat().includes(action)) &&
    [Resource].flat().some((resource) => resource.endsWith(`:::${bucket}${keys}`)) &&
    (Condition === undefined || (prefix !== undefined && prefixes.includes(prefix)));
}
