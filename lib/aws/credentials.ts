/**
 * What signs a request.
 *
 * @module
 */

import { type Environment, isOn } from "../environment.ts";
import { LlamaError } from "../errors.ts";
import { type Profile, readProfile } from "./profile.ts";

/** AWS credentials. */
export interface Credentials {
  /** The access key's public part. */
  readonly accessKeyId: string;
  /** The access key's secret part. */
  readonly secretAccessKey: string;
  /** The token of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** When they expire, in milliseconds since 1970; never if absent. */
  readonly expiration?: number | undefined;
}

/** Credentials that are more than two lines of a file: a role, a sign-in, a program's output. */
export interface ProviderRequest {
  /** Where they come from, for messages. */
  readonly source: string;
  /** The profile that asks for them; undefined where the environment does. */
  readonly profile: string | undefined;
  /** The environment variables. */
  readonly environment: Environment;
}

/** Gets such credentials. */
export type CredentialProvider = (request: ProviderRequest) => Promise<Credentials>;

/** Where credentials are looked for. */
export interface FindCredentialsOptions {
  /** The profile that was named on the command line. */
  profile?: string | undefined;
  /** Gets credentials that are more than keys; without it there are none of these. */
  provider?: CredentialProvider | undefined;
  /** Whether this machine is one of EC2's, which may have a role. @default {a look at it} */
  isEc2?: () => Promise<boolean>;
}

/**
 * Finds credentials, in the AWS CLI's order: a profile that was named, the environment, then
 * `AWS_PROFILE` or the default profile, then the role of the container or instance.
 *
 * @param environment The environment variables.
 * @param options A profile, and who gets what is more than keys.
 * @returns The credentials.
 * @throws {LlamaError} `credentials`, saying where was looked.
 */
export async function findCredentials(
  environment: Environment,
  options: FindCredentialsOptions = {},
): Promise<Credentials> {
  const { profile: named, provider, isEc2 = looksLikeEc2 } = options;
  if (!named) {
    const keys = keysOf((name) => environment[name.toUpperCase()]);
    if (keys) return keys;
  }
  const get = (source: string, profile?: string) =>
    provider?.({ source, profile, environment }) ?? undefined;
  if (!named && environment["AWS_WEB_IDENTITY_TOKEN_FILE"] && environment["AWS_ROLE_ARN"]) {
    const found = await get("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (found) return found;
  }
  const profile = await readProfile(environment, named);
  const found = await fromProfile(profile, (source) => get(source, profile.name));
  if (found) return found;
  if (
    environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] ||
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
  ) {
    const found = await get("the container's role");
    if (found) return found;
  }
  const withInstance = !isOn(environment["AWS_EC2_METADATA_DISABLED"]) &&
    (environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] || await isEc2());
  if (withInstance) {
    const found = await get("the instance's role");
    if (found) return found;
  }
  throw new LlamaError(
    "credentials",
    "no AWS credentials: looked for " +
      (named ? "" : "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ") +
      `profile ${JSON.stringify(profile.name)} of ${profile.files.join(" and ")}, ` +
      "and the role of a container or instance",
    { hint: "set them, or run `aws configure`; with -local, jobs run without AWS" },
  );
}

/** In the CLI's order, in which a role comes before keys, and a program after them. */
async function fromProfile(
  { name, values }: Profile,
  get: (source: string) => Promise<Credentials> | undefined,
): Promise<Credentials | undefined> {
  const has = (...keys: string[]) => keys.some((key) => values.has(key));
  const source = `profile ${JSON.stringify(name)}`;
  if (has("role_arn", "sso_session", "sso_start_url", "login_session")) return await get(source);
  return keysOf((key) => values.get(key)) ??
    (has("credential_process") ? await get(source) : undefined);
}

function keysOf(value: (name: string) => string | undefined): Credentials | undefined {
  const accessKeyId = value("aws_access_key_id");
  const secretAccessKey = value("aws_secret_access_key");
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: value("aws_session_token") || undefined };
}

/**
 * Asking the metadata service of a machine that has none takes seconds, so only one of EC2's is
 * asked: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html
 */
async function looksLikeEc2(): Promise<boolean> {
  try {
    return (await Deno.readTextFile("/sys/class/dmi/id/board_asset_tag")).startsWith("i-") ||
      (await Deno.readTextFile("/sys/class/dmi/id/sys_vendor")).trim() === "Amazon EC2";
  } catch {
    // Not there, or not to be read: then it is some other machine.
    return false;
  }
}
