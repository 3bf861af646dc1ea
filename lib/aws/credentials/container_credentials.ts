/**
 * Credentials of the role of a container, or of a pod.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 *
 * @module
 */

import type { Environment } from "../../environment.ts";
import { LlamaError, messageOf, reasonOf } from "../../errors.ts";
import { directClient, isLoopback } from "../../system/loopback.ts";
import { printable } from "../../text/printable.ts";
import { AnswerTooLong, boundedBody } from "../answer.ts";
import { CallError, isServerFailure } from "../call_error.ts";
import { credentialsIn, fieldsIn, quotable } from "./credential_json.ts";
import type { Credentials } from "./keys.ts";
import { withRetries } from "../retry.ts";

const ecsHost = "169.254.170.2";
/** The servers of ECS and EKS; others receive the token only over https. */
const hosts = [ecsHost, "169.254.170.23", "[fd00:ec2::23]"];

const attemptMilliseconds = 2000;
const maxAnswerBytes = 1024 * 1024;
const maxRetries = 2;

/**
 * Gets credentials from the server that the environment names.
 *
 * @param environment The environment variables.
 * @param from The container or profile, for messages.
 * @returns The credentials.
 * @throws {LlamaError} `credentials` with the server's own words.
 */
export async function containerCredentials(
  environment: Environment,
  from: string,
): Promise<Credentials> {
  const refuse = (why: string, cause?: unknown) =>
    new LlamaError("credentials", `no AWS credentials from ${from}: ${why}`, { cause });
  const url = urlIn(environment, refuse);
  const authorization = await tokenIn(environment, refuse);
  const headers = { accept: "application/json", ...(authorization ? { authorization } : {}) };
  using client = directClient(url.host);
  try {
    return await withRetries(() => ask(url, headers, client), { maxRetries });
  } catch (cause) {
    // Not a `CallError`, so that the call that needs the credentials is not retried.
    if (cause instanceof CallError) throw refuse(cause.message, cause);
    throw cause;
  }
}

type Refuse = (why: string, cause?: unknown) => LlamaError;

function urlIn(environment: Environment, refuse: Refuse): URL {
  const relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
  if (relative !== undefined) return new URL(`http://${ecsHost}${relative}`);
  const name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  const text = environment[name] ?? "";
  if (!/^https?:/.test(text) || !URL.canParse(text)) {
    throw refuse(`${name} is not an http or https URL: ${JSON.stringify(text)}`);
  }
  const url = new URL(text);
  if (url.protocol !== "https:" && !isLoopback(url.hostname) && !hosts.includes(url.hostname)) {
    const known = hosts.join(", ");
    throw refuse(`${name} names ${url.host}, which is neither https, loopback nor ${known}`);
  }
  return url;
}

async function tokenIn(environment: Environment, refuse: Refuse): Promise<string | undefined> {
  const path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
  let token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
  if (path !== undefined) {
    try {
      // Read each time, since the token expires.
      token = await Deno.readTextFile(path);
    } catch (cause) {
      throw refuse(
        `cannot read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ${path}: ${reasonOf(cause)}`,
      );
    }
  }
  // deno-lint-ignore no-control-regex
  if (token === undefined || /^[^\x00-\x1f\x7f-\uffff]*$/.test(token)) return token;
  throw refuse("its authorization token has characters that no header takes");
}

async function ask(
  url: URL,
  headers: Record<string, string>,
  client: Deno.HttpClient,
): Promise<Credentials> {
  const failure = (why: string, isPassing: boolean, cause?: unknown) =>
    new CallError("credentials", printable(why), {
      cause,
      retryable: isPassing ? "maybe" : "never",
    });
  let response: Response;
  let body: Uint8Array;
  try {
    const signal = AbortSignal.timeout(attemptMilliseconds);
    response = await fetch(url, { headers, client, signal, redirect: "manual" });
    const bounded = response.body && boundedBody(response.body, maxAnswerBytes);
    body = await new Response(bounded).bytes();
  } catch (cause) {
    const isPassing = !(cause instanceof AnswerTooLong);
    throw failure(`no answer from ${url.origin}: ${messageOf(cause)}`, isPassing, cause);
  }
  const { status } = response;
  if (status !== 200) {
    const words = quotable(new TextDecoder().decode(body));
    const why = `${url.origin} answered with status ${status}${words ? `: ${words}` : ""}`;
    throw failure(why, isServerFailure(status));
  }
  const fields = fieldsIn(body);
  if (fields === undefined) throw failure(`${url.origin} did not answer with JSON`, false);
  return credentialsIn(fields, {
    token: "Token",
    isTemporary: true,
    refuse: (why) => failure(`${url.origin} answered with credentials ${why}`, false),
  });
}
