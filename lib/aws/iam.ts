/**
 * IAM: roles.
 *
 * @module
 */

import { decodeUriPart } from "./answer.ts";
import type { AwsClient } from "./client.ts";
import { callQuery, isRefusal } from "./control.ts";

/**
 * Who may take a role.
 *
 * @param client Signs and sends.
 * @param arn The role's ARN.
 * @param signal Ends it early.
 * @returns The role's trust policy, JSON; undefined if there is no such role.
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
      // The name is what follows the path.
      parameters: { RoleName: arn.slice(arn.lastIndexOf("/") + 1) },
      signal,
    });
    return decodeUriPart(result.at("Role", "AssumeRolePolicyDocument").text);
  } catch (error) {
    if (isRefusal(error, "NoSuchEntity")) return undefined;
    throw error;
  }
}
