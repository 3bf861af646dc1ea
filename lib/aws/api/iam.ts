/**
 * IAM's API for roles.
 *
 * @module
 */

import { decodeUriPart } from "../answer.ts";
import type { AwsClient } from "../client.ts";
import { callQuery, isRefusal } from "./call.ts";

/**
 * Returns the trust policy of a role, which names the principals that may assume it.
 *
 * @param client The AWS client.
 * @param arn The role's ARN.
 * @param signal Aborts the call.
 * @returns The policy as JSON; undefined if there is no such role.
 * @throws {LlamaError} As `callAws`.
 */
export async function trustPolicy(
  client: AwsClient,
  arn: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
    const { result } = await callQuery(client, {
      service: "iam",
      action: "GetRole",
      version: "2010-05-08",
      parameters: { RoleName: roleName(arn) },
      signal,
    });
    return decodeUriPart(result.at("Role", "AssumeRolePolicyDocument").text);
  } catch (error) {
    if (isRefusal(error, "NoSuchEntity")) return undefined;
    throw error;
  }
}

/**
 * Returns an inline policy of a role.
 *
 * @param client The AWS client.
 * @param arn The role's ARN.
 * @param policy The policy's name.
 * @param signal Aborts the call.
 * @returns The policy as JSON; undefined if there is no such role or policy.
 * @throws {LlamaError} As `callAws`.
 */
export async function rolePolicy(
  client: AwsClient,
  arn: string,
  policy: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
    const { result } = await callQuery(client, {
      service: "iam",
      action: "GetRolePolicy",
      version: "2010-05-08",
      parameters: { RoleName: roleName(arn), PolicyName: policy },
      signal,
    });
    return decodeUriPart(result.at("PolicyDocument").text);
  } catch (error) {
    if (isRefusal(error, "NoSuchEntity")) return undefined;
    throw error;
  }
}

/** Returns a role's name, which comes after its path. */
function roleName(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
