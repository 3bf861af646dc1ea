/**
 * A client for container registries: blobs and manifests, by the OCI distribution specification.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { CallError, isServerFailure, retryAfter } from "../aws/call_error.ts";
import { Connections } from "../aws/connections.ts";
import { withRetries } from "../aws/retry.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { sha256 } from "../files/hash.ts";
import { isLoopback } from "../system/loopback.ts";
import { joinBytes } from "../files/bytes.ts";

/** A user of a registry. */
export interface RegistryCredentials {
  /** The user's name. */
  readonly user: string;
  /** The password. */
  readonly password: string;
}

/** Options for {@linkcode Registry}. */
export interface RegistryOptions {
  /** Gets the credentials, again when the registry no longer takes them. @default {none} */
  readonly login?: ((signal?: AbortSignal) => Promise<RegistryCredentials | undefined>) | undefined;
  /** A file of certificates that are trusted besides Mozilla's. */
  readonly caBundle?: string | undefined;
  /** The bytes that are sent in one request. @default {8 MiB} */
  readonly chunkBytes?: number | undefined;
  /** The maximum number of retries of a request that failed in transit. @default {6} */
  readonly maxRetries?: number | undefined;
}

/** A blob to upload. */
export interface BlobUpload {
  /** Its digest, `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** Its size in bytes. */
  readonly size: number;
  /** Reads the bytes from `start` up to, but not including, `end`. */
  readonly read: (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** Told how many bytes of it have arrived. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** A manifest as the registry has it. */
export interface StoredManifest {
  /** Its digest. */
  readonly digest: string;
  /** Its media type. */
  readonly mediaType: string;
  /** Its bytes, JSON. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The media types of manifests that Lambda takes. */
const manifestTypes = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
];

/** Manifests are small; a registry's error is not read further than this. */
const maxAnswerBytes = 4 * 1024 * 1024;

interface CallInit {
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal | undefined;
}

/** One repository of a registry. Close it when done: it holds connections. */
export class Registry implements Disposable {
  /** The registry's host, with its port where there is one. */
  readonly host: string;
  /** The repository's name. */
  readonly repository: string;
  readonly #base: string;
  readonly #options: RegistryOptions;
  readonly #connections: Connections;
  /** The `Authorization` header that the registry has asked for. */
  #authorization: string | undefined;

  /**
   * @param host The registry, `HOST` or `HOST:PORT`. It is reached by HTTPS, on loopback by HTTP.
   * @param repository The repository's name.
   * @param options Credentials and certificates.
   */
  constructor(host: string, repository: string, options: RegistryOptions = {}) {
    this.host = host;
    this.repository = repository;
    this.#options = options;
    const { hostname } = new URL(`http://${host}`);
    this.#base = `${isLoopback(hostname) ? "http" : "https"}://${host}/v2/`;
    this.#connections = new Connections(options.caBundle);
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.#connections[Symbol.dispose]();
  }

  /**
   * Returns whether the repository has a blob.
   *
   * @param digest The blob's digest.
   * @param signal Cancels the operation.
   * @throws {LlamaError} `credentials`, `network` or `service`.
   */
  async hasBlob(digest: string, signal?: AbortSignal): Promise<boolean> {
    const response = await this.#call(`blobs/${digest}`, { method: "HEAD", signal }, [200, 404]);
    return response.status === 200;
  }

  /**
   * Uploads a blob in pieces. After a broken connection it goes on with the first byte that the
   * registry does not have.
   *
   * @param blob The blob.
   * @param signal Cancels the operation.
   * @throws {LlamaError} `credentials`, `network` or `service`; what reading the blob throws.
   */
  async uploadBlob(blob: BlobUpload, signal?: AbortSignal): Promise<void> {
    const { chunkBytes = 8 * 1024 * 1024 } = this.#options;
    const begun = await this.#call("blobs/uploads/", { method: "POST", signal }, [202]);
    let place = this.#locationOf(begun);
    let arrived = 0;
    const sendChunk = async (attempt: number) => {
      if (attempt > 1) {
        const state = await this.#once(place, { method: "GET", signal }, [204]);
        place = this.#locationOf(state);
        arrived = endOfRange(state.headers.get("range"));
        if (arrived >= blob.size) return;
      }
      const end = Math.min(arrived + chunkBytes, blob.size);
      const response = await this.#once(place, {
        method: "PATCH",
        headers: {
          "content-type": "application/octet-stream",
          "content-range": `${arrived}-${end - 1}`,
        },
        body: await blob.read(arrived, end),
        signal,
      }, [202]);
      place = this.#locationOf(response);
      arrived = end;
    };
    while (arrived < blob.size) {
      await withRetries(sendChunk, { maxRetries: this.#maxRetries, signal });
      blob.onProgress?.(arrived);
    }
    const last = new URL(place);
    last.searchParams.set("digest", blob.digest);
    await this.#call(last.href, {
      method: "PUT",
      headers: { "content-type": "application/octet-stream" },
      body: new Uint8Array(),
      signal,
    }, [201]);
  }

  /**
   * Gets a small blob, such as an image's configuration.
   *
   * @param digest Its digest, which is checked.
   * @param signal Cancels the operation.
   * @returns The blob, undefined if there is none.
   * @throws {LlamaError} `credentials`, `network` or `service`; `protocol` if it is another blob.
   */
  async blob(digest: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { status, body } = await this.#call(`blobs/${digest}`, { method: "GET", signal }, [
      200,
      404,
    ]);
    if (status === 404) return undefined;
    if (`sha256:${sha256(body)}` === digest) return body;
    throw new LlamaError(
      "protocol",
      `the registry ${this.host} sent a blob that is not ${digest}`,
    );
  }

  /**
   * Gets a manifest.
   *
   * @param reference A tag or a digest.
   * @param signal Cancels the operation.
   * @returns The manifest, undefined if there is none.
   * @throws {LlamaError} `credentials`, `network` or `service`.
   */
  async manifest(reference: string, signal?: AbortSignal): Promise<StoredManifest | undefined> {
    const response = await this.#call(`manifests/${reference}`, {
      method: "GET",
      headers: { accept: manifestTypes.join(", ") },
      signal,
    }, [200, 404]);
    if (response.status === 404) return undefined;
    const { headers, body: bytes } = response;
    return {
      digest: `sha256:${sha256(bytes)}`,
      mediaType: headers.get("content-type")?.split(";")[0] ?? "",
      bytes,
    };
  }

  /**
   * Stores a manifest under a tag.
   *
   * @param reference The tag, or the manifest's own digest.
   * @param mediaType Its media type.
   * @param bytes The manifest, JSON.
   * @param signal Cancels the operation.
   * @returns Its digest.
   * @throws {LlamaError} `credentials`, `network` or `service`.
   */
  async putManifest(
    reference: string,
    mediaType: string,
    bytes: Uint8Array<ArrayBuffer>,
    signal?: AbortSignal,
  ): Promise<string> {
    await this.#call(`manifests/${reference}`, {
      method: "PUT",
      headers: { "content-type": mediaType },
      body: bytes,
      signal,
    }, [201]);
    return `sha256:${sha256(bytes)}`;
  }

  /**
   * Deletes a manifest. One that is not there is not an error.
   *
   * @param digest Its digest.
   * @param signal Cancels the operation.
   * @throws {LlamaError} `credentials`, `network` or `service`.
   */
  async deleteManifest(digest: string, signal?: AbortSignal): Promise<void> {
    await this.#call(`manifests/${digest}`, { method: "DELETE", signal }, [202, 404]);
  }

  get #maxRetries(): number {
    return this.#options.maxRetries ?? 6;
  }

  /** Where the registry wants what follows. */
  #locationOf({ headers, url }: Answer): string {
    const location = headers.get("location");
    if (location === null) {
      throw new LlamaError(
        "service",
        `the registry ${this.host} does not say where an upload goes`,
      );
    }
    return new URL(location, url).href;
  }

  async #call(path: string, init: CallInit, expected: readonly number[]): Promise<Answer> {
    const url = new URL(path, `${this.#base}${this.repository}/`).href;
    return await withRetries(() => this.#once(url, init, expected), {
      maxRetries: this.#maxRetries,
      signal: init.signal,
    });
  }

  /** Makes a request, again where the registry wants another authorization. */
  async #once(url: string, init: CallInit, expected: readonly number[]): Promise<Answer> {
    const used = this.#authorization;
    let answer = await this.#send(url, init);
    if (answer.status === 401 && this.#isOwn(url)) {
      // Another request may have been authorized anew meanwhile.
      if (this.#authorization === used) {
        this.#authorization = await this.#authorize(answer, init.signal);
      }
      answer = await this.#send(url, init);
    }
    if (expected.includes(answer.status)) return answer;
    throw this.#refusal(answer, init.method);
  }

  /** Whether a URL is the registry's own: others never get its credentials. */
  #isOwn(url: string): boolean {
    return new URL(url).origin === new URL(this.#base).origin;
  }

  async #send(url: string, init: CallInit, redirects = 5): Promise<Answer> {
    const { method, headers, body, signal } = init;
    const authorization = this.#isOwn(url) ? this.#authorization : undefined;
    const target = new URL(url);
    using _place = await this.#connections.enter(signal);
    let response: Response;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      response = await fetch(target, {
        method,
        headers: {
          ...headers,
          ...(authorization === undefined ? {} : { authorization }),
        },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
        redirect: "manual",
        client: await this.#connections.client(target, false),
      });
      bytes = await readBounded(response);
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof LlamaError) throw cause;
      throw new CallError(
        "network",
        `no answer from the registry ${this.host}: ${reasonOf(cause)}`,
        {
          cause,
          retryable: "maybe",
        },
      );
    }
    const location = response.headers.get("location");
    if ([301, 302, 303, 307, 308].includes(response.status) && location !== null && redirects > 0) {
      return await this.#send(new URL(location, url).href, init, redirects - 1);
    }
    return { status: response.status, headers: response.headers, body: bytes, url };
  }

  /** Answers a challenge: RFC 7617 for `Basic`, Docker's token specification for `Bearer`. */
  async #authorize(answer: Answer, signal: AbortSignal | undefined): Promise<string> {
    const credentials = await this.#options.login?.(signal);
    const basic = credentials &&
      `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
    const challenge = answer.headers.get("www-authenticate") ?? "";
    if (!/^bearer /i.test(challenge)) {
      if (basic !== undefined) return basic;
      throw new LlamaError("credentials", `the registry ${this.host} asks for a login`, {
        hint: `log in to it as docker does (docker login ${this.host}): ~/.docker/config.json`,
      });
    }
    const parameter = (name: string) =>
      new RegExp(`\\b${name}="([^"]*)"`, "i").exec(challenge)?.[1];
    const realm = new URL(parameter("realm") ?? "", this.#base);
    if (realm.protocol !== "https:" && !isLoopback(realm.hostname)) {
      throw new LlamaError(
        "credentials",
        `the registry ${this.host} wants its login sent to ${realm.origin} without TLS`,
      );
    }
    const service = parameter("service");
    if (service !== undefined) realm.searchParams.set("service", service);
    realm.searchParams.set("scope", `repository:${this.repository}:pull,push,delete`);
    const response = await fetch(realm, {
      headers: basic === undefined ? {} : { authorization: basic },
      redirect: "error",
      client: await this.#connections.client(realm, false),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = new TextDecoder().decode(await readBounded(response));
    const token = response.ok ? tokenOf(text) : undefined;
    if (token === undefined) {
      throw new LlamaError(
        "credentials",
        `the registry ${this.host} gave no token: HTTP status ${response.status} from ${realm.origin}`,
      );
    }
    return `Bearer ${token}`;
  }

  #refusal({ status, body, headers }: Answer, method: string): LlamaError {
    const says = `the registry ${this.host} refused ${method} in ${this.repository}: ${
      reasonIn(body) ?? `HTTP status ${status}`
    }`;
    if (status === 401 || status === 403) {
      return new CallError("credentials", says, {
        hint: `its login must be allowed to push to ${this.repository}`,
      });
    }
    if (status === 404) {
      return new CallError("service", says, { hint: "is there a repository of this name?" });
    }
    const isBusy = status === 429;
    if (!isBusy && !isServerFailure(status)) return new CallError("service", says);
    const afterMilliseconds = retryAfter(headers);
    return new CallError("service", says, { retryable: "maybe", afterMilliseconds });
  }
}

/** An answer that has been read. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** What was asked, after redirects. */
  readonly url: string;
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > maxAnswerBytes) {
      throw new LlamaError(
        "protocol",
        `the answer from ${new URL(response.url).host} is too large`,
      );
    }
    pieces.push(piece);
  }
  return joinBytes(pieces);
}

/** The end of `0-END`, which is inclusive; an upload without a byte has none, or `0-0`. */
function endOfRange(range: string | null): number {
  const end = Number(/^(?:bytes=)?0-(\d+)$/.exec(range ?? "")?.[1] ?? 0);
  return end === 0 ? 0 : end + 1;
}

/** The token of a token service, under one of two names. */
function tokenOf(text: string): string | undefined {
  const answer = parseObject(text);
  const token = answer?.["token"] ?? answer?.["access_token"];
  return typeof token === "string" && token !== "" ? token : undefined;
}

/** The first error's own words: https://github.com/opencontainers/distribution-spec, "Error Codes". */
function reasonIn(body: Uint8Array): string | undefined {
  const errors = parseObject(new TextDecoder().decode(body))?.["errors"];
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (typeof first !== "object" || first === null) return undefined;
  const code = "code" in first && typeof first.code === "string" ? first.code : "";
  const message = "message" in first && typeof first.message === "string" ? first.message : "";
  return [code, message].filter((part) => part !== "").join(": ") || undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    // Not JSON: the caller falls back to the HTTP status.
    return undefined;
  }
}
