/** As much of S3 as the tests need, on loopback. */

import { Buffer } from "node:buffer";
import { AwsV4Signer } from "npm:aws4fetch@1.0.20";
import type { Environment } from "../../lib/environment.ts";
import { sha256 } from "../../lib/files/hash.ts";

const accessKeyId = "AKIDEXAMPLE";
const secretAccessKey = "secret/with+odd=characters";

/** Answers a request in the server's place, or leaves it to the server. */
export type Intercept = (
  request: Request,
  body: Uint8Array,
) => Response | undefined | Promise<Response | undefined>;

/** Keeps objects in memory and checks every signature with a signer that it sets up itself. */
export class FakeS3 implements AsyncDisposable {
  readonly objects = new Map<string, Uint8Array>();
  /** When objects were written, where that is not now. */
  readonly modified = new Map<string, number>();
  /** Uploads in parts that have begun and have not ended. */
  readonly uploads = new Map<string, Map<number, Uint8Array>>();
  /** All requests: method, the URL's path, `?` where it has parameters, and a range. */
  readonly requests: string[] = [];
  /** Requests whose signature or hash was wrong. */
  readonly unsigned: string[] = [];
  /** The region that the bucket is in. */
  region = "us-west-2";
  /** The token that requests must have. */
  sessionToken: string | undefined;
  /** How far its clock is ahead of ours, in milliseconds. */
  skew = 0;
  intercept: Intercept = () => undefined;
  /** The number of keys on a page of a listing. */
  pageLength = 1000;
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#serve(request),
    );
  }

  /** What a client needs to reach it. */
  get environment(): Environment {
    return {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: this.sessionToken,
      AWS_REGION: "us-west-2",
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  /** Has the next request fail, or the next of a method. */
  fail(status: number, code: string, message: string, method?: string): void {
    this.intercept = (request) => {
      if (method !== undefined && request.method !== method) return undefined;
      this.intercept = () => undefined;
      return failure(status, code, message);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #serve(request: Request): Promise<Response> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    const { pathname, search } = new URL(request.url);
    const range = request.headers.get("range");
    const parameters = search === "" ? "" : "?";
    this.requests.push(
      `${request.method} ${pathname}${parameters}${range === null ? "" : ` ${range}`}`,
    );
    try {
      // A client may give up in the middle of a body.
      const body = await request.bytes().catch(() => undefined);
      if (body === undefined) return new Response(null, { status: 400 });
      const response = await this.#refuse(request, body) ?? await this.intercept(request, body) ??
        this.#answer(request, body);
      response.headers.set("date", new Date(Date.now() + this.skew).toUTCString());
      return response;
    } finally {
      this.#atOnce--;
    }
  }

  async #refuse(request: Request, body: Uint8Array): Promise<Response | undefined> {
    const { headers } = request;
    const [, region = ""] = /Credential=[^/]*\/\d+\/([^/]*)/.exec(
      headers.get("authorization") ?? "",
    ) ?? [];
    if (region !== this.region) {
      return failure(400, "AuthorizationHeaderMalformed", "wrong", {
        "x-amz-bucket-region": this.region,
      });
    }
    const sent = (headers.get("x-amz-date") ?? "").replace(
      /^(....)(..)(..T..)(..)(..Z)$/,
      "$1-$2-$3:$4:$5",
    );
    if (Math.abs(Date.parse(sent) - Date.now() - this.skew) > 15 * 60_000) {
      return failure(403, "RequestTimeTooSkewed", "too large a difference");
    }
    if ((headers.get("x-amz-security-token") ?? undefined) !== this.sessionToken) {
      return failure(400, "ExpiredToken", "The provided token has expired.");
    }
    if (!await isSigned(request, body, region)) {
      this.unsigned.push(`${request.method} ${request.url}`);
      return failure(403, "SignatureDoesNotMatch", "not signed as it should be");
    }
    const checksum = headers.get("x-amz-checksum-sha256") ?? base64(body);
    return checksum === base64(body) ? undefined : failure(400, "BadDigest", "did not match");
  }

  #answer(request: Request, body: Uint8Array): Response {
    const { pathname, searchParams } = new URL(request.url);
    const uploadId = searchParams.get("uploadId");
    if (searchParams.has("uploads")) return this.#begin();
    if (uploadId !== null) return this.#continue(request, uploadId, body);
    if (searchParams.get("list-type") === "2") return this.#list(pathname, searchParams);
    const { headers: asked } = request;
    const there = this.objects.get(pathname);
    if (asked.has("if-none-match") && there) return failure(412, "PreconditionFailed", "is there");
    if (asked.has("if-match") && there && asked.get("if-match") !== etagOf(there)) {
      return failure(412, "PreconditionFailed", "is another");
    }
    if (request.method === "PUT") {
      this.objects.set(pathname, body);
      this.modified.delete(pathname);
      return new Response(null, { headers: { etag: etagOf(body) } });
    }
    const object = there;
    if (!object) return failure(404, "NoSuchKey", "The specified key does not exist.");
    const headers = {
      "last-modified": new Date(
        this.modified.get(pathname) ?? Date.now() + this.skew,
      ).toUTCString(),
      etag: etagOf(object),
      "x-amz-bucket-region": this.region,
    };
    if (request.method === "HEAD") {
      const checksum = asked.has("x-amz-checksum-mode")
        ? { "x-amz-checksum-sha256": base64(object) }
        : {};
      const length = { "content-length": String(object.length) };
      return new Response(null, { headers: { ...headers, ...length, ...checksum } });
    }
    return ranged(request, object, headers);
  }

  #list(pathname: string, parameters: URLSearchParams): Response {
    const prefix = parameters.get("prefix") ?? "";
    const after = parameters.get("continuation-token") ?? "";
    const keys = this.objects.entries()
      .filter(([path]) => path.startsWith(pathname))
      .map(([path, object]) => [decodeURIComponent(path.slice(pathname.length)), object] as const)
      .filter(([key]) => key.startsWith(prefix) && key > after)
      .toArray().sort(([a], [b]) => a < b ? -1 : 1);
    const page = keys.slice(0, this.pageLength);
    const contents = page.map(([key, object]) => {
      const etag = etagOf(object).replaceAll('"', "&quot;");
      return `<Contents><Key>${encodeURIComponent(key).replaceAll("%20", "+")}</Key>` +
        `<Size>${object.length}</Size><ETag>${etag}</ETag></Contents>`;
    });
    const next = keys.length > page.length
      ? `<NextContinuationToken>${page.at(-1)?.[0]}</NextContinuationToken>`
      : "";
    return new Response(
      `<ListBucketResult><EncodingType>url</EncodingType>${
        contents.join("")
      }${next}</ListBucketResult>`,
    );
  }

  #begin(): Response {
    const id = `upload/${this.uploads.size}+&=`;
    this.uploads.set(id, new Map());
    return new Response(
      `<InitiateMultipartUploadResult><UploadId>${
        id.replace("&", "&amp;")
      }</UploadId></InitiateMultipartUploadResult>`,
    );
  }

  #continue({ method, url }: Request, id: string, body: Uint8Array): Response {
    const upload = this.uploads.get(id);
    if (!upload) return failure(404, "NoSuchUpload", "The specified upload does not exist.");
    const { pathname, searchParams } = new URL(url);
    if (method === "PUT") {
      const number = Number(searchParams.get("partNumber"));
      upload.set(number, body);
      return new Response(null, { headers: { etag: `"etag-${number}"` } });
    }
    this.uploads.delete(id);
    if (method === "DELETE") return new Response(null, { status: 204 });
    const xml = new TextDecoder().decode(body);
    const parts = [...xml.matchAll(
      /<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag><ChecksumSHA256>([^<]*)<\/ChecksumSHA256>/g,
    )].map(([, number, etag, checksum], index) => {
      const part = upload.get(Number(number));
      const isRight = Number(number) === index + 1 && etag === `"etag-${number}"` &&
        part !== undefined && checksum === base64(part);
      return isRight ? part : undefined;
    });
    const whole = parts.filter((part) => part !== undefined);
    if (parts.length === 0 || whole.length < parts.length || whole.length < upload.size) {
      return failure(400, "InvalidPart", "could not be found");
    }
    this.objects.set(pathname, new Uint8Array(Buffer.concat(whole)));
    return new Response("<CompleteMultipartUploadResult/>");
  }
}

function ranged(request: Request, object: Uint8Array, headers: HeadersInit): Response {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (from === undefined) return new Response(new Uint8Array(object), { headers });
  if (Number(from) >= object.length) return failure(416, "InvalidRange", "not satisfiable");
  const end = to ? Math.min(Number(to) + 1, object.length) : object.length;
  return new Response(object.slice(Number(from), end), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${from}-${end - 1}/${object.length}` },
  });
}

async function isSigned(request: Request, body: Uint8Array, region: string): Promise<boolean> {
  const authorization = request.headers.get("authorization") ?? "";
  const names = /SignedHeaders=([^,]*)/.exec(authorization)?.[1]?.split(";") ?? [];
  if (request.headers.get("x-amz-content-sha256") !== sha256(body)) return false;
  for (const name of request.headers.keys()) {
    if (name.startsWith("x-amz-") && !names.includes(name)) return false;
  }
  // AWS decodes the path once and encodes it again by its own rules.
  const url = new URL(request.url);
  url.pathname = url.pathname.split("/").map((part) => encodeURIComponent(decodeURIComponent(part)))
    .join("/");
  const signer = new AwsV4Signer({
    accessKeyId,
    secretAccessKey,
    service: "s3",
    region,
    method: request.method,
    url: url.href,
    headers: names.filter((name) => name !== "host")
      .map((name): [string, string] => [name, request.headers.get(name) ?? ""]),
    datetime: request.headers.get("x-amz-date") ?? "",
    allHeaders: true,
  });
  return await signer.authHeader() === authorization;
}

/** Returns the ETag of an object. */
export function etagOf(bytes: Uint8Array): string {
  return `"${sha256(bytes).slice(0, 32)}"`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(sha256(bytes), "hex").toString("base64");
}

/** An answer that refuses, as S3's are. */
export function failure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const xml =
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(xml, { status, headers: { "content-type": "application/xml", ...headers } });
}
