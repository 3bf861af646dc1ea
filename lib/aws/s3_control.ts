/**
 * S3's API for a bucket as a whole.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { decodeUriPart } from "./answer.ts";
import type { AwsClient } from "./client.ts";
import { AwsError, callAws } from "./control.ts";
import { bucketUrl } from "./endpoint.ts";
import { parseXml, type Xml } from "./xml.ts";

/** What is known of a bucket without looking into it. */
export type BucketState =
  | { readonly kind: "there"; readonly region: string | undefined }
  | { readonly kind: "missing" }
  | { readonly kind: "forbidden" };

/**
 * Looks whether there is a bucket of a name, and whether it may be used.
 *
 * @param client Signs and sends.
 * @param bucket The bucket's name.
 * @param signal Ends it early.
 * @returns What is known.
 * @throws {LlamaError} As `callAws`.
 */
export async function bucketState(
  client: AwsClient,
  bucket: string,
  signal?: AbortSignal,
): Promise<BucketState> {
  const url = bucketUrl(await client.location(), bucket);
  return await client.call({ service: "s3", method: "HEAD", url, signal }, {
    retry: { maxRepeats: 5 },
    read: ({ status, ok, headers }) => {
      // S3 tells the region even where it refuses, and refuses who asks in another one.
      const region = headers.get("x-amz-bucket-region") ?? undefined;
      if (ok || status === 301 || (status === 400 && region !== undefined)) {
        return Promise.resolve<BucketState>({ kind: "there", region });
      }
      if (status === 404) return Promise.resolve<BucketState>({ kind: "missing" });
      if (status === 403) return Promise.resolve<BucketState>({ kind: "forbidden" });
      const refusal = { type: `HTTP status ${status}`, words: "HEAD has no words", status };
      throw new AwsError({ service: "s3", action: "ListBucket" }, refusal);
    },
  });
}

/**
 * The keys that begin with a prefix.
 *
 * @param client Signs and sends.
 * @param bucket The bucket's name.
 * @param prefix The prefix; empty for all keys.
 * @param signal Ends it early.
 * @returns Up to 1,000 keys at a time, in their order.
 * @throws {LlamaError} As `callAws`.
 */
export async function* listKeys(
  client: AwsClient,
  bucket: string,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<string[], void, undefined> {
  let token: string | undefined;
  do {
    const query = new URLSearchParams({
      "list-type": "2",
      // Keys may hold characters that XML cannot.
      "encoding-type": "url",
      prefix,
      ...(token === undefined ? {} : { "continuation-token": token }),
    });
    const { xml } = await callBucket(client, "ListBucket", "GET", bucket, `?${query}`, { signal });
    yield xml.all("Contents").map((each) => decodeKey(each.at("Key").text));
    token = xml.textAt("NextContinuationToken");
  } while (token !== undefined);
}

function decodeKey(encoded: string): string {
  return decodeUriPart(encoded.replaceAll("+", " "));
}

/**
 * Deletes objects.
 *
 * @param client Signs and sends.
 * @param bucket The bucket's name.
 * @param keys Up to 1,000 keys.
 * @param signal Ends it early.
 * @throws {LlamaError} As `callAws`; an `AwsError` for the first object that was not deleted.
 */
export async function deleteKeys(
  client: AwsClient,
  bucket: string,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join("");
  const body = `<Delete><Quiet>true</Quiet>${objects}</Delete>`;
  const { xml } = await callBucket(client, "DeleteObject", "POST", bucket, "?delete", {
    headers: {
      "content-type": "application/xml",
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html wants a checksum.
      "x-amz-checksum-sha256": createHash("sha256").update(body).digest("base64"),
    },
    body,
    signal,
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

/**
 * Aborts the multipart uploads that never ended, of keys that begin with a prefix.
 *
 * @param client Signs and sends.
 * @param bucket The bucket's name.
 * @param prefix The prefix.
 * @param signal Ends it early.
 * @throws {LlamaError} As `callAws`.
 */
export async function abortUploads(
  client: AwsClient,
  bucket: string,
  prefix: string,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    // What was aborted is not listed again, so that the first page is always the next one.
    const query = new URLSearchParams({ uploads: "", "encoding-type": "url", prefix });
    const { xml } = await callBucket(
      client,
      "ListBucketMultipartUploads",
      "GET",
      bucket,
      `?${query}`,
      { signal },
    );
    const uploads = xml.all("Upload");
    if (uploads.length === 0) return;
    for (const upload of uploads) {
      const key = decodeKey(upload.at("Key").text).split("/").map(encodeURIComponent).join("/");
      const uploadId = new URLSearchParams({ uploadId: upload.at("UploadId").text });
      await callBucket(
        client,
        "AbortMultipartUpload",
        "DELETE",
        bucket,
        `${key}?${uploadId}`,
        { signal },
      );
    }
  }
}

async function callBucket(
  client: AwsClient,
  action: string,
  method: string,
  bucket: string,
  rest: string,
  more: { headers?: Record<string, string>; body?: string; signal?: AbortSignal | undefined },
): Promise<{ xml: Xml; headers: Headers }> {
  const { signal, ...request } = more;
  const url = `${bucketUrl(await client.location(), bucket)}/${rest}`;
  const answer = await callAws(client, { service: "s3", action, signal }, {
    ...request,
    method,
    url,
  });
  const { text, headers } = answer;
  return { xml: parseXml(text || "<Empty/>", "S3"), headers };
}
