/**
 * The connections that calls to AWS share.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import { Semaphore } from "../async/concurrency.ts";
import { descriptorBudget } from "../system/descriptors.ts";
import { bypassesProxy, directClient } from "../system/loopback.ts";

/** How many connections there are at most, unless more jobs are asked for at once. */
export const defaultConnections = 256;

/**
 * Servers close connections that nobody uses, and a request that crosses that on its way is lost;
 * S3 does so after some 20 seconds.
 */
const idleMilliseconds = 15_000;

/** HTTP connections, bounded in number. Close them when done. */
export class Connections implements Disposable {
  readonly #caBundle: string | undefined;
  readonly #noProxy: string | undefined;
  readonly #clients = new Map<string, Promise<Deno.HttpClient>>();
  readonly #places: Semaphore;
  readonly #most: number;
  #isClosed = false;

  /**
   * @param caBundle A file of certificates that are trusted besides Mozilla's.
   * @param noProxy The hosts that are not reached through a proxy, as `NO_PROXY` lists them.
   * @param most How many there may be at once, whatever is reserved. @default {as many as this
   * process may have, with files besides them}
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
   * Makes room for as many requests at once, where there is less and may be more.
   *
   * @param count How many.
   */
  reserve(count: number): void {
    this.#places.raise(Math.min(count, this.#most));
  }

  /**
   * Waits for a place among the connections.
   *
   * @param signal Ends the wait.
   * @returns The place, given back when it is disposed of.
   * @throws The signal's reason.
   */
  enter(signal?: AbortSignal): Promise<Disposable> {
    return this.#places.acquire(signal);
  }

  /**
   * The client for a URL.
   *
   * @param url Where the request goes.
   * @param isFresh Whether the request needs a connection of its own: `fetch` repeats a request by
   * itself when a connection closes that was used before.
   * @returns A client for `fetch`.
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
    return await client;
  }

  /** Closes all. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const client of this.#clients.values()) {
      client.then((client) => client.close(), () => {});
    }
    this.#clients.clear();
  }

  async #open(direct: string, isFresh: boolean): Promise<Deno.HttpClient> {
    const certificates = this.#caBundle === undefined ? [] : [await readBundle(this.#caBundle)];
    if (this.#isClosed) throw new LlamaError("network", "the connection to AWS was closed");
    const options: Deno.CreateHttpClientOptions = {
      caCerts: certificates,
      poolIdleTimeout: idleMilliseconds,
      poolMaxIdlePerHost: isFresh ? 0 : Math.min(defaultConnections, this.#most),
      // One connection of HTTP/2 takes a hundred requests or so, and makes the others wait.
      http2: false,
    };
    return direct === "" ? Deno.createHttpClient(options) : directClient(direct, options);
  }
}

async function readBundle(path: string): Promise<string> {
  try {
    const text = await Deno.readTextFile(path);
    // Deno takes any file for one without certificates.
    if (/^-----BEGIN (TRUSTED )?CERTIFICATE-----/m.test(text)) return text;
    throw new LlamaError("config", "it contains none");
  } catch (cause) {
    throw new LlamaError("config", `cannot read certificates from ${path}: ${reasonOf(cause)}`, {
      cause,
      hint: "AWS_CA_BUNDLE, or ca_bundle of the profile, names a file of PEM certificates",
    });
  }
}
