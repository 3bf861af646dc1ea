/**
 * Credentials that are more than keys, by the AWS SDK's own providers: sign-ins, roles, programs.
 *
 * This module is loaded when a profile asks for it, and the SDK with it.
 *
 * @module
 */

import { fromNodeProviderChain } from "npm:@aws-sdk/credential-providers@3.1175.0";
import { LlamaError, messageOf } from "../errors.ts";
import type { Credentials, ProviderRequest } from "./credentials.ts";

/** What the providers need beside the request. */
export interface ProviderOptions {
  /** The region of the calls that get a role's credentials. */
  region: string | undefined;
  /** Asks the user for the code of an MFA device. */
  mfaCode: ((serial: string) => Promise<string>) | undefined;
}

/**
 * Gets credentials.
 *
 * @param request Who asks for them.
 * @param options Region, and who knows the code of an MFA device.
 * @returns The credentials, with the time at which they expire.
 * @throws {LlamaError} `credentials`.
 */
export async function provideCredentials(
  { source, profile, environment }: ProviderRequest,
  { region, mfaCode }: ProviderOptions,
): Promise<Credentials> {
  const { AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE } = environment;
  const provide = fromNodeProviderChain({
    ...(profile === undefined ? {} : { profile }),
    ...(AWS_SHARED_CREDENTIALS_FILE ? { filepath: AWS_SHARED_CREDENTIALS_FILE } : {}),
    ...(AWS_CONFIG_FILE ? { configFilepath: AWS_CONFIG_FILE } : {}),
    ...(region === undefined ? {} : { clientConfig: { region } }),
    ...(mfaCode === undefined ? {} : { mfaCodeProvider: mfaCode }),
    // A file that has changed, by a sign-in in another terminal, is read again.
    ignoreCache: true,
  });
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provide();
    return { accessKeyId, secretAccessKey, sessionToken, expiration: expiration?.getTime() };
  } catch (cause) {
    if (cause instanceof LlamaError) throw cause;
    throw new LlamaError("credentials", `no AWS credentials from ${source}: ${messageOf(cause)}`, {
      cause,
      hint: /\bsso\b|session.*(expired|invalid)/i.test(messageOf(cause)) && profile !== undefined
        ? `sign in: aws sso login --profile ${profile}`
        : undefined,
    });
  }
}
