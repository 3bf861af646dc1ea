/**
 * Signed calls to AWS, or to what stands in for it.
 *
 * @module
 */

import { emulatorHeader, maxTimerMilliseconds } from "../limits.ts";
import { type ErrorCode, LlamaError, messageOf } from "../errors.ts";
import { sha256 } from "../files/hash.ts";
import { CallError } from "./call_error.ts";
import { Connections } from "./connections.ts";
import { CredentialCache } from "./credentials/credential_cache.ts";
import type { Credentials } from "./credentials/keys.ts";
import { type Location, type Service, withoutPassword } from "./endpoint.ts";
import { longestPauseMilliseconds, patience, type RetryPolicy, withRetries } from "./retry.ts";
import { fetchFailure } from "./fetch_failure.ts";
import { Signatures, type Signed } from "./signatures.ts";

/** What a client is made of. */
export interface AwsClientOptions {
  /** Finds credentials: when the first request needs them, and again before they expire. */
  credentials: () => Promise<Credentials>;
  /** Gives region and endpoints when the first request needs them. */
  location: () => Promise<Location>;
  /** The most attempts of any call, as `AWS_MAX_ATTEMPTS`. @default {Infinity} */
  maxAttempts?: number | undefined;
  /** The most connections at once. @default {what the system allows, with files beside them} */
  maxConnections?: number | undefined;
  /** Gets a line for each request and each answer, without secrets. */
  debug?: ((line: string) => void) | undefined;
  /** Told what a person would want to know while calls are repeated: a line, and what to do. */
  onNotice?: ((message: string, hint?: string) => void) | undefined;
}

/** One request. */
export interface AwsRequest {
  /** For which service it is signed. */
  service: Service;
  /** For which region, where it is not the client's own. */
  region?: string | undefined;
  /** The HTTP method. */
  method: string;
  /** The whole URL, already encoded. */
  url: string;
  /** Headers beside those of the signature. */
  headers?: Record<string, string>;
  /**
   * The body; or a function that makes it for each attempt, and gets one to call as long as the
   * body goes on being taken: the attempt's time then begins anew.
   */
  body?: Uint8Array<ArrayBuffer> | string | ((alive: () => void) => Blob) | undefined;
  /** The body's SHA-256 where it is known already, in hexadecimal; a body yet to be made needs it. */
  bodyHash?: string | undefined;
  /** Ends the request early. */
  signal?: AbortSignal | undefined;
}

/** How a call is made of requests. */
export interface CallOptions<T> {
  /**
   * Reads the whole answer. Anything it throws counts as an answer that did not arrive whole, except
   * for a `LlamaError`, and for what parsing throws: `SyntaxError`, `URIError` and `RangeError`.
   *
   * @param response The answer, whatever its status.
   * @param alive Says that the answer goes on: the attempt's time begins anew.
   * @returns What the call gives.
   * @throws {CallError} If the service refused.
   */
  read: (response: Response, alive: () => void) => Promise<T>;
  /** How often the call is repeated. */
  retry: RetryPolicy;
  /** Ends the call where it has surely done nothing yet. @default {the request's signal} */
  unsent?: AbortSignal | undefined;
  /**
   * How long one attempt may take, in milliseconds, reading included; or a function that tells it
   * for the attempt of a number, from 1. @default {60,000}
   */
  attemptMilliseconds?: number | ((attempt: number) => number) | undefined;
  /** Called when a request is sent, after all that comes before. */
  onSend?: (() => void) | undefined;
  /** Whether each attempt needs a connection of its own, so that it surely is one. */
  isFresh?: boolean;
  /**
   * Wraps each attempt, such as to wait for its turn.
   *
   * @param attempt Makes the attempt.
   * @returns What the attempt gives.
   */
  around?: (attempt: () => Promise<T>) => Promise<T>;
}

/** How many requests were sent to a service. */
export interface RequestCounts {
  /** GET and HEAD. */
  reads: number;
  /** All others. */
  writes: number;
}

/** A clock that is off by less than this is right enough for any signature, in milliseconds. */
const toleratedSkew = 240_000;

/** Signs requests, sends them, and repeats what failed. Close it when done: it holds connections. */
export class AwsClient implements Disposable {
  readonly #options: AwsClientOptions;
  readonly #credentials: CredentialCache;
  readonly #signatures = new Signatures();
  readonly #sent: Partial<Record<Service, RequestCounts>> = {};
  #connections: Promise<Connections> | undefined;
  #location: Promise<Location> | undefined;
  #reserved = 0;
  #clockOffset = 0;
  #number = 0;
  #isEmulator = false;
  /** For what kinds of failure a person was told that a call is repeated, or of a long pause. */
  #lastRepeat: { error: LlamaError; time: number } | undefined;
  readonly #said = new Set<ErrorCode | "pause">();

  /** @param options Credentials, location, and where to report requests. */
  constructor(options: AwsClientOptions) {
    this.#options = options;
    this.#credentials = new CredentialCache(options.credentials);
  }

  /** How many requests were sent to each service, repeated ones included. */
  get sent(): Readonly<Partial<Record<Service, Readonly<RequestCounts>>>> {
    return this.#sent;
  }

  /**
   * Region and endpoints.
   *
   * @returns The location, found once.
   * @throws {LlamaError} `config`.
   */
  location(): Promise<Location> {
    return this.#location ??= this.#options.location();
  }

  /** Whether llama's emulator of Lambda has answered a request, so that nothing is paid. */
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
   * Makes room for as many requests at once.
   *
   * @param count How many.
   */
  reserve(count: number): void {
    this.#reserved = Math.max(this.#reserved, count);
    void this.#connections?.then((connections) => connections.reserve(count), () => {});
  }

  /**
   * Tells a person something.
   *
   * @param message One line.
   * @param hint What to do about it.
   */
  notice(message: string, hint?: string): void {
    this.#options.onNotice?.(message, hint);
  }

  /**
   * Returns why a call was last repeated.
   *
   * @param since The earliest time of interest, as `performance.now()` has it.
   * @returns What the call had failed with; undefined if none was repeated since.
   */
  lastRepeat(since: number): LlamaError | undefined {
    return this.#lastRepeat && this.#lastRepeat.time >= since ? this.#lastRepeat.error : undefined;
  }

  /**
   * Makes a call, and repeats it as its policy says.
   *
   * @param request The request.
   * @param options How the answer is read, and how often the call is repeated.
   * @returns What `read` gives.
   * @throws {LlamaError} What `read` throws for the last attempt; `credentials`, `config`; `network`
   * if no whole answer came.
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
        onRepeat: (error, pause) => this.#reportRepeat(error, pause),
      },
    );
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#connections?.then((connections) => connections[Symbol.dispose](), () => {});
    this.#connections = undefined;
  }

  async #attempt<T>(request: AwsRequest, number: number, options: CallOptions<T>): Promise<T> {
    const used: Used = { clockOffset: 0 };
    try {
      return await this.#once(request, number, options, used);
    } catch (error) {
      // Neither a clock that was just put right nor fresh credentials are worth a pause.
      if (error instanceof ClockOff) return await this.#once(request, number, options);
      const { credentials } = used;
      if (!(error instanceof CallError && error.expired && credentials)) throw error;
      if (!await this.#credentials.renew(credentials, request.signal)) throw error;
      return await this.#once(request, number, options);
    }
  }

  /** @param first What it was signed with goes here; without it, a refusal is taken as it is. */
  async #once<T>(
    request: AwsRequest,
    attempt: number,
    options: CallOptions<T>,
    first?: Used,
  ): Promise<T> {
    const { signal, url } = request;
    const { read, attemptMilliseconds: time = 60_000, isFresh = false } = options;
    const milliseconds = typeof time === "number" ? time : time(attempt);
    const connections = await this.#connect();
    // Outside of the attempt's time: a person may be asked for a code.
    const credentials = await this.#credentials.get(signal);
    using _place = await connections.enter(signal);
    using deadline = new Deadline(milliseconds, signal);
    let response: Response | undefined;
    try {
      const clockOffset = this.#clockOffset;
      if (first) Object.assign(first, { credentials, clockOffset });
      const signed = await this.#sign(request, { credentials, clockOffset });
      const client = await connections.client(signed.url, isFresh);
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
          { cause, repeat: "maybe" },
        );
      }
      if (cause instanceof LlamaError || cause instanceof ClockOff) throw cause;
      if (response !== undefined && isMalformed(cause)) throw malformedAnswer(url, cause);
      throw await networkError(url, cause, await this.location());
    } finally {
      // An answer that nobody reads holds its connection. It fails where it has been read, or has
      // failed itself.
      if (response?.body && !response.bodyUsed) await response.body.cancel().catch(() => {});
    }
  }

  async #sign(
    request: AwsRequest,
    { credentials, clockOffset }: Required<Used>,
  ): Promise<Signed> {
    const { service, method, url, headers = {} } = request;
    return await this.#signatures.sign({
      credentials,
      region: request.region ?? (await this.location()).region,
      ...{ service, method, url, headers },
      bodyHash: hashOf(request),
      time: new Date(Date.now() + clockOffset),
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
    const body = typeof given === "function" ? given(() => deadline.restart()) : given;
    const { debug } = this.#options;
    const sent = this.#sent[service] ??= { reads: 0, writes: 0 };
    if (method === "GET" || method === "HEAD") sent.reads++;
    else sent.writes++;
    const number = ++this.#number;
    debug?.(
      `> ${number} ${method} ${withoutPassword(url.href)}${
        attempt > 1 ? `, attempt ${attempt}` : ""
      }`,
    );
    const start = performance.now();
    try {
      const response = await fetch(url, {
        method,
        headers,
        client,
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
        signal: deadline.signal,
      });
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
   * Takes the time from an answer that refuses, where the clock here is off so far that this may be
   * why. S3 says so without a body where the request was a HEAD. Other requests may have been on
   * their way when the clock was put right, so what counts is the time that this one was signed with.
   */
  #putClockRight({ status, headers }: Response, { clockOffset }: Used): boolean {
    if (status !== 400 && status !== 403) return false;
    const there = Date.parse(headers.get("date") ?? "");
    const offset = there - Date.now();
    if (!(Math.abs(offset - clockOffset) > toleratedSkew)) return false;
    this.#clockOffset = offset;
    this.#options.debug?.(`the clock here is off by ${Math.round(-offset / 1000)} seconds`);
    return true;
  }

  #reportRepeat(error: CallError, pause: number): void {
    this.#lastRepeat = { error, time: performance.now() };
    this.#options.debug?.(`again in ${Math.round(pause)} ms: ${error.message}`);
    const { afterMilliseconds = 0 } = error;
    if (afterMilliseconds > longestPauseMilliseconds && !this.#said.has("pause")) {
      this.#said.add("pause");
      const [asked, seconds] = [afterMilliseconds, pause].map((time) => Math.round(time / 1000));
      this.notice(
        `${error.message}; the service asks for ${asked} seconds: trying again in ${seconds}`,
      );
    }
    // Want of room has a message of its own.
    if (error.repeat !== "unsent" || error.code === "throttled" || this.#said.has(error.code)) {
      return;
    }
    this.#said.add(error.code);
    const minutes = (patience[error.code] ?? 0) / 60_000;
    this.notice(
      `${error.message}; trying again for ${minutes < 1 ? "half a minute" : `${minutes} minutes`}`,
      error.hint,
    );
  }

  #connect(): Promise<Connections> {
    return this.#connections ??= this.location().then(({ caBundle, noProxy }) => {
      const { maxConnections } = this.#options;
      const connections = new Connections(caBundle, noProxy, maxConnections);
      connections.reserve(this.#reserved);
      return connections;
    });
  }
}

function hashOf({ body = "", bodyHash }: AwsRequest): string {
  if (bodyHash !== undefined) return bodyHash;
  if (typeof body === "function") throw new TypeError("the body's hash must be known");
  return sha256(body);
}

/** What a request was signed with. */
interface Used {
  credentials?: Credentials;
  clockOffset: number;
}

/** The clock was put right: the same request again. */
class ClockOff extends Error {}

/** A signal for one attempt: the caller's, or too long a wait. */
class Deadline implements Disposable {
  isOver = false;
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  readonly #signal: AbortSignal | undefined;
  #end = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #abort = () => this.#controller.abort(this.#signal?.reason);

  constructor(milliseconds: number, signal: AbortSignal | undefined) {
    this.#milliseconds = milliseconds;
    this.#signal = signal;
    this.restart();
    this.#wait(milliseconds);
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) this.#abort();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Called with every piece of a body, so it sets no timer. */
  restart(): void {
    this.#end = performance.now() + this.#milliseconds;
  }

  #wait(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#end - performance.now();
      if (left > 0) return this.#wait(Math.ceil(left));
      this.isOver = true;
      this.#controller.abort();
    }, Math.min(milliseconds, maxTimerMilliseconds));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#abort);
  }
}

/**
 * The id that a service gave a request.
 *
 * @param response The answer.
 * @returns The id, where there is one.
 */
export function requestIdOf({ headers }: Response): string | undefined {
  return headers.get("x-amzn-requestid") ?? headers.get("x-amz-request-id") ?? undefined;
}

/** Whether an error comes of what an answer says, and not of how it arrived. */
function isMalformed(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof URIError || error instanceof RangeError;
}

/** The same answer would come again. */
function malformedAnswer(url: string, cause: unknown): CallError {
  const { origin } = new URL(url);
  return new CallError(
    "service",
    `the answer from ${origin} cannot be understood: ${messageOf(cause)}`,
    { cause },
  );
}

/** The error for a call without an answer, or without the end of one. */
async function networkError(url: string, cause: unknown, location: Location): Promise<CallError> {
  const { noAnswer } = await import("./network_hint.ts");
  const { message, hint, reason } = noAnswer(url, cause, location);
  // Before the certificate is believed, or the proxy lets the request pass, nothing is sent; but
  // neither changes within minutes.
  const isForGood = /invalid peer certificate|proxy authentication required/.test(reason);
  // hyper's word for all that goes wrong before a request is sent.
  const repeat = reason.includes("client error (Connect)") ? "unsent" : "maybe";
  return new CallError("network", message, {
    cause,
    hint,
    repeat: isForGood ? "never" : repeat,
  });
}
