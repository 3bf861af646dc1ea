/**
 * Signed calls to AWS, or to what stands in for it.
 *
 * @module
 */

import { LlamaError, messageOf } from "../errors.ts";
import { sha256 } from "../hash.ts";
import { directClient } from "../http.ts";
import type { Credentials } from "./credentials.ts";
import type { Location, Service } from "./endpoint.ts";
import { Signer } from "./signer.ts";

/** What a client is made of. */
export interface AwsClientOptions {
  /** Gives the credentials when the first request needs them. */
  credentials: () => Promise<Credentials>;
  /** Gives region and endpoints when the first request needs them. */
  location: () => Promise<Location>;
  /** Gets a line for each request and each answer, without secrets. */
  debug?: ((line: string) => void) | undefined;
}

/** One request. */
export interface AwsRequest {
  /** For which service it is signed. */
  service: Service;
  /** The HTTP method. */
  method: string;
  /** The whole URL, already encoded. */
  url: string;
  /** Headers beside those of the signature. */
  headers?: Record<string, string>;
  /** The body. */
  body?: Uint8Array<ArrayBuffer> | string | undefined;
  /** The body's SHA-256 where it is known already, in hexadecimal. */
  bodyHash?: string | undefined;
  /** Ends the request early. */
  signal?: AbortSignal | undefined;
}

/** Signs requests and sends them. Close it when done: it holds connections. */
export class AwsClient implements Disposable {
  readonly #options: AwsClientOptions;
  readonly #clients = new Map<string, Deno.HttpClient>();
  // Keys derived from the secret, one a day, region and service; aws4fetch fills it.
  readonly #keys = new Map<string, ArrayBuffer>();
  #credentials: Promise<Credentials> | undefined;
  #location: Promise<Location> | undefined;
  #requests = 0;

  /** @param options Credentials, location, and where to report requests. */
  constructor(options: AwsClientOptions) {
    this.#options = options;
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

  /**
   * Signs a request and sends it once.
   *
   * @param request The request.
   * @returns The answer, whatever its status. Read or cancel its body.
   * @throws {LlamaError} `credentials`, `config`, or `network` if no answer came.
   */
  async send(request: AwsRequest): Promise<Response> {
    const { sessionToken, ...keys } = await (this.#credentials ??= this.#options.credentials());
    const { region } = await this.location();
    const { service, method, url, body, signal } = request;
    const signer = new Signer({
      ...keys,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service,
      region,
      method,
      url,
      headers: {
        ...request.headers,
        "x-amz-content-sha256": request.bodyHash ?? sha256(body ?? ""),
      },
      cache: this.#keys,
    });
    const signed = await signer.sign();
    const number = ++this.#requests;
    this.#options.debug?.(`> ${number} ${method} ${url}`);
    const start = performance.now();
    try {
      const response = await fetch(signed.url, {
        method,
        headers: signed.headers,
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
        ...(signal ? { signal } : {}),
        ...this.#clientFor(signed.url),
      });
      const id = response.headers.get("x-amzn-requestid") ??
        response.headers.get("x-amz-request-id");
      this.#options.debug?.(
        `< ${number} ${response.status} in ${(performance.now() - start).toFixed(1)} ms` +
          (id ? `, request id ${id}` : ""),
      );
      return response;
    } catch (cause) {
      signal?.throwIfAborted();
      this.#options.debug?.(`< ${number} failed: ${messageOf(cause)}`);
      throw networkError(signed.url, cause);
    }
  }

  /** Closes the connections to servers on this machine; `fetch` keeps the others itself. */
  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  /** Loopback goes straight to the server, whatever proxy the environment names. */
  #clientFor({ hostname, host, protocol }: URL): { client?: Deno.HttpClient } {
    if (protocol !== "http:" || !isLoopback(hostname)) return {};
    let client = this.#clients.get(host);
    if (!client) {
      client = directClient(host);
      this.#clients.set(host, client);
    }
    return { client };
  }
}

/**
 * The error for a call without an answer, or without the end of one.
 *
 * @param url Where the call went.
 * @param cause What `fetch` or the reading of the body threw.
 * @returns An error to throw.
 */
export function networkError(url: URL | string, cause: unknown): LlamaError {
  const { origin } = new URL(url);
  // Deno wraps the reason, once or twice, and repeats the URL in it.
  let reason = messageOf(cause);
  for (let inner = cause; inner instanceof Error && inner.cause; inner = inner.cause) {
    reason = messageOf(inner.cause);
  }
  reason = reason.replace(/^.*client error \(\w+\): /, "").replace(/ \(os error \d+\)/, "");
  return new LlamaError("network", `no answer from ${origin}: ${reason}`, { cause });
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
