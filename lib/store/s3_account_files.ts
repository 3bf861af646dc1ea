/**
 * Objects in S3, by an account's credentials.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { parseXml } from "../aws/api/xml.ts";
import { decodeUriPart, readText } from "../aws/answer.ts";
import type { AwsClient } from "../aws/client.ts";
import { LlamaError } from "../errors.ts";
import { Bucket } from "./s3_bucket.ts";
import { downloadFile } from "./s3_download.ts";
import { element, type Refused } from "./s3_errors.ts";
import {
  ChangedObject,
  type IdentifiedObject,
  type ListedObject,
  noSuchObject,
  objectExists,
  type S3Files,
  type S3Object,
  type WriteOptions,
} from "./s3_files.ts";
import { partSizeOf } from "./s3_parts.ts";
import { uploadInParts, uploadWhole } from "./s3_upload.ts";
import { parseObjectUrl, parseS3Url } from "./s3_url.ts";
import { type Source, sourceOfFile } from "./source.ts";

/** Options for {@linkcode AccountFiles}. */
export interface AccountFilesOptions {
  /** The maximum number of concurrent requests per bucket. */
  readonly concurrency: number;
  /**
   * Returns what to do about a missing permission.
   *
   * @param action The permission's action, such as `s3:GetObject`.
   * @param url The object, or the prefix that may not be listed.
   */
  readonly onDenied: (action: string, url: string) => string;
}

/** Asks for an object's checksum. */
const checksumMode = { "x-amz-checksum-mode": "ENABLED" };

/** The maximum size of a page of a listing: 1,000 keys of 1,024 bytes, each escaped. */
const maxPageBytes = 8 * 1024 * 1024;

/** Objects that an account's credentials give access to. */
export class AccountFiles implements S3Files {
  readonly #client: AwsClient;
  readonly #options: AccountFilesOptions;
  readonly #buckets = new Map<string, Bucket>();

  /**
   * @param client Signs and sends requests; closed with this.
   * @param options Limits, and hints.
   */
  constructor(client: AwsClient, options: AccountFilesOptions) {
    this.#client = client;
    this.#options = options;
  }

  async find(url: string, signal?: AbortSignal): Promise<S3Object> {
    return await this.#head(url, {}, ({ headers }) => objectOf(headers), signal) ??
      Promise.reject(noSuchObject(url));
  }

  async identify(url: string, signal?: AbortSignal): Promise<IdentifiedObject> {
    let found: IdentifiedObject | undefined;
    try {
      found = await this.#head(url, checksumMode, ({ headers }) => identityOf(headers), signal);
    } catch (error) {
      if (!(error instanceof LlamaError) || error.code !== "input") throw error;
      // The checksum of an object that KMS has encrypted takes kms:Decrypt.
      return await this.find(url, signal);
    }
    return found ?? Promise.reject(noSuchObject(url));
  }

  async read(
    url: string,
    path: string,
    expected?: S3Object,
    signal?: AbortSignal,
  ): Promise<void> {
    const { bucket, key } = parseObjectUrl(url);
    await downloadFile(this.#bucket(bucket), key, path, signal, {
      headers: expected ? { "if-match": expected.etag } : {},
      isHashed: false,
    });
    const { size } = await Deno.stat(path);
    if (expected && size !== expected.size) throw new ChangedObject(url, false);
  }

  async write(
    url: string,
    path: string,
    { isNew = false, signal }: WriteOptions,
  ): Promise<S3Object> {
    const { bucket: name, key } = parseObjectUrl(url);
    const bucket = this.#bucket(name);
    const source = { ...await sourceOfFile(path, partSizeOf, signal), key };
    const options = isNew ? { headers: { "if-none-match": "*" } } : {};
    try {
      if (source.parts.length === 0) {
        return { size: source.size, etag: await uploadWhole(bucket, source, signal, options) };
      }
      await uploadInParts(bucket, source, signal, options);
    } catch (error) {
      // This job's earlier attempt may have written it, and its response may have been lost.
      if (!isNew || !await this.#holds(url, source, signal)) throw error;
    }
    return await this.find(url, signal);
  }

  async *list(url: string, signal?: AbortSignal): AsyncGenerator<ListedObject[], void, undefined> {
    const { bucket, key: prefix } = parseS3Url(url);
    let token: string | undefined;
    do {
      const page = await this.#bucket(bucket).call({
        method: "GET",
        action: "ListBucket",
        id: "",
        query: {
          "list-type": "2",
          // Keys may contain characters that XML cannot represent.
          "encoding-type": "url",
          prefix,
          ...(token === undefined ? {} : { "continuation-token": token }),
        },
        read: async (response, { alive }) => {
          const xml = parseXml(await readText(response, maxPageBytes, "S3", alive), "S3");
          // Not all servers encode keys.
          const isEncoded = xml.textAt("EncodingType") === "url";
          const keyOf = (text: string) =>
            isEncoded ? decodeUriPart(text.replaceAll("+", " ")) : text;
          const objects = xml.all("Contents").map((each): ListedObject => ({
            url: `s3://${bucket}/${keyOf(each.at("Key").text)}`,
            size: Number(each.at("Size").text),
            etag: each.at("ETag").text,
            region: response.headers.get("x-amz-bucket-region") ?? undefined,
          }));
          return { objects, next: xml.textAt("NextContinuationToken") };
        },
        signal,
      });
      yield page.objects;
      if (page.next === token) return;
      token = page.next;
    } while (token !== undefined);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  /** @returns What `read` returns; undefined if there is no object. */
  async #head<T>(
    url: string,
    headers: Record<string, string>,
    read: (response: Response) => T,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const { bucket, key } = parseObjectUrl(url);
    return await this.#bucket(bucket).call({
      method: "HEAD",
      action: "HeadObject",
      id: key,
      headers,
      also: [404],
      read: (response) => Promise.resolve(response.ok ? read(response) : undefined),
      signal,
    });
  }

  /** Reports whether an object holds exactly this source. */
  async #holds(url: string, source: Source, signal: AbortSignal): Promise<boolean> {
    const there = await this.#head(
      url,
      checksumMode,
      ({ headers }) => headers.get("x-amz-checksum-sha256"),
      signal,
    ).catch(() => undefined);
    return there === checksumOf(source);
  }

  #bucket(name: string): Bucket {
    const { concurrency } = this.#options;
    const bucket = this.#buckets.get(name) ??
      new Bucket(`s3://${name}`, this.#client, concurrency, {
        explain: (refused) => this.#explain(name, refused),
      });
    this.#buckets.set(name, bucket);
    return bucket;
  }

  /** Returns the error for a refusal that is about the object, rather than about the credentials. */
  #explain(bucket: string, { status, text, action, key }: Refused): LlamaError | undefined {
    const url = `s3://${bucket}/${key}`;
    const isWrite = !/^(Get|Head|List)/.test(action);
    const code = isWrite ? "output" : "input";
    const what = action === "ListBucket" ? "list" : isWrite ? "write" : "read";
    const name = element(text, "Code");
    if (name === "NoSuchBucket") {
      return new LlamaError(code, `cannot ${what} ${url}: no such bucket`);
    }
    if (status === 412) return isWrite ? objectExists(url) : new ChangedObject(url, false);
    if (status === 404 && action === "GetObject") return new ChangedObject(url, true);
    // The response to a HEAD has no body.
    if (status !== 403 || (name !== undefined && name !== "AccessDenied")) return undefined;
    const permission = action === "HeadObject"
      ? "GetObject"
      : /Multipart|UploadPart/.test(action)
      ? "PutObject"
      : action;
    return new LlamaError(code, `cannot ${what} ${url}: access denied`, {
      hint: this.#options.onDenied(`s3:${permission}`, url),
    });
  }
}

function objectOf(headers: Headers): S3Object {
  return {
    size: Number(headers.get("content-length")),
    etag: headers.get("etag") ?? "",
    region: headers.get("x-amz-bucket-region") ?? undefined,
  };
}

/**
 * Of objects that were written in parts, S3 may state a hash of hashes, which ends in their number:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseElements
 */
function identityOf(headers: Headers): IdentifiedObject {
  const checksum = headers.get("x-amz-checksum-sha256") ?? "";
  const isWhole = headers.get("x-amz-checksum-type") !== "COMPOSITE" &&
    /^[A-Za-z0-9+/]{43}=$/.test(checksum);
  const version = headers.get("x-amz-version-id");
  return {
    ...objectOf(headers),
    sha256: isWhole ? Buffer.from(checksum, "base64").toString("hex") : undefined,
    // "null" is any object that was written while the bucket kept no versions.
    version: version === null || version === "null" ? undefined : version,
  };
}

/**
 * Returns the checksum that S3 states for an object:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
function checksumOf({ hash: whole, parts }: Source): string {
  if (parts.length === 0) return Buffer.from(whole, "hex").toString("base64");
  const hash = createHash("sha256");
  for (const part of parts) hash.update(Buffer.from(part, "hex"));
  return `${hash.digest("base64")}-${parts.length}`;
}
