/**
 * Keys in the files of the AWS CLI's predecessors, which the AWS CLI still reads.
 *
 * @module
 */

import type { Environment } from "../../environment.ts";
import { LlamaError, reasonOf } from "../../errors.ts";
import { type CredentialSource, keysOf } from "./credential_source.ts";
import { expand, readIni } from "./profile.ts";

/**
 * Returns the keys in `AWS_CREDENTIAL_FILE`, or else in boto 2's file.
 *
 * @param environment The environment variables.
 * @returns The keys; undefined if no file has any.
 * @throws {LlamaError} `config` if a file cannot be read, `credentials` if a key pair is incomplete.
 */
export async function botoSource(environment: Environment): Promise<CredentialSource | undefined> {
  const old = environment["AWS_CREDENTIAL_FILE"];
  const keys = old === undefined ? undefined : await credentialFile(await expand(old, environment));
  if (keys) return keys;
  const named = environment["BOTO_CONFIG"];
  for (const each of named === undefined ? ["/etc/boto.cfg", "~/.boto"] : [named]) {
    const path = await expand(each, environment);
    const section = (await readIni(path)).sections.get("Credentials");
    const keys = keysOf(section, path, path);
    if (keys) return keys;
  }
  return undefined;
}

/** Lines of `NAME=VALUE`, without sections. */
async function credentialFile(path: string): Promise<CredentialSource | undefined> {
  let text;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new LlamaError("config", `AWS_CREDENTIAL_FILE: cannot read ${path}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  const settings = new Map(
    text.split("\n").filter((line) => line.includes("=")).map((line) => {
      const [name = "", ...value] = line.split("=");
      return [name.trim(), value.join("=").trim()];
    }),
  );
  const [id, secret] = [settings.get("AWSAccessKeyId"), settings.get("AWSSecretKey")];
  if (id === undefined) return undefined;
  return keysOf(
    new Map([["aws_access_key_id", id], ["aws_secret_access_key", secret ?? ""]]),
    "AWS_CREDENTIAL_FILE",
    path,
  );
}
