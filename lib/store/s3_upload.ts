/**
 * Uploads, in parts for big objects:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LlamaError, messageOf } from "../errors.ts";
import { readText } from "../aws/answer.ts";
import type { Bucket } from "./s3_bucket.ts";
import { element } from "./s3_errors.ts";
import { eachPart, partSizeOf } from "./s3_parts.ts";
import type { Source } from "./source.ts";

/** The timeout for aborting an upload. */
const abortMilliseconds = 5000;

/** The maximum size of a response, including the spaces that S3 sends while it works. */
const maxAnswerBytes = 1024 * 1024;

/** How much of a body may be buffered but not yet sent. */
const bufferedBytes = 256 * 1024;

/** The assumed minimum speed of an upload, which may be one of many, in bytes per millisecond. */
const slowestUpload = 128;

/** The assumed speed at which S3 assembles parts, in bytes per millisecond. */
const completionSpeed = 64 * 1024;

/** Options for an upload. */
export interface UploadOptions {
  /** Headers of the request that makes the object. @default {none} */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Sends an object in one piece.
 *
 * @param bucket Where it goes.
 * @param source The object.
 * @param signal Ends the upload.
 * @param options Headers.
 * @returns The object's ETag.
 * @throws {LlamaError} If the object was not stored.
 * @throws What the file system throws.
 */
export async function uploadWhole(
  bucket: Bucket,
  source: Source,
  signal: AbortSignal,
  { headers }: UploadOptions = {},
): Promise<string> {
  const { hash, size } = source;
  const part = { action: "PutObject", headers, offset: 0, length: size, hash };
  return await send(bucket, source, part, signal);
}

/**
 * Sends an object in parts. S3 checks each by its SHA-256. The checksum that it stores for the object
 * is the SHA-256 of the parts' SHA-256s; readers check the whole object against its id.
 *
 * @param bucket Where it goes.
 * @param source The object.
 * @param signal Cancels the upload and removes its parts.
 * @param options As for {@linkcode uploadWhole}.
 * @throws {LlamaError} If the object was not stored; its parts are removed.
 * @throws What the file system throws.
 */
export async function uploadInParts(
  bucket: Bucket,
  source: Source,
  signal: AbortSignal,
  options: UploadOptions = {},
): Promise<void> {
  const uploadId = await start(bucket, source.key, signal);
  const upload = new Upload(bucket, source, { ...options, uploadId });
  try {
    const etags = await eachPart(
      source.parts,
      (hash, index, signal) => upload.send(hash, index, signal),
      signal,
    );
    await upload.complete(etags, signal);
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

/** @returns The ETag. */
async function send(
  bucket: Bucket,
  source: Source,
  { action, headers, query, offset, length, hash }: UploadOptions & {
    action: string;
    query?: Record<string, string>;
    offset: number;
    length: number;
    hash: string;
  },
  signal: AbortSignal,
): Promise<string> {
  // Without this, a file system error would look like a network failure.
  const unreadable = new AbortController();
  return await bucket.call({
    method: "PUT",
    action,
    id: source.key,
    ...(query ? { query } : {}),
    headers: {
      "content-type": "application/octet-stream",
      "x-amz-checksum-sha256": base64(hash),
      ...headers,
    },
    // `fetch` sends no Content-Length for an empty blob.
    body: length === 0 ? "" : (alive) =>
      source.body(offset, length, {
        onPiece: alive,
        onFailure: (error) => unreadable.abort(error),
      }),
    bodyHash: hash,
    bytes: length,
    extraMilliseconds: Math.min(length, bufferedBytes) / slowestUpload,
    read: async (response) => {
      await response.body?.cancel();
      return response.headers.get("etag") ?? "";
    },
    signal: AbortSignal.any([signal, unreadable.signal]),
  });
}

/** @returns The id of the upload. */
async function start(bucket: Bucket, id: string, signal: AbortSignal): Promise<string> {
  return await bucket.call({
    method: "POST",
    action: "CreateMultipartUpload",
    id,
    query: { uploads: "" },
    headers: {
      "content-type": "application/octet-stream",
      "x-amz-checksum-algorithm": "SHA256",
    },
    read: async (response) => {
      const uploadId = element(await readText(response, maxAnswerBytes, "S3"), "UploadId");
      if (uploadId !== undefined) return uploadId;
      throw new LlamaError("store", "S3 started an upload without returning its id");
    },
    signal,
  });
}

/** An upload in progress. */
class Upload {
  readonly #bucket: Bucket;
  readonly #source: Source;
  readonly #options: UploadOptions & { readonly uploadId: string };

  constructor(
    bucket: Bucket,
    source: Source,
    options: UploadOptions & { readonly uploadId: string },
  ) {
    this.#bucket = bucket;
    this.#source = source;
    this.#options = options;
  }

  /** @returns The part's ETag. */
  async send(hash: string, index: number, signal: AbortSignal): Promise<string> {
    const { size } = this.#source;
    const offset = index * partSizeOf(size);
    return await send(this.#bucket, this.#source, {
      action: "UploadPart",
      query: { partNumber: String(index + 1), uploadId: this.#options.uploadId },
      offset,
      length: Math.min(partSizeOf(size), size - offset),
      hash,
    }, signal);
  }

  async complete(etags: readonly string[], signal: AbortSignal): Promise<void> {
    const { key: id, size, parts } = this.#source;
    const { uploadId, headers = {} } = this.#options;
    const list = parts.map((hash, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etags[index]}</ETag>` +
      `<ChecksumSHA256>${base64(hash)}</ChecksumSHA256></Part>`
    );
    const isDone = await this.#bucket.call({
      method: "POST",
      action: "CompleteMultipartUpload",
      id,
      query: { uploadId },
      headers: { ...headers },
      body: '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        `${list.join("")}</CompleteMultipartUpload>`,
      extraMilliseconds: size / completionSpeed,
      also: [404],
      read: async (response, { alive, refuse }) => {
        // S3 sends spaces while it assembles the parts, and may still fail.
        const xml = await readText(response, maxAnswerBytes, "S3", alive);
        if (response.ok && !xml.includes("<Error>")) return true;
        const error = refuse(xml);
        if (element(xml, "Code") !== "NoSuchUpload") throw error;
        return error;
      },
      signal,
    });
    // If the first response was lost, the upload is complete, and a retry does not find it.
    if (isDone !== true && await this.#bucket.age(id, signal, [404]) === undefined) throw isDone;
  }

  async abort(): Promise<void> {
    try {
      await this.#bucket.call({
        method: "DELETE",
        action: "AbortMultipartUpload",
        id: this.#source.key,
        query: { uploadId: this.#options.uploadId },
        also: [404],
        read: async (response) => await response.body?.cancel(),
        signal: AbortSignal.timeout(abortMilliseconds),
      });
    } catch (error) {
      this.#bucket.notice(
        `cannot remove the parts of a failed upload: ${messageOf(error)}`,
        "they are billed like objects until a lifecycle rule with AbortIncompleteMultipartUpload " +
          "removes them",
      );
    }
  }
}

function base64(hash: string): string {
  return Buffer.from(hash, "hex").toString("base64");
}
