/**
 * Who the credentials belong to: the Security Token Service.
 *
 * @module
 */

import { LlamaError } from "../../errors.ts";
import type { AwsClient } from "../client.ts";
import { callQuery } from "./call.ts";

/** Whose credentials are used. */
export interface Identity {
  /** The account's number, 12 digits. */
  readonly account: string;
  /** The user or the role. */
  readonly arn: string;
  /** What time it is there; undefined if the answer did not say. */
  readonly time: Date | undefined;
}

/**
 * Asks AWS whose credentials are used. Any valid ones may ask.
 *
 * @param client Signs and sends.
 * @param signal Ends it early.
 * @returns The account and the user.
 * @throws {LlamaError} `credentials` if there are none or AWS does not know them, or as
 * `callAws`.
 */
export async function callerIdentity(client: AwsClient, signal?: AbortSignal): Promise<Identity> {
  // https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
  const { result, headers } = await callQuery(client, {
    service: "sts",
    action: "GetCallerIdentity",
    version: "2011-06-15",
    signal,
  });
  const account = result.textAt("Account");
  const arn = result.textAt("Arn");
  if (account === undefined || arn === undefined) {
    throw new LlamaError("service", "sts:GetCallerIdentity answered without an account");
  }
  const date = new Date(headers.get("date") ?? "");
  return { account, arn, time: Number.isNaN(date.getTime()) ? undefined : date };
}
