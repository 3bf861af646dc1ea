/** As much of S3 as the tests need, on loopback. */

import { AwsV4Signer } from "../../lib/deps.ts";
import type { Environment } from "../../lib/environment.ts";
import { sha256 } from "../../lib/hash.ts";

const accessKeyId = "AKIDEXAMPLE";
const secretAccessKey = "secret/with+odd=characters";

/** Keeps objects in memory and checks every signature with a signer that it sets up itself. */
export class FakeS3 implements AsyncDisposable {
  readonly objects = new Map<string, Uint8Array>();
  /** Requests whose signature or hash was wrong. */
  readonly unsigned: string[] = [];
  mostAtOnce = 0;
  #atOnce = 0;
  #failure: { status: number; code: string; message: string } | undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  /** What a client needs to reach it. */
  get environment(): Environment {
    return {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: "us-west-2",
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  /** Has the next request fail. */
  fail(status: number, code: string, message: string): void {
    this.#failure = { status, code, message };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      const body = await request.bytes();
      const { pathname } = new URL(request.url);
      if (!await isSigned(request, body)) {
        this.unsigned.push(`${request.method} ${pathname}`);
        return failure(403, "SignatureDoesNotMatch", "not signed as it should be");
      }
      const failing = this.#failure;
      this.#failure = undefined;
      if (failing) return failure(failing.status, failing.code, failing.message);
      if (request.method === "PUT") {
        this.objects.set(pathname, body);
        return new Response();
      }
      const object = this.objects.get(pathname);
      if (!object) return failure(404, "NoSuchKey", "The specified key does not exist.");
      return new Response(request.method === "HEAD" ? null : new Uint8Array(object));
    } finally {
      this.#atOnce--;
    }
  }
}

async function isSigned(request: Request, body: Uint8Array): Promise<boolean> {
  const authorization = request.headers.get("authorization") ?? "";
  const names = /SignedHeaders=([^,]*)/.exec(authorization)?.[1]?.split(";") ?? [];
  if (request.headers.get("x-amz-content-sha256") !== sha256(body)) return false;
  // AWS decodes the path once and encodes it again by its own rules.
  const url = new URL(request.url);
  url.pathname = url.pathname.split("/").map((part) => encodeURIComponent(decodeURIComponent(part)))
    .join("/");
  const signer = new AwsV4Signer({
    accessKeyId,
    secretAccessKey,
    service: "s3",
    region: "us-west-2",
    method: request.method,
    url: url.href,
    headers: names.filter((name) => name !== "host")
      .map((name): [string, string] => [name, request.headers.get(name) ?? ""]),
    datetime: request.headers.get("x-amz-date") ?? "",
    allHeaders: true,
  });
  return await signer.authHeader() === authorization;
}

function failure(status: number, code: string, message: string): Response {
  const xml =
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(xml, { status, headers: { "content-type": "application/xml" } });
}
