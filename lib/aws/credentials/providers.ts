/**
 * Credentials that take calls to AWS: roles, sign-ins, the metadata of an instance. They come from
 * the AWS SDK's providers, as chosen by `credential_source.ts`.
 *
 * This module is loaded on demand; it loads the SDK.
 *
 * @module
 */

import type { Environment } from "../../environment.ts";
import { LlamaError, messageOf, reasonOf } from "../../errors.ts";
import { printable } from "../../text/printable.ts";
import { boundedBody } from "../answer.ts";
import { Connections } from "../connections.ts";
import { containerCredentials } from "./container_credentials.ts";
import { runCredentialProcess } from "./credential_process.ts";
import type { CredentialSource, RoleSource, WebIdentitySource } from "./credential_source.ts";
import type { ProviderRequest } from "./credentials.ts";
import type { Credentials } from "./keys.ts";
import { configuredEndpoint, findLocation, type Location, serviceUrl } from "../endpoint.ts";
import { noAnswer } from "../network_hint.ts";
import { readProfile } from "./profile.ts";
import { loadSdk } from "./sdk.ts";

const sdk = await loadSdk();

/** The size limit of an answer with credentials, in bytes. */
const maxAnswerBytes = 1024 * 1024;

/** Options for {@linkcode provideCredentials}. */
export interface ProviderOptions {
  /** The region of the calls that get a role's credentials. */
  region: string | undefined;
  /** A file of certificates that these calls trust besides Mozilla's. */
  caBundle: string | undefined;
  /** Asks the user for the code of an MFA device. */
  mfaCode: ((serial: string) => Promise<string>) | undefined;
}

/**
 * Gets credentials.
 *
 * @param request The source, and where it was configured.
 * @param options The region, certificates, and a prompt for an MFA code.
 * @returns The credentials, with their expiry.
 * @throws {LlamaError} `credentials` with the source's own reason.
 */
export async function provideCredentials(
  request: ProviderRequest,
  options: ProviderOptions,
): Promise<Credentials> {
  const { environment, profile, source } = request;
  const location = await findLocation(environment, { region: options.region, profile });
  const settings = await readProfile(environment, profile);
  const { files } = settings;
  // A sign-in is renewed by another service, and the SDK takes one endpoint for the two.
  const [portal, oidc] = ["SSO", "SSO_OIDC"].map((id) =>
    configuredEndpoint(environment, settings, id)
  );
  using connections = new Connections(options.caBundle, location.noProxy);
  const requestHandler = handlerOver(connections, location);
  return await provide(source, {
    environment,
    mfaCode: options.mfaCode,
    sts: { ...optionsFor(location, serviceUrl(location, "sts")), requestHandler },
    sso: { ...optionsFor(location, portal === oidc ? portal : undefined), requestHandler },
    signin: {
      ...optionsFor(location, configuredEndpoint(environment, settings, "SIGNIN")),
      requestHandler,
    },
    files: {
      filepath: files.credentialsPath,
      configFilepath: files.configPath,
      // A file that has changed, by a sign-in in another terminal, is read again.
      ignoreCache: true,
    },
  });
}

/** Options for a client of the SDK. */
interface ClientOptions {
  readonly region: string;
  readonly endpoint?: string;
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
  readonly requestHandler: RequestHandler;
}

/** The SDK refuses an endpoint in combination with the FIPS or dual-stack option. */
function optionsFor(
  { region, useFips = false, useDualStack = false }: Location,
  endpoint: string | undefined,
): Omit<ClientOptions, "requestHandler"> {
  return endpoint === undefined
    ? { region, useFipsEndpoint: useFips, useDualstackEndpoint: useDualStack }
    : { region, endpoint, useFipsEndpoint: false, useDualstackEndpoint: false };
}

interface Surroundings {
  readonly environment: Environment;
  readonly mfaCode: ProviderOptions["mfaCode"];
  readonly sts: ClientOptions;
  readonly sso: ClientOptions;
  readonly signin: ClientOptions;
  readonly files: { filepath: string; configFilepath: string; ignoreCache: true };
}

async function provide(source: CredentialSource, around: Surroundings): Promise<Credentials> {
  const { environment, sso, signin, files } = around;
  switch (source.kind) {
    case "keys":
      return source.credentials;
    case "process":
      return await runCredentialProcess(source.command, source.from, environment);
    case "role":
      return await assumeRole(source, around);
    case "web-identity":
      return await assumeRoleWithToken(source, around);
    case "sso":
      return await attempt(
        source,
        "SSO",
        sdk.fromSSO({
          ...files,
          profile: source.profile,
          ssoStartUrl: source.startUrl,
          ssoRegion: source.region,
          ssoAccountId: source.accountId,
          ssoRoleName: source.roleName,
          ...(source.session === undefined ? {} : { ssoSession: source.session }),
          clientConfig: { ...sso, region: source.region },
        }),
      );
    case "login":
      return await attempt(
        source,
        "login",
        sdk.fromLoginCredentials({
          ...files,
          profile: source.profile,
          clientConfig: signin,
        }),
      );
    case "container":
      return await containerCredentials(environment, source.from);
    case "instance":
      return await attempt(source, "instance metadata", sdk.fromInstanceMetadata());
  }
}

async function assumeRole(
  source: RoleSource & CredentialSource,
  around: Surroundings,
): Promise<Credentials> {
  const { roleArn, sessionName, externalId, mfaSerial, durationSeconds } = source;
  const { accessKeyId, secretAccessKey, sessionToken } = await provide(source.source, around);
  const { mfaCode, sts } = around;
  return await attempt(
    source,
    `AssumeRole of ${roleArn}`,
    sdk.fromTemporaryCredentials({
      masterCredentials: {
        accessKeyId,
        secretAccessKey,
        ...(sessionToken === undefined ? {} : { sessionToken }),
      },
      params: {
        RoleArn: roleArn,
        ...(sessionName === undefined ? {} : { RoleSessionName: sessionName }),
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
        ...(mfaSerial === undefined ? {} : { SerialNumber: mfaSerial }),
        ...(durationSeconds === undefined ? {} : { DurationSeconds: durationSeconds }),
      },
      clientConfig: sts,
      ...(mfaCode === undefined ? {} : { mfaCodeProvider: mfaCode }),
    }),
  );
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
const leastTokenLength = 4;

async function assumeRoleWithToken(
  source: WebIdentitySource & CredentialSource,
  { sts }: Surroundings,
): Promise<Credentials> {
  const { from, roleArn, sessionName, tokenFile } = source;
  let webIdentityToken;
  try {
    webIdentityToken = await Deno.readTextFile(tokenFile);
  } catch (cause) {
    throw refusal(from, `cannot read its token ${tokenFile}: ${reasonOf(cause)}`, cause);
  }
  if (webIdentityToken.length < leastTokenLength) {
    throw refusal(from, `the file of its token, ${tokenFile}, holds none`, undefined);
  }
  return await attempt(
    source,
    `AssumeRoleWithWebIdentity of ${roleArn}`,
    sdk.fromWebToken({
      roleArn,
      webIdentityToken,
      ...(sessionName === undefined ? {} : { roleSessionName: sessionName }),
      clientConfig: sts,
    }),
  );
}

type Provider = () => Promise<{
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  expiration?: Date | undefined;
}>;

/** @param what The provider's action, for messages. */
async function attempt(
  source: CredentialSource,
  what: string,
  provider: Provider,
): Promise<Credentials> {
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider();
    return { accessKeyId, secretAccessKey, sessionToken, expiration: expiration?.getTime() };
  } catch (cause) {
    if (cause instanceof LlamaError && cause.code === "network") {
      throw refusal(source.from, `${what}: ${cause.message}`, cause, cause.hint);
    }
    if (cause instanceof LlamaError) throw cause;
    const reason = reasonIn(cause);
    const isSignIn = source.kind === "sso" || source.kind === "login";
    throw refusal(
      source.from,
      `${what}: ${reason}`,
      cause,
      isSignIn && /session|token|unauthorized|log ?in/i.test(reason)
        ? `sign in: aws ${source.kind === "sso" ? "sso " : ""}login --profile ${source.profile}`
        : undefined,
    );
  }
}

/** Returns the service's own message, with the type of its refusal. */
function reasonIn(cause: unknown): string {
  const words = messageOf(cause).replace(/^Error: /, "");
  // The error quotes the text that it could not parse, which should have been credentials.
  if (/JSON/.test(words)) return "the answer is not JSON";
  const type = cause instanceof Error && "$metadata" in cause ? `${cause.name}: ` : "";
  return printable(type + words);
}

function refusal(from: string, why: string, cause: unknown, hint?: string): LlamaError {
  return new LlamaError("credentials", `no AWS credentials from ${from}: ${why}`, { cause, hint });
}

type RequestHandler = Pick<InstanceType<typeof sdk.FetchHttpHandler>, "handle">;

/**
 * Sends the SDK's calls over llama's connections: the SDK's handler for Node supports neither proxies
 * nor other certificates.
 */
function handlerOver(connections: Connections, location: Location): RequestHandler {
  return {
    async handle(request, options) {
      const { protocol, hostname, port } = request;
      const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`);
      const client = await connections.client(url, false);
      const handler = new sdk.FetchHttpHandler({
        requestTimeout: 30_000,
        // `client` is Deno's addition to what `fetch` takes.
        requestInit: () => ({ client }) as RequestInit,
      });
      const { response } = await handler.handle(request, options).catch((cause) => {
        // What `fetch` throws without a connection.
        if (!(cause instanceof TypeError)) throw cause;
        const { message, hint } = noAnswer(url.href, cause, location);
        throw new LlamaError("network", message, { cause, hint });
      });
      if (response.body instanceof ReadableStream) {
        response.body = boundedBody(response.body, maxAnswerBytes);
      }
      return { response };
    },
  };
}
