/**
 * STS's API for the identity of the credentials.
 *
 * @module
 */

import { LlamaError } from "../../errors.ts";
import type { AwsClient } from "../client.ts";
import { callQuery } from "./call.ts";

/** The identity of the credentials. */
export interface Identity {
  /** The 12-digit account id. */
  readonly account: string;
  /** The ARN of the user or role. */
  readonly arn: string;
  /** The time of the response; undefined if it had none. */
  readonly time: Date | undefined;
}

/**
 * Returns the identity of the credentials. No permission is needed.
 *
 * @param client The AWS client.
 * @param signal Aborts the call.
 * @returns The identity.
 * @throws {LlamaError} `credentials` if there are none or AWS rejects them, or as `callAws`.
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
    throw new LlamaError("service", "the response to sts:GetCallerIdentity has no account");
  }
  const date = new Date(headers.get("date") ?? "");
  return { account, arn, time: Number.isNaN(date.getTime()) ? undefined : date };
}
