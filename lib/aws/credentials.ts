/**
 * What signs a request.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { readProfile } from "./profile.ts";

/** AWS credentials. */
export interface Credentials {
  /** The access key's public part. */
  readonly accessKeyId: string;
  /** The access key's secret part. */
  readonly secretAccessKey: string;
  /** The token of temporary credentials. */
  readonly sessionToken?: string | undefined;
}

/**
 * Finds credentials, in the AWS CLI's order: a profile that was named, the environment, then
 * `AWS_PROFILE` or the default profile.
 *
 * @param environment The environment variables.
 * @param profile The profile that was named on the command line.
 * @returns The credentials.
 * @throws {LlamaError} `credentials`, saying where was looked.
 */
export async function findCredentials(
  environment: Environment,
  profile?: string,
): Promise<Credentials> {
  if (!profile) {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
    if (accessKeyId && secretAccessKey) {
      const sessionToken = environment["AWS_SESSION_TOKEN"] || undefined;
      return { accessKeyId, secretAccessKey, sessionToken };
    }
  }
  const found = await readProfile(environment, profile);
  const accessKeyId = found.values.get("aws_access_key_id");
  const secretAccessKey = found.values.get("aws_secret_access_key");
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: found.values.get("aws_session_token") };
  }
  const places = `profile ${JSON.stringify(found.name)} of ${found.files.join(" and ")}`;
  throw new LlamaError(
    "credentials",
    profile
      ? `no AWS credentials: ${places} has no access key`
      : `no AWS credentials: looked for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and in ${places}`,
    { hint: "set them, run `aws configure`, or use -local to run without AWS" },
  );
}
