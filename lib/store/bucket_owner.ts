/**
 * The account that a store's bucket must belong to.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";

/** The account numbers of llama's emulator and of AWS's runtime interface emulator. */
const emulated = ["000000000000", "012345678912"];

/**
 * Returns the account that a resource belongs to.
 *
 * @param arn The resource's ARN.
 * @returns Its number; undefined if there is no ARN, or it is an emulator's.
 */
export function accountOfArn(arn: string | undefined): string | undefined {
  const account = /^arn:[^:]+:[^:]+:[^:]*:(\d{12}):/.exec(arn ?? "")?.[1];
  return account === undefined || emulated.includes(account) ? undefined : account;
}

/**
 * Returns the account that a store's bucket must belong to. The name of a deleted bucket may be taken
 * by somebody else, who would then receive what is sent.
 *
 * @param environment `LLAMA_BUCKET_OWNER` names another account than the one that is known, or is
 * `any`.
 * @param known The account that is known otherwise.
 * @returns The account's number; undefined for any.
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
