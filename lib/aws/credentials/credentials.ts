/**
 * Finds the credentials that sign requests.
 *
 * @module
 */

import type { Credentials } from "./keys.ts";
import { type Environment, isTrue } from "../../environment.ts";
import { LlamaError } from "../../errors.ts";
import { signInAgain } from "../call_error.ts";
import { botoSource } from "./boto_files.ts";
import {
  type CredentialSource,
  environmentKeys,
  inContainer,
  profileSource,
} from "./credential_source.ts";
import { looksLikeEc2 } from "../ec2.ts";
import { type Profile, readProfile, textOf } from "./profile.ts";

/** A request for credentials that take calls to AWS or to a metadata server. */
export interface ProviderRequest {
  /** Their source. */
  readonly source: CredentialSource;
  /** The profile that was named on the command line. */
  readonly profile: string | undefined;
  /** The environment variables. */
  readonly environment: Environment;
}

/** Provides such credentials. */
export type CredentialProvider = (request: ProviderRequest) => Promise<Credentials>;

/** Options for {@linkcode findCredentials}. */
export interface FindCredentialsOptions {
  /** The profile that was named on the command line. */
  profile?: string | undefined;
  /** Provides credentials that are neither keys nor printed by a program; refused if absent. */
  provider?: CredentialProvider | undefined;
  /** Whether this machine is an EC2 instance, which may have a role. @default {looksLikeEc2} */
  isEc2?: () => Promise<boolean>;
}

/**
 * Finds credentials, in the AWS CLI's order: the environment's keys unless a profile was named, then
 * the profile (with `AWS_WEB_IDENTITY_TOKEN_FILE` before its keys), then the role of the container or
 * instance. Only the first source that is configured is used: if it fails, falling back to the next
 * would use another identity.
 *
 * @param environment The environment variables.
 * @param options The profile, and a provider of other credentials.
 * @returns The credentials.
 * @throws {LlamaError} `credentials`, naming the source that failed or all places searched; `config`
 * if the profile cannot be read.
 */
export async function findCredentials(
  environment: Environment,
  options: FindCredentialsOptions = {},
): Promise<Credentials> {
  const { profile: named, provider, isEc2 = looksLikeEc2 } = options;
  // A named profile must exist even if the environment's keys are used.
  const profile = await readProfile(environment, named);
  const keys = named ? undefined : environmentKeys(environment);
  if (keys) return unexpired(keys, "the environment");
  const source = profileSource(profile, named ? {} : environment, environment) ??
    await botoSource(environment) ?? await machineSource(profile, environment, isEc2);
  if (source === undefined) {
    throw new LlamaError(
      "credentials",
      "no AWS credentials: looked for " +
        (named ? "" : "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ") +
        `profile ${JSON.stringify(profile.name)} of ${profile.files.places}, ` +
        "and the role of a container or instance",
      { hint: "set them, or run `aws configure`; with -local, jobs run without AWS" },
    );
  }
  return unexpired(await get(source, { named, provider, environment }), source.from);
}

async function get(
  source: CredentialSource,
  { named, provider, environment }: {
    named: string | undefined;
    provider: CredentialProvider | undefined;
    environment: Environment;
  },
): Promise<Credentials> {
  if (source.kind === "keys") return source.credentials;
  if (source.kind === "process") {
    const { runCredentialProcess } = await import("./credential_process.ts");
    return await runCredentialProcess(source.command, source.from, environment);
  }
  if (provider) return await provider({ source, profile: named, environment });
  throw new LlamaError("credentials", `no AWS credentials from ${source.from}: they are not keys`);
}

/** The role of the container or instance that llama runs in. */
async function machineSource(
  { values }: Profile,
  environment: Environment,
  isEc2: () => Promise<boolean>,
): Promise<CredentialSource | undefined> {
  if (inContainer(environment)) return { kind: "container", from: "the container's role" };
  if (isTrue(environment["AWS_EC2_METADATA_DISABLED"])) return undefined;
  const asked = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ??
    textOf(values, "ec2_metadata_service_endpoint");
  return asked || await isEc2() ? { kind: "instance", from: "the instance's role" } : undefined;
}

function unexpired(credentials: Credentials, from: string): Credentials {
  const { expiration = Infinity } = credentials;
  if (expiration > Date.now()) return credentials;
  const time = new Date(expiration).toISOString();
  throw new LlamaError("credentials", `the AWS credentials from ${from} expired at ${time}`, {
    hint: signInAgain,
  });
}
