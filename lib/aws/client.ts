/**
 * Signed calls to AWS.
 *
 * @module
 */

import { emulatorHeader } from "../limits.ts";
import { type ErrorCode, LlamaError, messageOf } from "../errors.ts";
import { sha256 } from "../files/hash.ts";
import { CallError } from "./call_error.ts";
import { Connections } from "./connections.ts";
import { CredentialCache } from "./credentials/credential_cache.ts";
import type { Credentials } from "./credentials/keys.ts";
import { Deadline } from "./deadline.ts";
import { type Location, type Service, withoutPassword } from "./endpoint.ts";
import { longestPauseMilliseconds, patience, type RetryPolicy, withRetries } from "./retry.ts";
import { fetchFailure } from "./fetch_failure.ts";
import { Signatures, type Signed } from "./signatures.ts";

/** Options for {@linkcode AwsClient}. */
export interface AwsClientOptions {
  /** Finds credentials, for the first request and again before they expire. */
  credentials: () => Promise<Credentials>;
  /** Finds region and endpoints, for the first request. */
  location: () => Promise<Location>;
  /** The maximum number of attempts per call, as `AWS_MAX_ATTEMPTS`. @default {Infinity} */
  maxAttempts?: number | undefined;
  /** The maximum number of connections. @default {what the limit on open files allows} */
  maxConnections?: number | undefined;
  /** Receives a line for each request and each answer, without secrets. */
  debug?: ((line: string) => void) | undefined;
  /** Receives notices for the user during retries: a line, and what to do. */
  onNotice?: ((message: string, hint?: string) => void) | undefined;
}

/** A request. */
export interface AwsRequest {
  /** The service to sign for. */
  service: Service;
  /** The region to sign for. @default {the client's region} */
  region?: string | undefined;
  /** The HTTP method. */
  method: string;
  /** The whole URL, already encoded. */
  url: string;
  /** Headers besides those of the signature. */
  headers?: Record<string, string>;
  /**
   * The body, or a function that creates it for each attempt. Its argument is to be called on
   * progress, with the number of bytes sent, which restarts the attempt's timeout.
   */
  body?: Uint8Array<ArrayBuffer> | string | ((alive: (bytes: number) => void) => Blob) | undefined;
  /** The body's SHA-256 in hexadecimal, if known; required if `body` is a function. */
  bodyHash?: string | undefined;
  /** Aborts the request. */
  signal?: AbortSignal | undefined;
}

/** Options for {@linkcode AwsClient.call}. */
export interface CallOptions<T> {
  /**
   * Reads the whole answer. Errors count as a truncated answer, except for a `LlamaError` and for
   * parse errors: `SyntaxError`, `URIError` and `RangeError`.
   *
   * @param response The answer, whatever its status.
   * @param alive To be called on progress, which restarts the attempt's timeout.
   * @returns The call's result.
   * @throws {CallError} If the service refused.
   */
  read: (response: Response, alive: () => void) => Promise<T>;
  /** The retry policy. */
  retry: RetryPolicy;
  /** Aborts the call while it certainly had no effect. @default {the request's signal} */
  unsent?: AbortSignal | undefined;
  /**
   * The timeout of one attempt in milliseconds, including reading, or a function of the attempt's
   * number, from 1. @default {60,000}
   */
  attemptMilliseconds?: number | ((attempt: number) => number) | undefined;
  /** Called just before a request is sent. */
  onSend?: (() => void) | undefined;
  /** Whether each attempt needs a new connection, so that `fetch` does not retry by itself. */
  isFresh?: boolean;
  /**
   * Wraps each attempt, for example to limit concurrency.
   *
   * @param attempt Makes the attempt.
   * @returns The attempt's result.
   */
  around?: (attempt: () => Promise<T>) => Promise<T>;
}

/** The number of requests sent to a service. */
export interface RequestCounts {
  /** GET and HEAD. */
  reads: number;
  /** All others. */
  writes: number;
  /** The bytes of bodies that are created for each attempt, as far as they were sent. */
  bodyBytes: number;
}

/** The clock skew that every service tolerates, in milliseconds. */
const toleratedSkew = 240_000;

/** Signs, sends and retries requests. Dispose of it when done: it holds connections. */
export class AwsClient implements Disposable {
  readonly #options: AwsClientOptions;
  readonly #credentials: CredentialCache;
  readonly #signatures = new Signatures();
  readonly #sent: Partial<Record<Service, RequestCounts>> = {};
  #connections: Promise<Connected> | undefined;
  /** `#connections`, once they are known: a promise less per request. */
  #connected: Connected | undefined;
  #location: Promise<Location> | undefined;
  #reserved = 0;
  #clockOffset = 0;
  #number = 0;
  #isEmulator = false;
  #lastRetry: { error: LlamaError; time: number } | undefined;
  /** The plain requests by the URLs of `#signatures`, each of which has one method. */
  readonly #plain = new WeakMap<URL, Request>();
  /** The notices that were already given: of retries after a kind of failure, or of a long pause. */
  readonly #said = new Set<ErrorCode | "pause">();

  /** @param options Credentials, location, and where to report requests. */
  constructor(options: AwsClientOptions) {
    this.#options = options;
    this.#credentials = new CredentialCache(options.credentials);
  }

  /** The number of requests sent to each service, including retries. */
  get sent(): Readonly<Partial<Record<Service, Readonly<RequestCounts>>>> {
    return this.#sent;
  }

  /**
   * Returns region and endpoints, which are found once.
   *
   * @throws {LlamaError} `config`.
   */
  location(): Promise<Location> {
    return this.#location ??= this.#options.location();
  }

  /** Whether llama's emulator has answered a request, so that nothing is billed. */
  get isEmulator(): boolean {
    return this.#isEmulator;
  }

  /**
   * Returns the access key that signs the requests.
   *
   * @returns The public part of the key.
   * @throws {LlamaError} `credentials` if there is none.
   */
  async accessKeyId(): Promise<string> {
    return (await this.#credentials.get()).accessKeyId;
  }

  /**
   * Raises the number of concurrent requests to `count`, up to the maximum number of connections.
   */
  reserve(count: number): void {
    this.#reserved = Math.max(this.#reserved, count);
    void this.#connections?.then(({ connections }) => connections.reserve(count), () => {});
  }

  /**
   * Passes a notice to the user.
   *
   * @param message One line.
   * @param hint What to do about it.
   */
  notice(message: string, hint?: string): void {
    this.#options.onNotice?.(message, hint);
  }

  /**
   * Returns the error that caused the last retry.
   *
   * @param since The earliest time of interest, by `performance.now()`.
   * @returns The error; undefined if no call was retried since then.
   */
  lastRetry(since: number): LlamaError | undefined {
    return this.#lastRetry && this.#lastRetry.time >= since ? this.#lastRetry.error : undefined;
  }

  /**
   * Makes a call, with retries.
   *
   * @returns The result of `read`.
   * @throws {LlamaError} The error of `read` in the last attempt; `credentials`, `config`; `network`
   * if no complete answer arrived.
   */
  async call<T>(request: AwsRequest, options: CallOptions<T>): Promise<T> {
    const { retry, around = (attempt) => attempt() } = options;
    const { maxAttempts = Infinity } = this.#options;
    return await withRetries(
      (number) => around(() => this.#attempt(request, number, options)),
      {
        ...retry,
        maxAttempts: Math.min(maxAttempts, retry.maxAttempts ?? Infinity),
        signal: request.signal,
        unsent: options.unsent,
        onRetry: (error, pause) => this.#reportRetry(error, pause),
      },
    );
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#connections?.then(({ connections }) => connections[Symbol.dispose](), () => {});
    this.#connections = this.#connected = undefined;
  }

  async #attempt<T>(request: AwsRequest, number: number, options: CallOptions<T>): Promise<T> {
    const used: Used = { clockOffset: 0 };
    try {
      return await this.#once(request, number, options, used);
    } catch (error) {
      // A corrected clock or renewed credentials need no pause.
      if (error instanceof ClockOff) return await this.#once(request, number, options);
      const { credentials } = used;
      if (!(error instanceof CallError && error.expired && credentials)) throw error;
      if (!await this.#credentials.renew(credentials, request.signal)) throw error;
      return await this.#once(request, number, options);
    }
  }

  /** @param first Set to what the request was signed with; if absent, the clock is not corrected. */
  async #once<T>(
    request: AwsRequest,
    attempt: number,
    options: CallOptions<T>,
    first?: Used,
  ): Promise<T> {
    const { signal, url } = request;
    const { read, attemptMilliseconds: time = 60_000, isFresh = false } = options;
    const milliseconds = typeof time === "number" ? time : time(attempt);
    const { connections, location } = this.#connected ?? await this.#connect();
    // Before the timeout starts: the user may be asked for a code.
    const credentials = this.#credentials.fresh ?? await this.#credentials.get(signal);
    using _place = await connections.enter(signal);
    using deadline = new Deadline(milliseconds, signal);
    let response: Response | undefined;
    try {
      const clockOffset = this.#clockOffset;
      if (first) Object.assign(first, { credentials, clockOffset });
      const signed = this.#sign(request, location, { credentials, clockOffset });
      const client = connections.opened(signed.url, isFresh) ??
        await connections.client(signed.url, isFresh);
      options.onSend?.();
      response = await this.#send(request, signed, client, attempt, deadline);
      if (response.headers.has(emulatorHeader)) this.#isEmulator = true;
      if (first && this.#putClockRight(response, first)) throw new ClockOff();
      return await read(response, () => deadline.restart());
    } catch (cause) {
      signal?.throwIfAborted();
      if (deadline.isOver) {
        const seconds = milliseconds / 1000;
        throw new CallError(
          "network",
          `no answer from ${new URL(url).origin} within ${Number(seconds.toFixed(1))} seconds`,
          { cause, retryable: "maybe" },
        );
      }
      if (cause instanceof LlamaError || cause instanceof ClockOff) throw cause;
      if (response !== undefined && isMalformed(cause)) throw malformedAnswer(url, cause);
      throw await networkError(url, cause, location);
    } finally {
      // An unread answer holds its connection. Canceling fails if it was read or has failed.
      if (response?.body && !response.bodyUsed) await response.body.cancel().catch(() => {});
    }
  }

  #sign(
    request: AwsRequest,
    location: Location,
    { credentials, clockOffset }: Required<Used>,
  ): Signed {
    const { service, method, url, headers = {} } = request;
    return this.#signatures.sign({
      credentials,
      region: request.region ?? location.region,
      service,
      method,
      url,
      headers,
      bodyHash: hashOf(request),
      time: Date.now() + clockOffset,
    });
  }

  async #send(
    request: AwsRequest,
    { url, headers }: Signed,
    client: Deno.HttpClient,
    attempt: number,
    deadline: Deadline,
  ): Promise<Response> {
    const { service, method, body: given } = request;
    const { debug } = this.#options;
    const sent = this.#sent[service] ??= { reads: 0, writes: 0, bodyBytes: 0 };
    const body = typeof given !== "function" ? given : given((bytes) => {
      sent.bodyBytes += bytes;
      deadline.restart();
    });
    if (method === "GET" || method === "HEAD") sent.reads++;
    else sent.writes++;
    const number = ++this.#number;
    debug?.(
      `> ${number} ${method} ${withoutPassword(url.href)}${
        attempt > 1 ? `, attempt ${attempt}` : ""
      }`,
    );
    const start = debug ? performance.now() : 0;
    try {
      const init: RequestInit & { client: Deno.HttpClient } = {
        headers,
        client,
        signal: deadline.signal,
      };
      if (body !== undefined) init.body = body;
      // Only calls of Lambda have the same URL again and again.
      const response = service === "lambda"
        ? await fetch(this.#plainRequest(url, method), init)
        : await fetch(url, { ...init, method, redirect: "manual" });
      if (debug) {
        const milliseconds = (performance.now() - start).toFixed(1);
        const id = requestIdOf(response);
        debug(
          `< ${number} ${response.status} in ${milliseconds} ms` + (id ? `, request id ${id}` : ""),
        );
      }
      return response;
    } catch (cause) {
      debug?.(`< ${number} failed: ${fetchFailure(cause)}`);
      throw cause;
    }
  }

  /**
   * Returns a request with neither headers nor body, which is the same for all calls of a kind: `fetch`
   * copies it in less time than it takes to parse the URL.
   */
  #plainRequest(url: URL, method: string): Request {
    const known = this.#plain.get(url);
    if (known !== undefined) return known;
    const plain = new Request(url, { method, redirect: "manual" });
    this.#plain.set(url, plain);
    return plain;
  }

  /**
   * Takes the time from a refusal if clock skew may be its reason. Does not need a body, since S3's
   * answer to HEAD has none. Compares with the offset that this request was signed with, since the
   * clock may have been corrected while the request was in flight.
   */
  #putClockRight({ status, headers }: Response, { clockOffset }: Used): boolean {
    if (status !== 400 && status !== 403) return false;
    const there = Date.parse(headers.get("date") ?? "");
    const offset = there - Date.now();
    if (!(Math.abs(offset - clockOffset) > toleratedSkew)) return false;
    this.#clockOffset = offset;
    this.#options.debug?.(`this machine's clock is off by ${Math.round(-offset / 1000)} seconds`);
    return true;
  }

  #reportRetry(error: CallError, pause: number): void {
    this.#lastRetry = { error, time: performance.now() };
    this.#options.debug?.(`retrying in ${Math.round(pause)} ms: ${error.message}`);
    const { afterMilliseconds = 0 } = error;
    if (afterMilliseconds > longestPauseMilliseconds && !this.#said.has("pause")) {
      this.#said.add("pause");
      const [asked, seconds] = [afterMilliseconds, pause].map((time) => Math.round(time / 1000));
      this.notice(
        `${error.message}; the service asks for ${asked} seconds: retrying in ${seconds}`,
      );
    }
    // Throttling has its own notice.
    if (error.retryable !== "unsent" || error.code === "throttled" || this.#said.has(error.code)) {
      return;
    }
    this.#said.add(error.code);
    const minutes = (patience[error.code] ?? 0) / 60_000;
    this.notice(
      `${error.message}; retrying for up to ${minutes < 1 ? "30 seconds" : `${minutes} minutes`}`,
      error.hint,
    );
  }

  #connect(): Promise<Connected> {
    return this.#connections ??= this.location().then((location) => {
      const { caBundle, noProxy } = location;
      const connections = new Connections(caBundle, noProxy, this.#options.maxConnections);
      connections.reserve(this.#reserved);
      return this.#connected = { connections, location };
    });
  }
}

function hashOf({ body = "", bodyHash }: AwsRequest): string {
  if (bodyHash !== undefined) return bodyHash;
  if (typeof body === "function") throw new TypeError("the body's hash must be known");
  return sha256(body);
}

/** The connections, and where they lead. */
interface Connected {
  readonly connections: Connections;
  readonly location: Location;
}

/** The credentials and clock offset that a request was signed with. */
interface Used {
  credentials?: Credentials;
  clockOffset: number;
}

/** The clock was corrected, and the request is to be sent again. */
class ClockOff extends Error {}

/**
 * Returns the id that a service gave a request, if any.
 */
export function requestIdOf({ headers }: Response): string | undefined {
  return headers.get("x-amzn-requestid") ?? headers.get("x-amz-request-id") ?? undefined;
}

/** Reports whether an error is about an answer's content rather than its transmission. */
function isMalformed(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof URIError || error instanceof RangeError;
}

/** Not retried: the answer would be the same. */
function malformedAnswer(url: string, cause: unknown): CallError {
  const { origin } = new URL(url);
  return new CallError(
    "service",
    `malformed answer from ${origin}: ${messageOf(cause)}`,
    { cause },
  );
}

/** Returns the error for a missing or truncated answer. */
async function networkError(url: string, cause: unknown, location: Location): Promise<CallError> {
  const { noAnswer } = await import("./network_hint.ts");
  const { message, hint, reason } = noAnswer(url, cause, location);
  // In both cases nothing was sent, but a retry within minutes would not help.
  const isForGood = /invalid peer certificate|proxy authentication required/.test(reason);
  // hyper's term for all failures before a request is sent.
  const retryable = reason.includes("client error (Connect)") ? "unsent" : "maybe";
  return new CallError("network", message, {
    cause,
    hint,
    retryable: isForGood ? "never" : retryable,
  });
}
