/**
 * Sets the retention of function logs.
 *
 * @module
 */

import type { AwsClient } from "../aws/client.ts";
import { createLogGroup, findLogGroup, setRetention } from "../aws/api/logs.ts";
import { llamaTag } from "./stack_template.ts";

/** The retention of functions' logs in days, unless another one is set. */
export const logDays = 14;

/**
 * Returns the log group that Lambda writes a function's logs to.
 *
 * @param name The function's name.
 * @returns The group's name.
 */
export function logGroupOf(name: string): string {
  return `/aws/lambda/${name}`;
}

/**
 * Makes a function's logs expire. Lambda itself would create the group with the first log line and
 * keep its events forever. An existing retention is kept.
 *
 * @param client The AWS client.
 * @param name The function's name.
 * @param stack The stack's name, for the group's tag.
 * @param signal Aborts the work.
 * @returns Whether the retention was changed.
 * @throws {LlamaError} As `callJson`.
 */
export async function limitLogs(
  client: AwsClient,
  name: string,
  stack: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const group = logGroupOf(name);
  const found = await findLogGroup(client, group, signal);
  if (found?.retentionDays !== undefined) return false;
  if (!found) await createLogGroup(client, group, { [llamaTag]: stack }, signal);
  await setRetention(client, group, logDays, signal);
  return true;
}
