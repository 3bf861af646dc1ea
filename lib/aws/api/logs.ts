/**
 * CloudWatch Logs' API for log groups.
 *
 * @module
 */

import * as z from "../../zod.ts";
import type { AwsClient } from "../client.ts";
import { callJson, isRefusal } from "./call.ts";
import { maybe } from "./lambda_types.ts";

const api = { service: "logs", target: "Logs_20140328" } as const;

const groups = z.object({
  logGroups: maybe(z.array(z.object({
    logGroupName: z.string(),
    retentionInDays: maybe(z.number()),
  }))),
});

/** A log group. */
export interface LogGroup {
  /** Its name. */
  readonly name: string;
  /** The number of days after which its events expire; undefined if they never do. */
  readonly retentionDays: number | undefined;
}

/**
 * Finds a log group.
 *
 * @param client The AWS client.
 * @param name Its name.
 * @param signal Aborts the call.
 * @returns The group, or undefined if there is none.
 * @throws {LlamaError} As `callJson`.
 */
export async function findLogGroup(
  client: AwsClient,
  name: string,
  signal?: AbortSignal,
): Promise<LogGroup | undefined> {
  // Groups are listed by name, so an exact match comes first.
  const input = { logGroupNamePrefix: name, limit: 1 };
  const call = { ...api, action: "DescribeLogGroups", input, signal };
  const { logGroups } = await callJson(client, call, groups);
  const found = logGroups?.find(({ logGroupName }) => logGroupName === name);
  return found && { name, retentionDays: found.retentionInDays ?? undefined };
}

/**
 * Creates a log group. An existing group is not an error.
 *
 * @param client The AWS client.
 * @param name Its name.
 * @param tags Its tags.
 * @param signal Aborts the call.
 * @throws {LlamaError} As `callJson`.
 */
export async function createLogGroup(
  client: AwsClient,
  name: string,
  tags: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const input = { logGroupName: name, tags };
  try {
    await callJson(client, { ...api, action: "CreateLogGroup", input, signal }, z.unknown());
  } catch (error) {
    if (!isRefusal(error, "ResourceAlreadyExistsException")) throw error;
  }
}

/**
 * Sets the retention of a log group.
 *
 * @param client The AWS client.
 * @param name The group's name.
 * @param days A number of days that CloudWatch Logs accepts, such as 14.
 * @param signal Aborts the call.
 * @throws {LlamaError} As `callJson`.
 */
export async function setRetention(
  client: AwsClient,
  name: string,
  days: number,
  signal?: AbortSignal,
): Promise<void> {
  const input = { logGroupName: name, retentionInDays: days };
  await callJson(client, { ...api, action: "PutRetentionPolicy", input, signal }, z.unknown());
}

/**
 * Deletes a log group with all its events.
 *
 * @param client The AWS client.
 * @param name Its name.
 * @param signal Aborts the call.
 * @returns False if there is none.
 * @throws {LlamaError} As `callJson`.
 */
export async function deleteLogGroup(
  client: AwsClient,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const input = { logGroupName: name };
  try {
    await callJson(client, { ...api, action: "DeleteLogGroup", input, signal }, z.unknown());
    return true;
  } catch (error) {
    if (isRefusal(error, "ResourceNotFoundException")) return false;
    throw error;
  }
}
