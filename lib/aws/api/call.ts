/**
 * Calls to AWS's control-plane APIs, in their three protocols.
 *
 * @module
 */

import { LlamaError } from "../../errors.ts";
import type * as z from "../../zod.ts";
import { readBeginning, readText, valueOfJsonString } from "../answer.ts";
import { CallError, isServerFailure, type Retryable, retryAfter } from "../call_error.ts";
import type { AwsClient, AwsRequest } from "../client.ts";
import { type Service, serviceUrl } from "../endpoint.ts";
import { partitionOf } from "../partition.ts";
import { parseXml, type Xml } from "./xml.ts";

/** The identity of a call. */
export interface Call {
  /** The service. */
  readonly service: Service;
  /** The operation as named in IAM policies, such as `CreateFunction`. */
  readonly action: string;
  /** Aborts the work. */
  readonly signal?: AbortSignal | undefined;
}

/** A service's error response. */
export interface Refusal {
  /** The service's name for the error, such as `AccessDeniedException`. */
  readonly type: string;
  /** The service's message. */
  readonly words: string;
  /** The HTTP status. */
  readonly status: number;
  /** `Retry-After`, in milliseconds. */
  readonly afterMilliseconds?: number | undefined;
}

/** An error response from a service. */
export class AwsError extends CallError {
  /** The response. */
  readonly refusal: Refusal;
  readonly #call: Call;

  /**
   * Creates an error.
   *
   * @param call The call.
   * @param refusal The response.
   * @param attempts The number of attempts.
   */
  constructor(call: Call, refusal: Refusal, attempts = 1) {
    const { service, action } = call;
    const { type, words, afterMilliseconds } = refusal;
    const often = attempts > 1 ? ` (tried ${attempts} times)` : "";
    super(
      codeOf(refusal),
      `${serviceNames[service]} refused ${action}: ${type}: ${words}${often}`,
      {
        hint: hintOf(`${service}:${action}`, refusal),
        retryable: retryableOf(refusal),
        afterMilliseconds,
        expired: /^(ExpiredToken|RequestExpired)/.test(type),
      },
    );
    this.#call = call;
    this.refusal = refusal;
  }

  /**
   * Returns the error with the number of attempts in its message.
   *
   * @param attempts The number of attempts.
   * @returns A new error, or this one after a single attempt.
   */
  override after(attempts: number): AwsError {
    return attempts === 1 ? this : new AwsError(this.#call, this.refusal, attempts);
  }
}

/**
 * Reports whether an error is an error response of a certain type.
 *
 * @param error The thrown value.
 * @param type The type.
 * @returns True if it is.
 */
export function isRefusal(error: unknown, type: string): error is AwsError {
  return error instanceof AwsError && error.refusal.type === type;
}

const serviceNames: Readonly<Record<Service, string>> = {
  cloudformation: "CloudFormation",
  ecr: "ECR",
  iam: "IAM",
  lambda: "Lambda",
  logs: "CloudWatch Logs",
  s3: "S3",
  servicequotas: "Service Quotas",
  sts: "STS",
};

const denied = /^(AccessDenied|Unauthorized|NotAuthorized|AuthorizationError)/;
const badKeys =
  /^(ExpiredToken|InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|SignatureDoesNotMatch|IncompleteSignature|InvalidSignature|MissingAuthenticationToken|RequestExpired|InvalidToken|TokenRefreshRequired)/;

const throttled = /^(Throttl|TooManyRequests|RequestLimitExceeded|SlowDown)/;
/** Messages of a conflict with another operation on the same function. */
const busy = /in progress|Pending state/;

function codeOf({ type, status }: Refusal): LlamaError["code"] {
  if (denied.test(type) || badKeys.test(type)) return "credentials";
  if (status === 429 || throttled.test(type)) return "throttled";
  if (status === 413 || /^RequestEntityTooLarge/.test(type)) return "too-large";
  return "service";
}

function retryableOf({ type, words, status }: Refusal): Retryable {
  if (status === 429 || throttled.test(type)) return "unsent";
  if (type === "ResourceConflictException" && busy.test(words)) return "unsent";
  return isServerFailure(status) ? "maybe" : "never";
}

function hintOf(action: string, { type, words }: Refusal): string | undefined {
  if (denied.test(type)) {
    // A call may need another permission, such as iam:PassRole.
    const [, named = action] = /not authorized to perform:? (\w[\w-]*:\w+)/.exec(words) ?? [];
    return `the credentials need ${named}`;
  }
  if (badKeys.test(type)) {
    return "`llama doctor` shows which credentials are used; sign in again, or use others";
  }
  return undefined;
}

/** A service's successful response. */
export interface Answer {
  /** The body. */
  readonly text: string;
  /** The headers. */
  readonly headers: Headers;
}

/**
 * Makes a call, and reads the whole response.
 *
 * @param client The AWS client.
 * @param call The identity of the call, for messages.
 * @param request The HTTP request; a URL that begins with a slash is relative to the service's
 * endpoint.
 * @returns The successful response.
 * @throws {AwsError} If the service responds with an error.
 * @throws {LlamaError} `credentials`, `config` or `network`.
 */
export async function callAws(
  client: AwsClient,
  call: Call,
  request: Omit<AwsRequest, "service" | "signal">,
): Promise<Answer> {
  const { service, action, signal } = call;
  const location = await client.location();
  const url = request.url.startsWith("/")
    ? serviceUrl(location, service) + request.url
    : request.url;
  return await client.call({
    ...request,
    url,
    service,
    ...(service === "iam" ? { region: partitionOf(location.region).iamRegion } : {}),
    signal,
  }, {
    retry: { maxRetries: makesAnother.test(action) ? 0 : maxRetries },
    attemptMilliseconds: attemptMilliseconds + (request.body?.length ?? 0) / slowestBytesPerMs,
    read: async (response) => {
      const { ok, status, headers } = response;
      if (ok) {
        const from = `${serviceNames[service]} to ${action}`;
        return { text: await readText(response, maxAnswerBytes, from), headers };
      }
      const afterMilliseconds = retryAfter(headers);
      const refusal = refusalIn(await readBeginning(response), response);
      throw new AwsError(call, { status, afterMilliseconds, ...refusal });
    },
  });
}

/** Calls that are not idempotent. */
const makesAnother = /^(Create|Publish|UpdateStack)/;
const maxRetries = 5;
/** A page of a list is a few hundred kilobytes at most. */
const maxAnswerBytes = 16 * 1024 * 1024;
const attemptMilliseconds = 60_000;
/** Allows for a slow upload of a zip: 50 kB per second. */
const slowestBytesPerMs = 50;

/** Finds an error's type and message; their place depends on the protocol. */
function refusalIn(text: string, { headers, status }: Response): Pick<Refusal, "type" | "words"> {
  const inHeader = headers.get("x-amzn-errortype");
  let type;
  let words;
  // The text may also be an HTML page from a proxy.
  if (/^<(\?xml|Error)/.test(text)) {
    const root = parseXml(text, "AWS");
    const error = root.textAt("Code")
      ? root
      : root.textAt("Error", "Code")
      ? root.at("Error")
      : root.at("Errors", "Error");
    type = error.textAt("Code");
    words = error.textAt("Message");
  } else {
    // Spelling varies, and the type may have a namespace: `com.amazonaws.ecr#Type`.
    const field = (name: string) =>
      new RegExp(`"${name}"\\s*:\\s*("(?:[^"\\\\]|\\\\.)*")`).exec(text)?.[1];
    const read = (json: string | undefined) => json && valueOfJsonString(json);
    type = read(field("__type") ?? field("code"))?.replace(/^.*#/, "");
    words = read(field("[Mm]essage"));
  }
  return {
    type: inHeader?.split(":")[0] || type || `HTTP status ${status}`,
    words: (words ?? text.replace(/<[^>]*>/g, " ").slice(0, 200)).replace(/\s+/g, " ").trim(),
  };
}

/**
 * Makes a call in the REST-JSON protocol, such as Lambda's.
 *
 * @param client The AWS client.
 * @param call The call, with its method, path and body.
 * @param schema The schema of the response.
 * @returns The response.
 * @throws {AwsError} If the service responds with an error.
 * @throws {LlamaError} `service` if the response does not match, or as {@linkcode callAws}.
 */
export async function callRest<Schema extends z.ZodMiniType>(
  client: AwsClient,
  call: Call & { readonly method: string; readonly path: string; readonly body?: unknown },
  schema: Schema,
): Promise<z.output<Schema>> {
  const { method, path, body } = call;
  const { text } = await callAws(client, call, {
    method,
    url: path,
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return readJson(call, text, schema);
}

/**
 * Makes a call in the JSON 1.1 protocol, such as ECR's.
 *
 * @param client The AWS client.
 * @param call The call, with the prefix of its target, and its input.
 * @param schema The schema of the response.
 * @returns The response.
 * @throws {AwsError} If the service responds with an error.
 * @throws {LlamaError} As {@linkcode callRest}.
 */
export async function callJson<Schema extends z.ZodMiniType>(
  client: AwsClient,
  call: Call & { readonly target: string; readonly input: unknown },
  schema: Schema,
): Promise<z.output<Schema>> {
  const { text } = await callAws(client, call, {
    method: "POST",
    url: "/",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `${call.target}.${call.action}`,
    },
    body: JSON.stringify(call.input),
  });
  return readJson(call, text, schema);
}

/**
 * Makes a call in the Query protocol, such as CloudFormation's.
 *
 * @param client The AWS client.
 * @param call The call, with the API's version and the parameters; lists and structures are written
 * as `Name.member.1.Field`.
 * @returns The result and the headers of the response.
 * @throws {AwsError} If the service responds with an error.
 * @throws {LlamaError} As {@linkcode callRest}.
 */
export async function callQuery(
  client: AwsClient,
  call: Call & {
    readonly version: string;
    readonly parameters?: Readonly<Record<string, string>> | undefined;
  },
): Promise<{ result: Xml; headers: Headers }> {
  const { action, version, parameters } = call;
  const { text, headers } = await callAws(client, call, {
    method: "POST",
    url: "/",
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    body: new URLSearchParams({ Action: action, Version: version, ...parameters }).toString(),
  });
  return { result: parseXml(text, serviceNames[call.service]).at(`${action}Result`), headers };
}

function readJson<Schema extends z.ZodMiniType>(
  { service, action }: Call,
  text: string,
  schema: Schema,
): z.output<Schema> {
  const unexpected = (why: string, cause: unknown) =>
    new LlamaError(
      "service",
      `unexpected response from ${serviceNames[service]} to ${action}: ${why}`,
      { cause },
    );
  let value: unknown;
  try {
    // A call without a result has an empty response.
    value = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw unexpected("it is not JSON", cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unexpected(
    `${issue?.path.map(String).join(".") || "the document"}: ${issue?.message}`,
    parsed.error,
  );
}
