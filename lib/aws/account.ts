/**
 * The user's AWS account, as configured by flags and environment.
 *
 * @module
 */

import type { Environment } from "../environment.ts";
import { LlamaError, messageOf } from "../errors.ts";
import type { AwsClientOptions } from "./client.ts";
import { type CredentialProvider, findCredentials } from "./credentials/credentials.ts";
import { findLocation } from "./endpoint.ts";

/** Settings from the command line. */
export interface AccountOptions {
  /** The region. */
  region?: string | undefined;
  /** The profile of the AWS CLI's files. */
  profile?: string | undefined;
  /** Asks the user for the code of the MFA device with a serial number. */
  mfaCode?: ((serial: string) => Promise<string>) | undefined;
}

type Providers = typeof import("./credentials/providers.ts");

/** The client options for an account. */
export type Account = Pick<AwsClientOptions, "credentials" | "location" | "maxAttempts">;

/**
 * Returns the client options for the user's account. Files are read on demand.
 *
 * @param environment The environment variables.
 * @param options Settings from the command line.
 * @throws {LlamaError} `config` if `AWS_MAX_ATTEMPTS` is not a positive integer.
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
    return await import("./credentials/providers.ts");
  } catch (cause) {
    // The runtime's program lacks it, since Lambda provides keys. From source, npm may be unreachable.
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
