/**
 * Calls on the objects of one bucket.
 *
 * @module
 */

import { posix } from "node:path";
import { readBeginning } from "../aws/answer.ts";
import type { AwsClient, AwsRequest } from "../aws/client.ts";
import { bucketUrl, withoutPassword } from "../aws/endpoint.ts";
import { ownerHeaders } from "../aws/expected_owner.ts";
import { Semaphore } from "../async/semaphore.ts";
import { LlamaError } from "../errors.ts";
import { OtherRegion, refusal, type Refused } from "./s3_errors.ts";

/** What {@linkcode BucketCall.read} may use. */
export interface Reading {
  /** Must be called for each piece of a long response. */
  readonly alive: () => void;
  /** Returns the error for a refusal with this body. */
  readonly refuse: (text: string) => LlamaError;
}

/** One call. */
export interface BucketCall<T> {
  /** The HTTP method. */
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The name of the S3 action. */
  action: string;
  /** The object's id. */
  id: string;
  /** Parameters of the URL. */
  query?: Record<string, string>;
  /** Headers besides those of the signature. */
  headers?: Record<string, string>;
  /** The body, as {@linkcode AwsRequest.body}. */
  body?: AwsRequest["body"];
  /** The body's SHA-256, if known. */
  bodyHash?: string;
  /** Additional time for the first attempt, in milliseconds. @default {0} */
  extraMilliseconds?: number;
  /** The number of bytes transferred; infinite if unknown. @default {0} */
  bytes?: number;
  /** Statuses that `read` handles besides those of success. */
  also?: readonly number[];
  /** Reads the response. */
  read: (response: Response, reading: Reading) => Promise<T>;
  /** Ends the call early. */
  signal: AbortSignal | undefined;
}

/** Options for {@linkcode Bucket}. */
export interface BucketOptions {
  /** The account that must own the bucket. @default {any} */
  readonly owner?: string | undefined;
  /** Returns the error for a refusal; undefined if there is nothing special about it. */
  readonly explain?: ((refused: Refused) => LlamaError | undefined) | undefined;
}

/** How often a call is retried; all of them are idempotent. */
const maxRetries = 10;

/**
 * How long S3 may be silent in the first attempt, in milliseconds; doubled for each further attempt.
 * It usually responds within 0.2 seconds, and a retry costs little: https://docs.aws.amazon.com/whitepapers/latest/s3-optimizing-performance-best-practices/timeouts-and-retries-for-latency-sensitive-applications.html
 */
const silenceMilliseconds = 5000;

/** The approximate memory limit for bytes in transit. */
const roomBytes = 32 * 1024 * 1024;

/** The share of it that one call takes at most: its bytes are streamed. */
const maxCallRoomBytes = 1024 * 1024;

/** How often a call follows S3 to another region. */
const maxMoves = 2;

/** A bucket, and a prefix of its keys. */
export class Bucket {
  readonly #url: string;
  readonly #client: AwsClient;
  readonly #name: string;
  readonly #prefix: string;
  readonly #owner: string | undefined;
  readonly #explain: BucketOptions["explain"];
  readonly #requests: Semaphore;
  readonly #room = new Semaphore(roomBytes);
  #region: string | undefined;

  /**
   * @param url `s3://BUCKET/PREFIX/`, with or without the trailing slash, and without escapes.
   * @param client Signs and sends requests.
   * @param concurrency The maximum number of concurrent requests.
   * @param options Its owner, and its words for refusals.
   * @throws {LlamaError} `config` if the URL is not of this form.
   */
  constructor(url: string, client: AwsClient, concurrency: number, options: BucketOptions = {}) {
    const [, name, prefix = ""] =
      /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ?? [];
    if (name === undefined) {
      throw new LlamaError("config", `object store ${JSON.stringify(url)}: not a bucket URL`, {
        hint: "write s3://BUCKET/PREFIX/",
      });
    }
    this.#url = url;
    this.#client = client;
    this.#owner = options.owner;
    this.#explain = options.explain;
    this.#name = name;
    // Like the original, which builds the key with Go's path.Join.
    this.#prefix = posix.join("/", prefix, "/").slice(1);
    this.#requests = new Semaphore(concurrency);
  }

  /**
   * Makes a call, with retries.
   *
   * @returns What `read` returns.
   * @throws {LlamaError} If S3 refuses, or no complete response arrived.
   */
  async call<T>(call: BucketCall<T>): Promise<T> {
    const location = await this.#client.location();
    for (let moves = 0;; moves++) {
      const region = this.#region ?? location.region;
      try {
        return await this.#callIn(region, bucketUrl(location, this.#name, region), call);
      } catch (error) {
        if (!(error instanceof OtherRegion) || moves === maxMoves) throw error;
        this.#region = error.region;
      }
    }
  }

  /**
   * Returns the age of an object.
   *
   * @param absent Statuses that mean that the object does not exist.
   * @returns Milliseconds by S3's clock, or NaN if S3 does not say; undefined if it does not exist.
   * @throws {LlamaError} As {@linkcode call}.
   */
  async age(
    id: string,
    signal: AbortSignal | undefined,
    absent: readonly number[],
  ): Promise<number | undefined> {
    return await this.call({
      method: "HEAD",
      action: "HeadObject",
      id,
      also: absent,
      read: ({ ok, headers }) => {
        const now = Date.parse(headers.get("date") ?? "");
        const modified = Date.parse(headers.get("last-modified") ?? "");
        return Promise.resolve(ok ? now - modified : undefined);
      },
      signal,
    });
  }

  /**
   * Returns a URL that identifies the bucket and the prefix, on any server.
   *
   * @throws {LlamaError} `config`.
   */
  async address(): Promise<string> {
    const location = await this.#client.location();
    const url = withoutPassword(bucketUrl(location, this.#name, location.region));
    return `${url}/${this.#prefix}`;
  }

  /**
   * Reports something to the user.
   *
   * @param message One line, which follows the bucket's name.
   */
  notice(message: string, hint: string): void {
    this.#client.notice(`bucket ${this.#name}: ${message}`, hint);
  }

  /**
   * Returns why a call was last retried, as {@linkcode AwsClient.lastRetry}.
   *
   * @param since The earliest time of interest, as `performance.now()` has it.
   * @returns What the call had failed with; undefined if none was retried since.
   */
  lastRetry(since: number): LlamaError | undefined {
    return this.#client.lastRetry(since);
  }

  /** Closes the client's connections. */
  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #callIn<T>(region: string, base: string, call: BucketCall<T>): Promise<T> {
    const { method, action, id, query, headers = {}, body, bodyHash, signal } = call;
    const { extraMilliseconds = 0, bytes = 0, also = [], read } = call;
    const key = this.#prefix + id;
    return await this.#client.call({
      service: "s3",
      region,
      method,
      url: `${base}/${encodeKey(key)}${encodeQuery(query)}`,
      headers: { ...ownerHeaders(this.#owner), ...headers },
      body,
      bodyHash,
      signal,
    }, {
      retry: { maxRetries },
      // Doubled each time, so that a very slow connection succeeds, too.
      attemptMilliseconds: (attempt) =>
        silenceMilliseconds + extraMilliseconds * 2 ** (attempt - 1),
      around: async (attempt) => {
        using _place = await this.#requests.acquire(signal);
        using _room = await this.#room.acquire(signal, Math.min(bytes, maxCallRoomBytes));
        return await attempt();
      },
      read: async (response, alive) => {
        const bucket = { bucket: this.#name, owner: this.#owner };
        const what = { store: this.#url, action, ...bucket, key, id, region };
        const refuse = (text: string) => {
          const error = refusal(response, text, what);
          if (error instanceof OtherRegion) return error;
          return this.#explain?.({ status: response.status, text, action, key }) ?? error;
        };
        if (response.ok) return await read(response, { alive, refuse });
        const text = await readBeginning(response);
        const error = refuse(text);
        if (error instanceof OtherRegion || !also.includes(response.status)) throw error;
        return await read(new Response(text, response), { alive, refuse });
      },
    });
  }
}

/** Encodes what S3's signature requires; also `+`, which aws4fetch would take for a space. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function encodeKey(key: string): string {
  return key.split("/").map(encode).join("/");
}

function encodeQuery(query: Record<string, string> = {}): string {
  const parameters = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`);
  return parameters.length === 0 ? "" : `?${parameters.join("&")}`;
}
