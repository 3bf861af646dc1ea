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
      // The role's name comes after its path.
      parameters: { RoleName: arn.slice(arn.lastIndexOf("/") + 1) },
      signal,
    });
    return decodeUriPart(result.at("Role", "AssumeRolePolicyDocument").text);
  } catch (error) {
    if (isRefusal(error, "NoSuchEntity")) return undefined;
    throw error;
  }
}
