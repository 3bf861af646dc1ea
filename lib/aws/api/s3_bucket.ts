/**
 * S3's API for buckets.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { decodeUriPart } from "../answer.ts";
import type { AwsClient } from "../client.ts";
import { AwsError, callAws, isRefusal } from "./call.ts";
import { bucketUrl } from "../endpoint.ts";
import { ownerHeaders } from "../expected_owner.ts";
import { parseXml, type Xml } from "./xml.ts";

/** Options for calls on a bucket. */
export interface BucketOptions {
  /** The account that must own the bucket; S3 refuses the call if another one does. */
  readonly owner?: string | undefined;
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
}

/** A bucket's existence and access. */
export type BucketState =
  | { readonly kind: "there"; readonly region: string | undefined }
  | { readonly kind: "missing" }
  | { readonly kind: "forbidden" };

/**
 * Checks whether a bucket exists and may be used.
 *
 * @param client The AWS client.
 * @param bucket The bucket's name.
 * @param options Its owner, and a signal.
 * @returns The bucket's state.
 * @throws {LlamaError} As `callAws`.
 */
export async function bucketState(
  client: AwsClient,
  bucket: string,
  options: BucketOptions = {},
): Promise<BucketState> {
  const url = bucketUrl(await client.location(), bucket);
  const { owner, signal } = options;
  const headers = ownerHeaders(owner);
  return await client.call({ service: "s3", method: "HEAD", url, headers, signal }, {
    retry: { maxRetries: 5 },
    read: ({ status, ok, headers }) => {
      // S3 sends the region even with an error, and rejects requests to another region.
      const region = headers.get("x-amz-bucket-region") ?? undefined;
      if (ok || status === 301 || (status === 400 && region !== undefined)) {
        return Promise.resolve<BucketState>({ kind: "there", region });
      }
      if (status === 404) return Promise.resolve<BucketState>({ kind: "missing" });
      if (status === 403) return Promise.resolve<BucketState>({ kind: "forbidden" });
      const refusal = { type: `HTTP status ${status}`, words: "no message", status };
      throw new AwsError({ service: "s3", action: "ListBucket" }, refusal);
    },
  });
}

/**
 * Lists the keys that begin with a prefix.
 *
 * @param client The AWS client.
 * @param bucket The bucket's name.
 * @param prefix The prefix; empty for all keys.
 * @param options Its owner, and a signal.
 * @returns Pages of up to 1,000 keys, in order.
 * @throws {LlamaError} As `callAws`.
 */
export async function* listKeys(
  client: AwsClient,
  bucket: string,
  prefix: string,
  options: BucketOptions = {},
): AsyncGenerator<string[], void, undefined> {
  let token: string | undefined;
  do {
    const query = new URLSearchParams({
      "list-type": "2",
      // Keys may contain characters that XML cannot represent.
      "encoding-type": "url",
      prefix,
      ...(token === undefined ? {} : { "continuation-token": token }),
    });
    const { xml } = await callBucket(client, "ListBucket", "GET", bucket, `?${query}`, options);
    yield xml.all("Contents").map((each) => decodeKey(each.at("Key").text));
    const next = xml.textAt("NextContinuationToken");
    if (next === token) return;
    token = next;
  } while (token !== undefined);
}

function decodeKey(encoded: string): string {
  return decodeUriPart(encoded.replaceAll("+", " "));
}

/**
 * Deletes objects.
 *
 * @param client The AWS client.
 * @param bucket The bucket's name.
 * @param keys Up to 1,000 keys.
 * @param options Its owner, and a signal.
 * @throws {LlamaError} As `callAws`; an `AwsError` for the first object that was not deleted.
 */
export async function deleteKeys(
  client: AwsClient,
  bucket: string,
  keys: readonly string[],
  options: BucketOptions = {},
): Promise<void> {
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join("");
  const body = `<Delete><Quiet>true</Quiet>${objects}</Delete>`;
  const { xml } = await callBucket(client, "DeleteObject", "POST", bucket, "?delete", {
    headers: {
      "content-type": "application/xml",
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html requires a checksum.
      "x-amz-checksum-sha256": createHash("sha256").update(body).digest("base64"),
    },
    body,
    ...options,
  });
  const error = xml.at("Error");
  const type = error.textAt("Code");
  if (type !== undefined) {
    const words = `${error.at("Key").text}: ${error.at("Message").text}`;
    throw new AwsError({ service: "s3", action: "DeleteObject" }, { type, words, status: 200 });
  }
}

function escapeXml(text: string): string {
  return text.replace(/[&<>\r\n"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** An unfinished multipart upload. */
export interface PendingUpload {
  /** The object's key. */
  readonly key: string;
  /** Its id. */
  readonly id: string;
}

/**
 * Lists the unfinished multipart uploads of keys that begin with a prefix.
 *
 * @param client The AWS client.
 * @param bucket The bucket's name.
 * @param prefix The prefix.
 * @param options Its owner, and a signal.
 * @returns Pages of up to 1,000 uploads.
 * @throws {LlamaError} As `callAws`.
 */
export async function* listUploads(
  client: AwsClient,
  bucket: string,
  prefix: string,
  options: BucketOptions = {},
): AsyncGenerator<PendingUpload[], void, undefined> {
  let marker: Record<string, string> = {};
  for (;;) {
    const query = new URLSearchParams({ uploads: "", "encoding-type": "url", prefix, ...marker });
    const action = "ListBucketMultipartUploads";
    const { xml } = await callBucket(client, action, "GET", bucket, `?${query}`, options);
    yield xml.all("Upload").map((each) => ({
      key: decodeKey(each.at("Key").text),
      id: each.at("UploadId").text,
    }));
    const next = {
      "key-marker": decodeKey(xml.at("NextKeyMarker").text),
      "upload-id-marker": xml.at("NextUploadIdMarker").text,
    };
    if (xml.at("IsTruncated").text !== "true" || isDeepStrictEqual(next, marker)) return;
    marker = next;
  }
}

/**
 * Aborts a multipart upload. An upload that has ended in the meantime is not an error.
 *
 * @param client The AWS client.
 * @param bucket The bucket's name.
 * @param upload The upload.
 * @param options Its owner, and a signal.
 * @throws {LlamaError} As `callAws`.
 */
export async function abortUpload(
  client: AwsClient,
  bucket: string,
  { key, id }: PendingUpload,
  options: BucketOptions = {},
): Promise<void> {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const rest = `${path}?${new URLSearchParams({ uploadId: id })}`;
  try {
    await callBucket(client, "AbortMultipartUpload", "DELETE", bucket, rest, options);
  } catch (error) {
    if (!isRefusal(error, "NoSuchUpload")) throw error;
  }
}

async function callBucket(
  client: AwsClient,
  action: string,
  method: string,
  bucket: string,
  rest: string,
  more: BucketOptions & { headers?: Record<string, string>; body?: string },
): Promise<{ xml: Xml; headers: Headers }> {
  const { signal, owner, headers: own, ...request } = more;
  const url = `${bucketUrl(await client.location(), bucket)}/${rest}`;
  const answer = await callAws(client, { service: "s3", action, signal }, {
    ...request,
    headers: { ...ownerHeaders(owner), ...own },
    method,
    url,
  });
  const { text, headers } = answer;
  return { xml: parseXml(text || "<Empty/>", "S3"), headers };
}
