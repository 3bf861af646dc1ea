/**
 * Credentials that are more than keys, by the AWS SDK's own providers: sign-ins, roles, programs.
 *
 * This module is loaded when a profile asks for it, and the SDK with it.
 *
 * @module
 */

import { fromNodeProviderChain } from "npm:@aws-sdk/credential-providers@3.1175.0";
import { FetchHttpHandler } from "npm:@smithy/fetch-http-handler@5.8.1";
import { LlamaError, messageOf } from "../errors.ts";
import { boundedBody } from "./answer.ts";
import { Connections } from "./connections.ts";
import type { Credentials, ProviderRequest } from "./credentials.ts";

/** The most that is read of an answer with credentials, in bytes. */
const maxAnswerBytes = 1024 * 1024;

/** What the providers need beside the request. */
export interface ProviderOptions {
  /** The region of the calls that get a role's credentials. */
  region: string | undefined;
  /** A file of certificates that these calls trust beside Mozilla's. */
  caBundle: string | undefined;
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
  { region, caBundle, mfaCode }: ProviderOptions,
): Promise<Credentials> {
  using connections = new Connections(caBundle);
  const { AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE } = environment;
  const provide = fromNodeProviderChain({
    ...(profile === undefined ? {} : { profile }),
    ...(AWS_SHARED_CREDENTIALS_FILE ? { filepath: AWS_SHARED_CREDENTIALS_FILE } : {}),
    ...(AWS_CONFIG_FILE ? { configFilepath: AWS_CONFIG_FILE } : {}),
    clientConfig: {
      ...(region === undefined ? {} : { region }),
      requestHandler: handlerOver(connections),
    },
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

/**
 * Sends the SDK's calls as llama's own are sent: its handler for Node knows neither proxies nor other
 * certificates.
 */
function handlerOver(connections: Connections): Pick<FetchHttpHandler, "handle"> {
  return {
    async handle(request, options) {
      const { protocol, hostname, port } = request;
      const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`);
      const client = await connections.client(url, false);
      const handler = new FetchHttpHandler({
        requestTimeout: 30_000,
        // `client` is Deno's addition to what `fetch` takes.
        requestInit: () => ({ client }) as RequestInit,
      });
      const { response } = await handler.handle(request, options);
      if (response.body instanceof ReadableStream) {
        response.body = boundedBody(response.body, maxAnswerBytes);
      }
      return { response };
    },
  };
}
