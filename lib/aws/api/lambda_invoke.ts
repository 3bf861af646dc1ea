/**
 * Lambda's Invoke.
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
import { CallError, isServerFailure, retryAfter } from "../call_error.ts";
import { type AwsClient, requestIdOf } from "../client.ts";
import { serviceUrl } from "../endpoint.ts";
import { AdaptiveLimit } from "./throttle.ts";

/** How to invoke. */
export interface InvokeOptions {
  /** Ask for the log's tail. */
  logs?: boolean | undefined;
  /** How long the job may run, in seconds. @default {900, the longest that Lambda has} */
  timeoutSeconds?: number | undefined;
  /** Ends the wait; Lambda goes on. */
  signal?: AbortSignal | undefined;
  /** Ends the wait for Lambda to take the job, where it surely has not begun. @default {signal} */
  admission?: AbortSignal | undefined;
  /** Gets the spans `queue` and `invoke` of each attempt. */
  spans?: Spans | undefined;
  /** Kept up to date while the call goes on. */
  delivery?: Delivery | undefined;
}

/** How far an invocation has come. */
export interface Delivery {
  /** Whether Lambda may have run the function, so that it may bill it. */
  mayHaveRun: boolean;
}

/** The answer of a function that did not fail. */
export interface Invocation {
  /** What the function answered, JSON. */
  payload: string;
  /** The last 4 KiB of its log, where it was asked for. */
  logTail: string | undefined;
  /** Lambda's id of the request. */
  requestId: string | undefined;
}

/** The longest that a function may run, in seconds. */
const longestSeconds = 900;

/** The most that an answer may have: Lambda's limit, and room for what counts differently elsewhere. */
const maxAnswerBytes = maxPayloadBytes + 1024 * 1024;

/** How much longer than the job its answer may take, in seconds: for a cold start and the files. */
const graceSeconds = 15;

/** Invokes functions, as many at once as Lambda has room for. */
export class Lambda {
  readonly #client: AwsClient;
  readonly #maxRepeats: number;
  readonly #limit = new AdaptiveLimit();
  #isThrottled = false;
  #saidThrottled = false;

  /**
   * @param client Signs and sends.
   * @param maxRepeats How often an invocation that may have run is repeated; with 0 none ever runs
   * twice.
   */
  constructor(client: AwsClient, maxRepeats: number = defaultInvokeRetries) {
    this.#client = client;
    this.#maxRepeats = maxRepeats;
  }

  /** Whether a job may run twice. */
  get mayRepeat(): boolean {
    return this.#maxRepeats > 0;
  }

  /**
   * The region that functions are invoked in.
   *
   * @returns Such as `us-west-2`.
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
   * @param options Whether to ask for logs; how long it may take; a signal.
   * @returns The answer.
   * @throws {FunctionError} If the function failed.
   * @throws {LlamaError} If the call did: `no-such-function`, `throttled`, `too-large`,
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
          `Lambda takes ${maxPayloadBytes}`,
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
      retry: { maxRepeats: this.#maxRepeats },
      // `fetch` repeats by itself what was lost on a connection that was used before.
      isFresh: this.#maxRepeats === 0,
      attemptMilliseconds: (timeoutSeconds + graceSeconds) * 1000,
      around: (attempt) => this.#admit(attempt, { signal: admission, turn, delivery }),
      unsent: admission,
      onSend: () => void (delivery.mayHaveRun = true),
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
      if (error instanceof FunctionError) outcome = "ok";
      if (error instanceof CallError && error.code === "throttled") outcome = "throttled";
      if (error instanceof CallError && error.repeat !== "maybe") delivery.mayHaveRun = mayHaveRun;
      turn?.failed(error);
      throw error;
    } finally {
      admission.end(outcome);
      if (outcome === "throttled") this.#isThrottled = true;
      // Once something of the burst that showed the limit has come back, or nothing will.
      if (outcome === "ok" || this.#limit.inFlight === 0) this.#reportThrottled();
    }
  }

  /** Said once. */
  #reportThrottled(): void {
    if (!this.#isThrottled || this.#saidThrottled) return;
    this.#saidThrottled = true;
    const { limit } = this.#limit;
    this.#client.notice(
      `Lambda has no room for more: sending about ${limit} ${limit === 1 ? "job" : "jobs"} ` +
        "at once, and more when there is",
      this.#client.isEmulator
        ? 'the "concurrency" in the function\'s function.json is its limit'
        : "an account may run 1,000 at once in a region, a new one 10: Service Quotas, AWS Lambda, " +
          '"Concurrent executions" raises it; a function may have a limit of its own',
    );
  }
}

/** Measures a call: what it waits for its turns, and what each attempt takes. */
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
    this.#current.failed = error instanceof LlamaError ? error.code : "network";
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
  // AWS's runtime interface emulator leaves the header out, and of a timeout has these words alone.
  const isError = /^(\{"error(Message|Type)":|Task timed out after [\d.]+ seconds$)/.test(text);
  if (isError || response.headers.has("x-amz-function-error")) {
    const { objects, ...error } = parseFunctionError(text);
    const details = { ...error, logTail, missingObjects: objects };
    throw new FunctionError(functionName, details, { hint: failureHint(details) });
  }
  return { payload: text, logTail, requestId: requestIdOf(response) };
}

/** What to change when Lambda itself ended a function. */
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
 * Errors that come of a function's settings, and stay until those are changed:
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

/** Lambda's errors: a type in a header, a message in the body under one of two spellings. */
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
    // An ARN has a region of its own, and the emulator is here.
    const isElsewhere = !functionName.startsWith("arn:") && !headers.has("x-llama-functions");
    const where = isElsewhere ? ` in ${region}` : "";
    const message = `no function ${JSON.stringify(functionName)}${where}`;
    return new CallError("no-such-function", message, {
      hint: functionsHint(headers),
    });
  }
  if (status === 429) {
    return new CallError("throttled", says, { repeat: "unsent", afterMilliseconds });
  }
  // A function that is being created or updated: it is waited for.
  if (status === 409) {
    return new CallError("service", says, { repeat: "unsent", afterMilliseconds });
  }
  if (status === 413) return new CallError("too-large", says);
  if (type === "ExpiredTokenException") {
    return new CallError("credentials", says, { expired: true, hint: "log in to AWS again" });
  }
  if (status === 403 && !affectsAll) {
    return new CallError("credentials", says, {
      hint: type === "AccessDeniedException"
        ? "the credentials need lambda:InvokeFunction on this function"
        : "check the access key and its secret: `aws sts get-caller-identity` tells whose they are",
    });
  }
  if (isServerFailure(status)) {
    return new CallError("service", says, { repeat: "maybe", afterMilliseconds, affectsAll });
  }
  return new CallError("service", says, { affectsAll });
}

/** The emulator says which functions there are; AWS does not, and lists them on request. */
function functionsHint(headers: Headers): string {
  const names = headers.get("x-llama-functions");
  const from = headers.get("x-llama-functions-from");
  if (names === null || from === null) return "`llama functions` shows those there are";
  const place = decodeUriPart(from);
  return names === ""
    ? `there are none in ${place}; see \`llama help local\``
    : `there are: ${decodeUriPart(names).replaceAll(",", ", ")} (in ${place})`;
}
