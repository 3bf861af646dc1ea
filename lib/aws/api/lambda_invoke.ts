/**
 * Calls Lambda's Invoke.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { defaultInvokeRetries, longestSeconds } from "../../limits.ts";
import { FunctionError, type FunctionErrorDetails, LlamaError } from "../../errors.ts";
import { isFunctionTimeout } from "../../functions/timeout.ts";
import { maxPayloadBytes, parseFunctionError } from "../../protocol.ts";
import type { OpenSpan, Spans } from "../../spans.ts";
import { decodeUriPart, lengthOf, readBeginning, readText, valueOfJsonString } from "../answer.ts";
import { CallError, isServerFailure, retryAfter, signInAgain } from "../call_error.ts";
import { type AwsClient, requestIdOf } from "../client.ts";
import { serviceUrl } from "../endpoint.ts";
import { eventStreamType } from "../../stream/event_stream.ts";
import { bytesText, countText } from "../../text/amounts.ts";
import {
  isStreamingRefused,
  readStreamedAnswer,
  type ReadStreamOptions,
  type StreamedAnswer,
  StreamingUnavailable,
} from "./lambda_stream.ts";
import { LiveOutput, type OutputSinks, SinkFailure } from "./live_output.ts";
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
  /** Receives the command's output while it runs. The payload must ask for that, too. */
  sinks?: OutputSinks | undefined;
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
  /** Its size in bytes, if it was stated. */
  payloadBytes?: number | undefined;
  /** The last 4 KiB of its log, if requested. */
  logTail: string | undefined;
  /** Lambda's id of the request. */
  requestId: string | undefined;
  /** The version of the function that ran: `$LATEST`, or a number; undefined if Lambda does not say. */
  version: string | undefined;
}

/** The size limit of answers: Lambda's limit, with a margin for emulators. */
const maxAnswerBytes = maxPayloadBytes + 1024 * 1024;

/** The time added to the job's timeout for a cold start and files, in seconds. */
const graceSeconds = 15;

/** Invokes functions, and adapts concurrency to Lambda's limit. */
export class Lambda {
  readonly #client: AwsClient;
  readonly #maxRetries: number;
  readonly #mayRepeatOutput: boolean;
  readonly #limit = new AdaptiveLimit();
  #isThrottled = false;
  #saidThrottled = false;

  /**
   * @param client The client.
   * @param maxRetries The maximum number of retries of an invocation that may have run; with 0 no job
   * ever runs twice. If it is absent, there are some, but none once output was passed on.
   */
  constructor(client: AwsClient, maxRetries?: number) {
    this.#client = client;
    this.#maxRetries = maxRetries ?? defaultInvokeRetries;
    this.#mayRepeatOutput = maxRetries !== undefined && maxRetries > 0;
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
   * @throws {StreamingUnavailable} If the function cannot be invoked with `sinks`.
   * @throws {LlamaError} If the call failed: `no-such-function`, `throttled`, `too-large`,
   * `credentials`, `network` or `service`.
   */
  async invoke(
    functionName: string,
    payload: Uint8Array<ArrayBuffer>,
    options: InvokeOptions = {},
  ): Promise<Invocation> {
    const { logs, signal, admission = signal, timeoutSeconds = longestSeconds } = options;
    const { spans, sinks, delivery = { mayHaveRun: false } } = options;
    const live = sinks && new LiveOutput(sinks, this.#mayRepeatOutput);
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
    const name = encodeURIComponent(functionName);
    const url = live
      ? `${base}/2021-11-15/functions/${name}/response-streaming-invocations`
      : `${base}/2015-03-31/functions/${name}/invocations`;
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
      read: (response, alive) =>
        readAnswer(functionName, location.region, response, live && { live, alive }),
      retry: { maxRetries: this.#maxRetries },
      // `fetch` itself retries requests that are lost on a reused connection.
      isFresh: this.#maxRetries === 0,
      attemptMilliseconds: (timeoutSeconds + graceSeconds) * 1000,
      around: async (attempt) => {
        try {
          return await this.#admit(attempt, { signal: admission, turn, delivery });
        } catch (error) {
          const mustNotRepeat = live !== undefined && live.bytes > 0 && !live.mayRepeat;
          if (!mustNotRepeat || !(error instanceof CallError)) throw error;
          throw lostOutput(functionName, live.bytes, error);
        }
      },
      unsent: admission,
      onSend: () => {
        delivery.mayHaveRun = true;
        delivery.sentAt = performance.now();
      },
    }).catch((error) => {
      throw error instanceof SinkFailure ? error.thrown : error;
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
  stream: Pick<ReadStreamOptions, "live" | "alive"> | undefined,
): Promise<Invocation> {
  const { status, headers } = response;
  if (status !== 200) {
    const text = await readBeginning(response);
    const type = headers.get("x-amzn-errortype")?.split(":")[0];
    if (stream && isStreamingRefused(status, type)) {
      throw new StreamingUnavailable("service", `${functionName} cannot be invoked with streaming`);
    }
    throw refusal(functionName, region, response, text);
  }
  const payloadBytes = lengthOf(response);
  const { text, isError, log } = stream && headers.get("content-type") === eventStreamType
    ? await readStreamedAnswer(functionName, response, { ...stream, maxBytes: maxAnswerBytes })
    : await readWhole(functionName, response, payloadBytes);
  const logTail = log === null ? undefined : Buffer.from(log, "base64").toString();
  if (isError) {
    const { objects, ...error } = parseFunctionError(text);
    const details = { ...error, logTail, missingObjects: objects };
    throw new FunctionError(functionName, details, { hint: failureHint(details) });
  }
  return {
    payload: text,
    payloadBytes,
    logTail,
    requestId: requestIdOf(response),
    version: response.headers.get("x-amz-executed-version") ?? undefined,
  };
}

async function readWhole(
  functionName: string,
  response: Response,
  length: number | undefined,
): Promise<StreamedAnswer> {
  const text = await readText(response, maxAnswerBytes, functionName, undefined, length);
  // AWS's runtime interface emulator omits the header, and reports a timeout as plain text.
  const isError = /^(\{"error(Message|Type)":|Task timed out after [\d.]+ seconds$)/.test(text) ||
    response.headers.has("x-amz-function-error");
  return { text, isError, log: response.headers.get("x-amz-log-result") };
}

/**
 * Returns the error for a call that failed after some of its output was passed on, which must not be
 * repeated.
 */
function lostOutput(functionName: string, bytes: number, error: CallError): CallError {
  return new CallError(
    error.code,
    `lost the connection to ${functionName} after ${bytesText(bytes)} of output: ${error.message}`,
    {
      cause: error,
      hint: "the command may still be running; with -invoke-retries N, llama runs it again and " +
        "continues the output",
    },
  );
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
