/**
 * IAM's API for roles.
 *
 * @module
 */

import { decodeUriPart } from "../answer.ts";
import type { AwsClient } from "../client.ts";
import { callQuery, isRefusal } from "./call.ts";
import type { Xml } from "./xml.ts";

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
  // https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
  const result = await look(client, "GetRole", { RoleName: roleName(arn) }, signal);
  return result && decodeUriPart(result.at("Role", "AssumeRolePolicyDocument").text);
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
  const parameters = { RoleName: roleName(arn), PolicyName: policy };
  // https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
  const result = await look(client, "GetRolePolicy", parameters, signal);
  return result && decodeUriPart(result.at("PolicyDocument").text);
}

/** Makes a call that reads; returns undefined if there is no such entity. */
async function look(
  client: AwsClient,
  action: string,
  parameters: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Xml | undefined> {
  try {
    return (await callQuery(client, {
      service: "iam",
      action,
      version: "2010-05-08",
      parameters,
      signal,
    })).result;
  } catch (error) {
    if (isRefusal(error, "NoSuchEntity")) return undefined;
    throw error;
  }
}

/** Returns a role's name, which comes after its path. */
function roleName(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
