/**
 * The connections that calls to AWS share.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import { Semaphore } from "../async/semaphore.ts";
import { descriptorBudget } from "../system/descriptors.ts";
import { directClient } from "../system/loopback.ts";
import { bypassesProxy } from "../system/no_proxy.ts";

/** The maximum number of connections, unless more are reserved. */
export const defaultConnections = 256;

/**
 * Idle connections are closed after this time. Servers close them too, S3 after some 20 seconds, and
 * a request sent at that moment would be lost.
 */
const idleMilliseconds = 15_000;

/** A limited number of HTTP connections. Dispose of it when done. */
export class Connections implements Disposable {
  readonly #caBundle: string | undefined;
  readonly #noProxy: string | undefined;
  readonly #clients = new Map<string, Promise<Deno.HttpClient>>();
  /** The clients by host and `isFresh`, once they are open. */
  readonly #opened = new Map<string, Deno.HttpClient>();
  readonly #places: Semaphore;
  readonly #most: number;
  #isClosed = false;

  /**
   * @param caBundle A file of certificates to trust besides Mozilla's.
   * @param noProxy The hosts to reach without a proxy, in the format of `NO_PROXY`.
   * @param most The maximum number, whatever is reserved. @default {what the limit on open files
   * allows}
   */
  constructor(
    caBundle: string | undefined,
    noProxy?: string,
    most: number = descriptorBudget().connections,
  ) {
    this.#caBundle = caBundle;
    this.#noProxy = noProxy;
    this.#most = most;
    this.#places = new Semaphore(Math.min(defaultConnections, most));
  }

  /**
   * Raises the number of connections to `count`, up to the maximum.
   */
  reserve(count: number): void {
    this.#places.raise(Math.min(count, this.#most));
  }

  /**
   * Waits for a free connection.
   *
   * @param signal Aborts the wait.
   * @returns A permit, which is released when it is disposed of; at once if a connection is free.
   * @throws The signal's reason.
   */
  enter(signal?: AbortSignal): Disposable | Promise<Disposable> {
    signal?.throwIfAborted();
    return this.#places.tryAcquire() ?? this.#places.acquire(signal);
  }

  /**
   * Returns the client for a URL, for `fetch`.
   *
   * @param url The request's URL.
   * @param isFresh Whether the request needs a new connection: `fetch` itself retries a request when
   * a reused connection closes.
   * @throws {LlamaError} `config` if the certificates cannot be read.
   */
  async client(url: URL, isFresh: boolean): Promise<Deno.HttpClient> {
    const direct = bypassesProxy(url, this.#noProxy) ? url.host : "";
    const key = `${direct} ${isFresh}`;
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = this.#open(direct, isFresh);
      this.#clients.set(key, client);
    }
    const opened = await client;
    if (!this.#isClosed) this.#opened.set(`${url.host} ${isFresh}`, opened);
    return opened;
  }

  /** As {@linkcode Connections.client}, if it has been called before; otherwise undefined. */
  opened(url: URL, isFresh: boolean): Deno.HttpClient | undefined {
    return this.#opened.get(`${url.host} ${isFresh}`);
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const client of this.#clients.values()) {
      client.then((client) => client.close(), () => {});
    }
    this.#clients.clear();
    this.#opened.clear();
  }

  async #open(direct: string, isFresh: boolean): Promise<Deno.HttpClient> {
    const certificates = this.#caBundle === undefined ? [] : [await readBundle(this.#caBundle)];
    if (this.#isClosed) throw new LlamaError("network", "the connection to AWS was closed");
    const options: Deno.CreateHttpClientOptions = {
      caCerts: certificates,
      poolIdleTimeout: idleMilliseconds,
      poolMaxIdlePerHost: isFresh ? 0 : Math.min(defaultConnections, this.#most),
      // An HTTP/2 connection takes about a hundred concurrent requests, and further ones wait.
      http2: false,
    };
    return direct === "" ? Deno.createHttpClient(options) : directClient(direct, options);
  }
}

async function readBundle(path: string): Promise<string> {
  try {
    const text = await Deno.readTextFile(path);
    // Deno treats any other file as an empty list.
    if (/^-----BEGIN (TRUSTED )?CERTIFICATE-----/m.test(text)) return text;
    throw new LlamaError("config", "it contains none");
  } catch (cause) {
    throw new LlamaError("config", `cannot read certificates from ${path}: ${reasonOf(cause)}`, {
      cause,
      hint: "AWS_CA_BUNDLE, or ca_bundle of the profile, names a file of PEM certificates",
    });
  }
}
