/**
 * Chooses where credentials come from, as the AWS CLI does, without getting them.
 *
 * The order and the refusals are botocore's:
 * https://github.com/boto/botocore/blob/develop/botocore/credentials.py
 *
 * @module
 */

import { type Environment, isTrue } from "../../environment.ts";
import { LlamaError } from "../../errors.ts";
import type { Credentials } from "./keys.ts";
import type { Section } from "./ini.ts";
import { type AwsFiles, type Profile, textOf } from "./profile.ts";

/** A place that credentials come from. */
export type CredentialSource =
  & {
    /** The profile or variable that asks for them, for messages, such as `profile "work"`. */
    readonly from: string;
  }
  & (
    | { readonly kind: "keys"; readonly credentials: Credentials }
    | RoleSource
    | WebIdentitySource
    | SsoSource
    | { readonly kind: "login"; readonly profile: string }
    | { readonly kind: "process"; readonly command: string }
    | { readonly kind: "container" | "instance" }
  );

/** A role that other credentials assume. */
export interface RoleSource {
  readonly kind: "role";
  /** The role's ARN. */
  readonly roleArn: string;
  /** The session's name, where one is set. */
  readonly sessionName: string | undefined;
  /** The id that the role's owner has agreed on. */
  readonly externalId: string | undefined;
  /** The MFA device whose code is needed. */
  readonly mfaSerial: string | undefined;
  /** How long the credentials are good, in seconds. */
  readonly durationSeconds: number | undefined;
  /** The source of the credentials that assume the role. */
  readonly source: CredentialSource;
}

/** A role that the token of an identity provider assumes. */
export interface WebIdentitySource {
  readonly kind: "web-identity";
  /** The file that holds the token. */
  readonly tokenFile: string;
  /** The role's ARN. */
  readonly roleArn: string;
  /** The session's name, where one is set. */
  readonly sessionName: string | undefined;
}

/** A sign-in to IAM Identity Center. */
export interface SsoSource {
  readonly kind: "sso";
  /** The profile that has the settings. */
  readonly profile: string;
  /** The portal's URL. */
  readonly startUrl: string;
  /** The portal's region. */
  readonly region: string;
  /** The account. */
  readonly accountId: string;
  /** The role in the account. */
  readonly roleName: string;
  /** The `[sso-session]` section, where the profile names one. */
  readonly session: string | undefined;
}

/**
 * Returns the keys in the environment.
 *
 * @param environment The environment variables.
 * @returns The keys; undefined if there is no access key.
 * @throws {LlamaError} `credentials` if its secret is missing, or its expiry is not a time.
 */
export function environmentKeys(environment: Environment): Credentials | undefined {
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"];
  if (!accessKeyId) return undefined;
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"];
  if (!secretAccessKey) {
    throw refusal("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not", {
      hint: "set both, or neither to use a profile",
    });
  }
  const expiry = environment["AWS_CREDENTIAL_EXPIRATION"];
  const expiration = expiry ? Date.parse(expiry) : undefined;
  if (Number.isNaN(expiration)) {
    throw refusal(`AWS_CREDENTIAL_EXPIRATION is not a time: ${JSON.stringify(expiry)}`);
  }
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: environment["AWS_SECURITY_TOKEN"] || environment["AWS_SESSION_TOKEN"] ||
      undefined,
    ...(expiration === undefined ? {} : { expiration }),
  };
}

/**
 * Returns the source of a profile's credentials.
 *
 * @param profile The profile.
 * @param environment The environment variables; empty if the profile was named, so that it alone
 * counts.
 * @param all The environment variables in any case, for `credential_source`.
 * @returns The source; undefined if the profile has none.
 * @throws {LlamaError} `credentials` or `config` if the AWS CLI refuses the profile.
 */
export function profileSource(
  { name, files }: Profile,
  environment: Environment,
  all: Environment,
): CredentialSource | undefined {
  const section = sectionOf(files, name);
  return assumesRole(section)
    ? roleSource(files, name, all, [name])
    : ownSource(files, name, environment);
}

function sectionOf(files: AwsFiles, name: string): Section {
  return files.profiles.get(name) ?? new Map<string, string>();
}

/** A profile with a web identity's token does not need other credentials to assume its role. */
function assumesRole(section: Section): boolean {
  return section.has("role_arn") && !section.has("web_identity_token_file");
}

const hasKeys = (section: Section) =>
  section.has("aws_access_key_id") || section.has("aws_secret_access_key");

/** @param visited The profiles that led to this one. */
function roleSource(
  files: AwsFiles,
  name: string,
  environment: Environment,
  visited: readonly string[],
): CredentialSource {
  const section = sectionOf(files, name);
  const text = (setting: string) => textOf(section, setting);
  const from = fromProfile(name);
  const [sourceProfile, credentialSource] = [text("source_profile"), text("credential_source")];
  if (sourceProfile !== undefined && credentialSource !== undefined) {
    throw refusal(`${from} has both source_profile and credential_source`, {
      hint: "remove one of the two lines",
    });
  }
  let source: CredentialSource;
  if (credentialSource !== undefined) {
    source = namedSource(credentialSource, from, environment);
  } else if (sourceProfile !== undefined) {
    source = sourceProfileOf(files, name, sourceProfile, environment, visited);
  } else {
    throw refusal(`${from} has role_arn, but neither source_profile nor credential_source`, {
      hint: "source_profile names the profile whose credentials assume the role",
    });
  }
  const checked = (setting: RoleSetting) => check(text(setting), setting, from);
  const duration = text("duration_seconds");
  // The AWS CLI ignores a value that is not a number.
  const durationSeconds = duration !== undefined && /^\d+$/.test(duration)
    ? Number(duration)
    : undefined;
  if (durationSeconds !== undefined && durationSeconds < leastDurationSeconds) {
    throw refusal(`duration_seconds for ${from} is less than ${leastDurationSeconds}`);
  }
  return {
    kind: "role",
    from,
    roleArn: checked("role_arn") ?? "",
    sessionName: checked("role_session_name"),
    externalId: checked("external_id"),
    mfaSerial: checked("mfa_serial"),
    durationSeconds,
    source,
  };
}

/** Minimum lengths: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const leastLengths = { role_arn: 20, role_session_name: 2, external_id: 2, mfa_serial: 9 };
const leastDurationSeconds = 900;
type RoleSetting = keyof typeof leastLengths;

function check(value: string | undefined, setting: RoleSetting, from: string): string | undefined {
  const least = leastLengths[setting];
  if (value === undefined || value.length >= least) return value;
  throw refusal(`${setting} for ${from} has fewer than ${least} characters`);
}

function namedSource(source: string, from: string, environment: Environment): CredentialSource {
  if (source === "EcsContainer" && inContainer(environment)) return { kind: "container", from };
  const isDisabled = isTrue(environment["AWS_EC2_METADATA_DISABLED"]);
  if (source === "Ec2InstanceMetadata" && !isDisabled) return { kind: "instance", from };
  const keys = source === "Environment" ? environmentKeys(environment) : undefined;
  if (keys) return { kind: "keys", from, credentials: keys };
  const lacking = new Map([
    ["Environment", "AWS_ACCESS_KEY_ID is not set"],
    ["EcsContainer", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set"],
    ["Ec2InstanceMetadata", "AWS_EC2_METADATA_DISABLED is true"],
  ]).get(source);
  if (lacking !== undefined) {
    throw refusal(`${from} has credential_source = ${source}, but ${lacking}`);
  }
  throw refusal(`${from} has an unknown credential_source: ${JSON.stringify(source)}`, {
    hint: "write Environment, EcsContainer or Ec2InstanceMetadata",
  });
}

function sourceProfileOf(
  files: AwsFiles,
  name: string,
  source: string,
  environment: Environment,
  visited: readonly string[],
): CredentialSource {
  const section = files.profiles.get(source);
  if (section === undefined) {
    throw refusal(`${fromProfile(name)} has source_profile = ${source}, which does not exist`);
  }
  // A profile may name itself, for its own keys.
  if (visited.includes(source) && (source !== name || !hasKeys(section))) {
    throw refusal(`${fromProfile(name)} has source_profile = ${source}, which leads back to it`);
  }
  if (assumesRole(section) && !hasKeys(section)) {
    return roleSource(files, source, environment, [...visited, source]);
  }
  const found = ownSource(files, source, {});
  if (found !== undefined) return found;
  throw refusal(`${fromProfile(name)} has source_profile = ${source}, which has no credentials`);
}

/** Returns the source of a profile's own credentials: all but a role that others assume. */
function ownSource(
  files: AwsFiles,
  name: string,
  environment: Environment,
): CredentialSource | undefined {
  const section = sectionOf(files, name);
  const from = fromProfile(name);
  const command = textOf(section, "credential_process");
  const { credentials, config } = files;
  return webIdentity(section, from, environment) ?? sso(files, name, section) ??
    keysOf(credentials.get(name), from, files.credentialsPath) ??
    (section.has("login_session") ? { kind: "login", from, profile: name } : undefined) ??
    (command === undefined ? undefined : { kind: "process", from, command }) ??
    keysOf(config.get(name), from, files.configPath);
}

function webIdentity(
  section: Section,
  from: string,
  environment: Environment,
): CredentialSource | undefined {
  const get = (variable: string, setting: string) =>
    environment[variable] ?? textOf(section, setting);
  const tokenFile = get("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
  if (!tokenFile) return undefined;
  const place = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] ? "AWS_WEB_IDENTITY_TOKEN_FILE" : from;
  const roleArn = get("AWS_ROLE_ARN", "role_arn");
  if (!roleArn) {
    throw refusal(`${place} names the token of a web identity, but nothing names its role`, {
      hint: "set AWS_ROLE_ARN, or role_arn in the profile",
    });
  }
  check(roleArn, "role_arn", place);
  const sessionName = check(
    get("AWS_ROLE_SESSION_NAME", "role_session_name"),
    "role_session_name",
    place,
  );
  return { kind: "web-identity", from: place, tokenFile, roleArn, sessionName };
}

function sso(files: AwsFiles, name: string, section: Section): CredentialSource | undefined {
  if (!section.has("sso_role_name") && !section.has("sso_account_id")) return undefined;
  const from = fromProfile(name);
  const session = textOf(section, "sso_session");
  const settings = new Map(section);
  if (session !== undefined) {
    const shared = files.ssoSessions.get(session);
    if (shared === undefined) {
      throw refusal(
        `${from} names sso_session ${session}, but there is no [sso-session ${session}]`,
      );
    }
    for (const [key, value] of shared) {
      if (settings.has(key) && settings.get(key) !== value) {
        throw refusal(`${from} and its [sso-session ${session}] differ in ${key}`);
      }
      settings.set(key, value);
    }
  }
  const need = (key: string) => {
    const value = textOf(settings, key);
    if (value !== undefined) return value;
    throw refusal(`${from} is an SSO profile, but lacks ${key}`, {
      hint: `run \`aws configure sso --profile ${name}\``,
    });
  };
  return {
    kind: "sso",
    from,
    profile: name,
    startUrl: need("sso_start_url"),
    region: need("sso_region"),
    accountId: need("sso_account_id"),
    roleName: need("sso_role_name"),
    session,
  };
}

/**
 * Returns the keys of one file's section; keys and tokens of two files are never mixed.
 *
 * @param section The section.
 * @param from The section's name for messages.
 * @param path The file's path.
 * @returns The keys; undefined if the section has no access key.
 * @throws {LlamaError} `credentials` if the key pair is incomplete.
 */
export function keysOf(
  section: Section | undefined,
  from: string,
  path: string,
): CredentialSource | undefined {
  if (!section?.has("aws_access_key_id")) return undefined;
  const accessKeyId = textOf(section, "aws_access_key_id");
  const secretAccessKey = textOf(section, "aws_secret_access_key");
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? "aws_secret_access_key" : "aws_access_key_id";
    throw refusal(`${from} has an incomplete key pair in ${path}: ${missing} is missing or empty`);
  }
  const token = textOf(section, "aws_security_token") ?? textOf(section, "aws_session_token");
  return {
    kind: "keys",
    from,
    credentials: { accessKeyId, secretAccessKey, sessionToken: token || undefined },
  };
}

/**
 * Reports whether the environment offers a container's role.
 */
export function inContainer(environment: Environment): boolean {
  return environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] !== undefined ||
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] !== undefined;
}

function fromProfile(name: string): string {
  return `profile ${JSON.stringify(name)}`;
}

function refusal(message: string, options: { hint?: string } = {}): LlamaError {
  return new LlamaError("credentials", `no AWS credentials: ${message}`, options);
}
