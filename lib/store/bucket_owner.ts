/**
 * The account that a store's bucket must belong to.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";

/** The account numbers of llama's emulator and AWS's runtime interface emulator. */
const emulated = ["000000000000", "012345678912"];

/**
 * Returns the account that a resource belongs to.
 *
 * @param arn The resource's ARN.
 * @returns The account's number; undefined without an ARN, or for an emulator's.
 */
export function accountOfArn(arn: string | undefined): string | undefined {
  const account = /^arn:[^:]+:[^:]+:[^:]*:(\d{12}):/.exec(arn ?? "")?.[1];
  return account === undefined || emulated.includes(account) ? undefined : account;
}

/**
 * Returns the account that a store's bucket must belong to. Anybody may take the name of a deleted
 * bucket, and would then receive the objects.
 *
 * @param environment `LLAMA_BUCKET_OWNER` names an account, or is `any`.
 * @param known The account to use otherwise.
 * @returns The account's number; undefined if any account will do.
 * @throws {LlamaError} `config` if the variable is neither.
 */
export function bucketOwner(
  environment: Environment,
  known: string | undefined,
): string | undefined {
  const named = environment["LLAMA_BUCKET_OWNER"];
  if (!named) return known;
  if (named === "any") return undefined;
  if (/^\d{12}$/.test(named)) return named;
  throw new LlamaError(
    "config",
    `LLAMA_BUCKET_OWNER must be a 12-digit account number or "any", not ${JSON.stringify(named)}`,
  );
}
