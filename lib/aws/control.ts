/**
 * Calls to the APIs that set things up, in the three protocols that AWS's services speak.
 *
 * @module
 */

import { LlamaError } from "../errors.ts";
import type * as z from "../zod.ts";
import { CallError, isServerFailure, type Repeat, retryAfter } from "./call_error.ts";
import type { AwsClient, AwsRequest } from "./client.ts";
import { type Service, serviceUrl } from "./endpoint.ts";
import { partitionOf } from "./partition.ts";
import { parseXml, type Xml } from "./xml.ts";

/** A call. */
export interface Call {
  /** Which service. */
  readonly service: Service;
  /** The operation, as a policy names it, such as `CreateFunction`. */
  readonly action: string;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
}

/** What a service answered to a call that it refused. */
export interface Refusal {
  /** The error's type as the service names it, such as `AccessDeniedException`. */
  readonly type: string;
  /** The service's own words. */
  readonly words: string;
  /** The HTTP status. */
  readonly status: number;
  /** How long the service wants to be left alone, in milliseconds. */
  readonly afterMilliseconds?: number | undefined;
}

/** A service refused a call. */
export class AwsError extends CallError {
  /** What it answered. */
  readonly refusal: Refusal;
  readonly #call: Call;

  /**
   * Makes an error.
   *
   * @param call What was refused.
   * @param refusal What the service answered.
   * @param attempts How many times it was.
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
        repeat: repeatOf(refusal),
        afterMilliseconds,
        expired: /^(ExpiredToken|RequestExpired)/.test(type),
      },
    );
    this.#call = call;
    this.refusal = refusal;
  }

  /**
   * The same for a call that was sent several times in vain.
   *
   * @param attempts How many times.
   * @returns An error that says so; this one after a single attempt.
   */
  override after(attempts: number): AwsError {
    return attempts === 1 ? this : new AwsError(this.#call, this.refusal, attempts);
  }
}

/**
 * Whether an error is a refusal of a certain type.
 *
 * @param error What was thrown.
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
/** Lambda does one thing at a time with a function. */
const busy = /in progress|Pending state/;

function codeOf({ type, status }: Refusal): LlamaError["code"] {
  if (denied.test(type) || badKeys.test(type)) return "credentials";
  if (status === 429 || throttled.test(type)) return "throttled";
  if (status === 413 || /^RequestEntityTooLarge/.test(type)) return "too-large";
  return "service";
}

function repeatOf({ type, words, status }: Refusal): Repeat {
  if (status === 429 || throttled.test(type)) return "unsent";
  if (type === "ResourceConflictException" && busy.test(words)) return "unsent";
  return isServerFailure(status) ? "maybe" : "never";
}

function hintOf(action: string, { type, words }: Refusal): string | undefined {
  if (denied.test(type)) {
    // One call may need the permission for another, such as iam:PassRole.
    const [, named = action] = /not authorized to perform:? (\w[\w-]*:\w+)/.exec(words) ?? [];
    return `the credentials need ${named}`;
  }
  if (badKeys.test(type)) {
    return "`llama doctor` says which credentials are used; sign in again, or name others";
  }
  return undefined;
}

/** What a service answered. */
export interface Answer {
  /** The body. */
  readonly text: string;
  /** The headers. */
  readonly headers: Headers;
}

/**
 * Makes a call, and reads the whole answer.
 *
 * @param client Signs and sends.
 * @param call Which call, for messages.
 * @param request Its HTTP request; a URL that begins with a slash is one of the service's own.
 * @returns The answer to a call that was not refused.
 * @throws {AwsError} If the service refused.
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
    retry: { maxRepeats: makesAnother.test(action) ? 0 : maxRepeats },
    attemptMilliseconds: attemptMilliseconds + (request.body?.length ?? 0) / slowestBytesPerMs,
    read: async (response) => {
      const { ok, status, headers } = response;
      const text = await response.text();
      if (ok) return { text, headers };
      const afterMilliseconds = retryAfter(headers);
      throw new AwsError(call, { status, afterMilliseconds, ...refusalIn(text, response) });
    },
  });
}

/** Calls that do it twice if they are sent twice, or refuse what they have done themselves. */
const makesAnother = /^(Create|Publish|UpdateStack)/;
const maxRepeats = 5;
const attemptMilliseconds = 60_000;
/** A zip may have a slow way up: 50 kB a second. */
const slowestBytesPerMs = 50;

/** Finds an error's type and words, which each protocol puts elsewhere. */
function refusalIn(text: string, { headers, status }: Response): Pick<Refusal, "type" | "words"> {
  const inHeader = headers.get("x-amzn-errortype");
  let type;
  let words;
  // What is between here and AWS answers with pages of its own.
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
    // Two spellings are in use, and a type may come with its namespace: `com.amazonaws.ecr#Type`.
    const field = (name: string) =>
      new RegExp(`"${name}"\\s*:\\s*("(?:[^"\\\\]|\\\\.)*")`).exec(text)?.[1];
    const read = (json: string | undefined) =>
      json === undefined ? undefined : String(JSON.parse(json));
    type = read(field("__type") ?? field("code"))?.replace(/^.*#/, "");
    words = read(field("[Mm]essage"));
  }
  return {
    type: inHeader?.split(":")[0] || type || `HTTP status ${status}`,
    words: (words ?? text.replace(/<[^>]*>/g, " ").slice(0, 200)).replace(/\s+/g, " ").trim(),
  };
}

/**
 * A call in the REST and JSON protocol, as Lambda's are.
 *
 * @param client Signs and sends.
 * @param call Which call, with its method, path and body.
 * @param schema What the answer must be.
 * @returns The answer.
 * @throws {AwsError} If the service refused.
 * @throws {LlamaError} `service` if the answer is something else, or as {@linkcode callAws}.
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
 * A call in the JSON 1.1 protocol, as ECR's are.
 *
 * @param client Signs and sends.
 * @param call Which call, with the prefix of its target, and its input.
 * @param schema What the answer must be.
 * @returns The answer.
 * @throws {AwsError} If the service refused.
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
 * A call in the Query protocol, as CloudFormation's are.
 *
 * @param client Signs and sends.
 * @param call Which call, with the API's version and the parameters; lists and structures are
 * written as `Name.member.1.Field`.
 * @returns The result in the answer, and the answer's headers.
 * @throws {AwsError} If the service refused.
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
      `${serviceNames[service]} answered ${action} with something unexpected: ${why}`,
      { cause },
    );
  let value: unknown;
  try {
    // A call without a result answers with nothing.
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
