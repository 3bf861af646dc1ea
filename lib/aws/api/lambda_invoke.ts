/**
 * Calls Lambda's Invoke.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { defaultInvokeRetries } from "../../limits.ts";
import { FunctionError, type FunctionErrorDetails, LlamaError } from "../../errors.ts";
import { isFunctionTimeout } from "../../functions/timeout.ts";
import { maxPayloadBytes, parseFunctionError } from "../../protocol.ts";
import type { OpenSpan, Spans } from "../../spans.ts";
import { decodeUriPart, readBeginning, readText, valueOfJsonString } from "../answer.ts";
import { CallError, isServerFailure, retryAfter, signInAgain } from "../call_error.ts";
import { type AwsClient, requestIdOf } from "../client.ts";
import { serviceUrl } from "../endpoint.ts";
import { countText } from "../../text/amounts.ts";
import { AdaptiveLimit } from "./throttle.ts";

/** Options for {@linkcode Lambda.invoke}. */
export interface InvokeOptions {
  /** Whether to request the end of the log. @default {false} */
  logs?: boolean | undefined;
  /** The job's timeout in seconds. @default {900, Lambda's maximum} */
  timeoutSeconds?: number | undefined;
  /** Aborts the wait; the invocation continues in Lambda. */
  signal?: AbortSignal | undefined;
  /** Aborts the wait while Lambda has certainly not accepted the job. @default {signal} */
  admission?: AbortSignal | undefined;
  /** Receives the spans `queue` and `invoke` of each attempt. */
  spans?: Spans | undefined;
  /** Updated during the call. */
  delivery?: Delivery | undefined;
}

/** The progress of an invocation. */
export interface Delivery {
  /** Whether Lambda may have run the function, and may bill it. */
  mayHaveRun: boolean;
  /** When the request was sent, by `performance.now()`; absent while it waits to be sent (again). */
  sentAt?: number | undefined;
}

/** The answer of a function that did not fail. */
export interface Invocation {
  /** The function's answer, JSON. */
  payload: string;
  /** The last 4 KiB of its log, if requested. */
  logTail: string | undefined;
  /** Lambda's id of the request. */
  requestId: string | undefined;
}

/** Lambda's maximum timeout, in seconds. */
const longestSeconds = 900;

/** The size limit of answers: Lambda's limit, with a margin for emulators. */
const maxAnswerBytes = maxPayloadBytes + 1024 * 1024;

/** The time added to the job's timeout for a cold start and files, in seconds. */
const graceSeconds = 15;

/** Invokes functions, and adapts concurrency to Lambda's limit. */
export class Lambda {
  readonly #client: AwsClient;
  readonly #maxRetries: number;
  readonly #limit = new AdaptiveLimit();
  #isThrottled = false;
  #saidThrottled = false;

  /**
   * @param client The client.
   * @param maxRetries The maximum number of retries of an invocation that may have run; with 0 no job
   * ever runs twice.
   */
  constructor(client: AwsClient, maxRetries: number = defaultInvokeRetries) {
    this.#client = client;
    this.#maxRetries = maxRetries;
  }

  /** Whether a job may run twice. */
  get mayRetry(): boolean {
    return this.#maxRetries > 0;
  }

  /** Whether Lambda would accept another call at once, as far as is known. */
  get hasRoom(): boolean {
    return this.#limit.hasRoom;
  }

  /**
   * Returns the region of the functions, such as `us-west-2`.
   *
   * @throws {LlamaError} `config`.
   */
  async region(): Promise<string> {
    return (await this.#client.location()).region;
  }

  /**
   * Invokes a function and waits for its answer.
   *
   * @param functionName A function's name, `NAME:ALIAS` or ARN.
   * @param payload JSON of up to 6 MB, in UTF-8.
   * @param options Logs, timeout, and signals.
   * @returns The answer.
   * @throws {FunctionError} If the function failed.
   * @throws {LlamaError} If the call failed: `no-such-function`, `throttled`, `too-large`,
   * `credentials`, `network` or `service`.
   */
  async invoke(
    functionName: string,
    payload: Uint8Array<ArrayBuffer>,
    options: InvokeOptions = {},
  ): Promise<Invocation> {
    const { logs, signal, admission = signal, timeoutSeconds = longestSeconds } = options;
    const { spans, delivery = { mayHaveRun: false } } = options;
    const turn = spans && new Turn(spans);
    using _turn = turn;
    if (payload.length > maxPayloadBytes) {
      throw new LlamaError(
        "too-large",
        `the request for ${functionName} is ${payload.length} bytes of JSON; ` +
          `Lambda's limit is ${maxPayloadBytes}`,
        { hint: "send fewer or shorter arguments, or big files through an object store" },
      );
    }
    const location = await this.#client.location();
    const base = serviceUrl(location, "lambda");
    const url = `${base}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
    return await this.#client.call({
      service: "lambda",
      method: "POST",
      url,
      headers: {
        "content-type": "application/json",
        ...(logs ? { "x-amz-log-type": "Tail" } : {}),
      },
      body: payload,
      signal,
    }, {
      read: (response) => readAnswer(functionName, location.region, response),
      retry: { maxRetries: this.#maxRetries },
      // `fetch` itself retries requests that are lost on a reused connection.
      isFresh: this.#maxRetries === 0,
      attemptMilliseconds: (timeoutSeconds + graceSeconds) * 1000,
      around: (attempt) => this.#admit(attempt, { signal: admission, turn, delivery }),
      unsent: admission,
      onSend: () => {
        delivery.mayHaveRun = true;
        delivery.sentAt = performance.now();
      },
    });
  }

  async #admit<T>(
    attempt: () => Promise<T>,
    { signal, turn, delivery }: {
      signal: AbortSignal | undefined;
      turn: Turn | undefined;
      delivery: Delivery;
    },
  ): Promise<T> {
    const admission = await this.#limit.enter(signal);
    turn?.begin();
    const { mayHaveRun } = delivery;
    let outcome: Parameters<typeof admission.end>[0] = "failed";
    try {
      const answer = await attempt();
      outcome = "ok";
      turn?.[Symbol.dispose]();
      return answer;
    } catch (error) {
      delivery.sentAt = undefined;
      if (error instanceof FunctionError) outcome = "ok";
      if (error instanceof CallError && error.code === "throttled") outcome = "throttled";
      if (error instanceof CallError && error.retryable !== "maybe") {
        delivery.mayHaveRun = mayHaveRun;
      }
      turn?.failed(error);
      throw error;
    } finally {
      admission.end(outcome);
      if (outcome === "throttled") this.#isThrottled = true;
      // When the first call of the throttled burst has succeeded, or none is left in flight.
      if (outcome === "ok" || this.#limit.inFlight === 0) this.#reportThrottled();
    }
  }

  /** Reports throttling, once. */
  #reportThrottled(): void {
    if (!this.#isThrottled || this.#saidThrottled) return;
    this.#saidThrottled = true;
    const { limit } = this.#limit;
    this.#client.notice(
      `Lambda is throttling: reduced to about ${countText(limit, "concurrent job")}`,
      this.#client.isEmulator
        ? 'the limit is "concurrency" in the function\'s function.json'
        : "the default account limit is 1,000 per region (10 for new accounts): raise it in Service " +
          'Quotas, AWS Lambda, "Concurrent executions"; a function may have a limit of its own',
    );
  }
}

/** Measures the time a call spends queued and in each attempt. */
class Turn implements Disposable {
  readonly #spans: Spans;
  #current: OpenSpan;

  constructor(spans: Spans) {
    this.#spans = spans;
    this.#current = spans.span("queue");
  }

  begin(): void {
    this.#next("invoke");
  }

  failed(error: unknown): void {
    if (!this.#current.isLost) {
      this.#current.failed = error instanceof LlamaError ? error.code : "network";
    }
    this.#next("queue");
  }

  [Symbol.dispose](): void {
    this.#current[Symbol.dispose]();
  }

  #next(name: "queue" | "invoke"): void {
    this.#current[Symbol.dispose]();
    this.#current = this.#spans.span(name);
  }
}

async function readAnswer(
  functionName: string,
  region: string,
  response: Response,
): Promise<Invocation> {
  if (response.status !== 200) {
    throw refusal(functionName, region, response, await readBeginning(response));
  }
  const text = await readText(response, maxAnswerBytes, functionName);
  const tail = response.headers.get("x-amz-log-result");
  const logTail = tail === null ? undefined : Buffer.from(tail, "base64").toString();
  // AWS's runtime interface emulator omits the header, and reports a timeout as plain text.
  const isError = /^(\{"error(Message|Type)":|Task timed out after [\d.]+ seconds$)/.test(text);
  if (isError || response.headers.has("x-amz-function-error")) {
    const { objects, ...error } = parseFunctionError(text);
    const details = { ...error, logTail, missingObjects: objects };
    throw new FunctionError(functionName, details, { hint: failureHint(details) });
  }
  return { payload: text, logTail, requestId: requestIdOf(response) };
}

/** Returns what to change when Lambda itself ended a function. */
function failureHint(details: FunctionErrorDetails): string | undefined {
  const { errorType, errorMessage } = details;
  if (isFunctionTimeout(details)) {
    return "raise the function's timeout (900 seconds at most), or give each job less to do";
  }
  if (errorType === "Runtime.OutOfMemory" || /signal: killed/.test(errorMessage)) {
    return "it most likely ran out of memory: raise the function's memory (10,240 MB at most)";
  }
  if (errorType === "Function.ResponseSizeTooLarge") {
    return "set LLAMA_OBJECT_STORE in the function's environment, so that big files go through it";
  }
  return undefined;
}

/**
 * Errors caused by a function's settings, which persist until those are changed:
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
 */
const brokenFunction: ReadonlySet<string> = new Set([
  "EC2AccessDeniedException",
  "EFSMountFailureException",
  "InvalidParameterValueException",
  "InvalidRuntimeException",
  "InvalidSecurityGroupIDException",
  "InvalidSubnetIDException",
  "InvalidZipFileException",
  "KMSAccessDeniedException",
  "KMSDisabledException",
  "KMSInvalidStateException",
  "KMSNotFoundException",
  "SnapStartException",
  // A name that no function can have.
  "ValidationException",
]);

/** Parses Lambda's errors: a type in a header, and a `message` or `Message` in the body. */
function refusal(
  functionName: string,
  region: string,
  response: Response,
  text: string,
): LlamaError {
  const { status, headers } = response;
  const type = headers.get("x-amzn-errortype")?.split(":")[0] ?? `HTTP status ${status}`;
  const message = /"[Mm]essage"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const words = message === undefined ? text.slice(0, 200) : valueOfJsonString(message);
  const says = `Lambda refused ${functionName}: ${type}${words === "" ? "" : `: ${words}`}`;
  const affectsAll = brokenFunction.has(type);
  const afterMilliseconds = retryAfter(headers);
  if (type === "ResourceNotFoundException") {
    // An ARN contains its region, and the emulator has none.
    const isElsewhere = !functionName.startsWith("arn:") && !headers.has("x-llama-functions");
    const where = isElsewhere ? ` in ${region}` : "";
    const message = `no function ${JSON.stringify(functionName)}${where}`;
    return new CallError("no-such-function", message, {
      hint: functionsHint(headers),
    });
  }
  if (status === 429) {
    return new CallError("throttled", says, { retryable: "unsent", afterMilliseconds });
  }
  // The function is being created or updated: wait for it.
  if (status === 409) {
    return new CallError("service", says, { retryable: "unsent", afterMilliseconds });
  }
  if (status === 413) return new CallError("too-large", says);
  if (type === "ExpiredTokenException") {
    return new CallError("credentials", says, { expired: true, hint: signInAgain });
  }
  if (status === 403 && !affectsAll) {
    return new CallError("credentials", says, {
      hint: type === "AccessDeniedException"
        ? "the credentials need lambda:InvokeFunction on this function"
        : "check the access key and its secret: `aws sts get-caller-identity` shows whose they are",
    });
  }
  // A broken function did not run, and will not.
  if (affectsAll || !isServerFailure(status)) {
    return new CallError("service", says, { affectsAll });
  }
  return new CallError("service", says, { retryable: "maybe", afterMilliseconds });
}

/** The emulator lists its functions in a header; AWS does not. */
function functionsHint(headers: Headers): string {
  const names = headers.get("x-llama-functions");
  const from = headers.get("x-llama-functions-from");
  if (names === null || from === null) return "`llama functions` lists the available functions";
  const place = decodeUriPart(from);
  return names === ""
    ? `${place} has no functions; see \`llama help local\``
    : `available functions: ${decodeUriPart(names).replaceAll(",", ", ")} (in ${place})`;
}
