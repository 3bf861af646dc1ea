/**
 * The user's own AWS account, as flags and environment name it.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError, messageOf } from "../errors.ts";
import type { AwsClientOptions } from "./client.ts";
import { type CredentialProvider, findCredentials } from "./credentials/credentials.ts";
import { findLocation } from "./endpoint.ts";

/** What the user named, beside the environment. */
export interface AccountOptions {
  /** The region. */
  region?: string | undefined;
  /** The profile of the AWS CLI's files. */
  profile?: string | undefined;
  /** Asks for the code of an MFA device; gets the device's serial number. */
  mfaCode?: ((serial: string) => Promise<string>) | undefined;
}

type Providers = typeof import("./credentials/providers.ts");

/** How the account is reached. */
export type Account = Pick<AwsClientOptions, "credentials" | "location" | "maxAttempts">;

/**
 * Says how the user's account is reached. Nothing is read before it is needed.
 *
 * @param environment The environment variables.
 * @param options What the user named.
 * @returns What a client is made of.
 * @throws {LlamaError} `config` if `AWS_MAX_ATTEMPTS` is no number.
 */
export function findAccount(environment: Environment, options: AccountOptions = {}): Account {
  const { region, profile, mfaCode } = options;
  const location = () => findLocation(environment, { region, profile });
  const provider: CredentialProvider = async (request) => {
    const { kind, from } = request.source;
    if (kind === "container") {
      const { containerCredentials } = await import("./credentials/container_credentials.ts");
      return await containerCredentials(environment, from);
    }
    const { provideCredentials } = await loadProviders(from);
    const { region, caBundle } = await location();
    return await provideCredentials(request, { region, caBundle, mfaCode });
  };
  return {
    credentials: () => findCredentials(environment, { profile, provider }),
    location,
    maxAttempts: maxAttemptsOf(environment),
  };
}

async function loadProviders(source: string): Promise<Providers> {
  try {
    // By a name that is computed: what is named literally is fetched before the program starts, and
    // behind this one is the AWS SDK.
    return await import(import.meta.resolve("./credentials/providers.ts"));
  } catch (cause) {
    // The runtime's program is without it: Lambda gives keys. From source, npm may not be reached.
    const message = `no AWS credentials from ${source}: cannot load the credential provider`;
    throw new LlamaError("credentials", `${message}: ${messageOf(cause)}`, {
      cause,
      hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead",
    });
  }
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
function maxAttemptsOf({ AWS_MAX_ATTEMPTS: text }: Environment): number | undefined {
  if (!text) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new LlamaError("config", `AWS_MAX_ATTEMPTS must be a positive integer, not ${text}`);
}
