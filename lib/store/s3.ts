/**
 * A store in a bucket: `s3://BUCKET/PREFIX/`.
 *
 * @module
 */

import { CallError, isServerFailure, retryAfter } from "../aws/call_error.ts";
import type { AwsClient } from "../aws/client.ts";
import { bucketUrl } from "../aws/endpoint.ts";
import { LlamaError } from "../errors.ts";
import { sha256 } from "../hash.ts";
import { Semaphore } from "../concurrency.ts";
import { missingObject, type ObjectStore, verify } from "./store.ts";

/** A store whose objects are a bucket's, each under the prefix followed by its id. */
export class S3Store implements ObjectStore {
  readonly url: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: AwsClient;
  readonly #requests: Semaphore;

  /**
   * @param url `s3://BUCKET/PREFIX/`.
   * @param client Signs and sends; goes with the store.
   * @param concurrency The most requests at once.
   * @throws {LlamaError} `config` if the URL is not of this form.
   */
  constructor(url: string, client: AwsClient, concurrency: number) {
    const [, bucket, prefix] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ??
      [];
    if (bucket === undefined) {
      throw new LlamaError("config", `object store ${JSON.stringify(url)}: not a bucket's URL`, {
        hint: "write s3://BUCKET/PREFIX/",
      });
    }
    this.url = url;
    this.#bucket = bucket;
    this.#prefix = prefix ?? "";
    this.#client = client;
    this.#requests = new Semaphore(concurrency);
  }

  async put(bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
    const id = sha256(bytes);
    await this.#request("PUT", id, signal, (response) => this.#expect(response, id, "PutObject"), {
      // What fetch sends must not be shared memory; a view of ordinary memory costs no copy.
      body: bytes.buffer instanceof ArrayBuffer
        ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
        : new Uint8Array(bytes),
      bodyHash: id,
      headers: { "content-type": "application/octet-stream" },
    });
    return id;
  }

  async putFile(path: string, signal?: AbortSignal): Promise<string> {
    return await this.put(await Deno.readFile(path), signal);
  }

  async get(id: string, signal?: AbortSignal): Promise<Uint8Array> {
    const bytes = await this.#request("GET", id, signal, async (response) => {
      await this.#expect(response, id, "GetObject");
      return await response.bytes();
    });
    verify(this.url, id, sha256(bytes));
    return bytes;
  }

  async getFile(id: string, path: string, signal?: AbortSignal): Promise<void> {
    await Deno.writeFile(path, await this.get(id, signal), { createNew: true });
  }

  async has(id: string, signal?: AbortSignal): Promise<boolean> {
    return await this.#request("HEAD", id, signal, async (response) => {
      await response.body?.cancel();
      // Without the right to list the bucket, S3 answers 403 for an object that is not there.
      if (response.status === 404 || response.status === 403) return false;
      await this.#expect(response, id, "HeadObject");
      return true;
    });
  }

  /** Remembers nothing. */
  forget(_id: string): void {}

  /** Closes the client's connections. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #request<T>(
    method: string,
    id: string,
    signal: AbortSignal | undefined,
    read: (response: Response) => Promise<T>,
    more: { body?: Uint8Array<ArrayBuffer>; bodyHash?: string; headers?: Record<string, string> } =
      {},
  ): Promise<T> {
    const base = bucketUrl(await this.#client.location(), this.#bucket);
    const url = `${base}/${encodeKey(this.#prefix + id)}`;
    using _permit = await this.#requests.acquire(signal);
    return await this.#client.call({ service: "s3", method, url, signal, ...more }, {
      read,
      retry: { maxRepeats: 10 },
    });
  }

  async #expect(response: Response, id: string, action: string): Promise<void> {
    if (response.ok) {
      if (action === "PutObject") await response.body?.cancel();
      return;
    }
    const text = await response.text();
    const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? `HTTP status ${response.status}`;
    if (response.status === 404 && code !== "NoSuchBucket") throw missingObject(this.url, id);
    const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? text.slice(0, 200);
    const repeat = isServerFailure(response.status) ? "maybe" : "never";
    throw new CallError(
      "store",
      `S3 refused ${action} in bucket ${this.#bucket}, key ${this.#prefix}${id}: ` +
        `${code}: ${message}`,
      {
        hint: code === "AccessDenied" ? `the credentials need s3:${action}` : undefined,
        repeat,
        afterMilliseconds: retryAfter(response.headers),
      },
    );
  }
}

/** Encodes all that S3's signature wants encoded; `+` too, which aws4fetch would take for a space. */
function encodeKey(key: string): string {
  return key.split("/").map((part) =>
    encodeURIComponent(part).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    )
  ).join("/");
}
