import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { AwsClient } from "../../lib/aws/client.ts";
import { publishLayer } from "../../lib/deploy/layer.ts";
import { LlamaError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { openStoreWith } from "../../lib/store/open.ts";
import { bytesOf, noise } from "../helpers.ts";

const arn = "arn:aws:lambda:us-west-2:123456789012:layer:llama:7";
const layer = {
  name: "llama",
  description: "llama 1",
  zip: bytesOf("the zip"),
  architecture: "arm64",
} as const;

/** Starts a server with the test's responses for both Lambda and S3, and a client for it. */
function aws(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  const client = new AwsClient({
    credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
    location: () =>
      Promise.resolve({ region: "us-west-2", endpoints: { lambda: endpoint, s3: endpoint } }),
  });
  return {
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

Deno.test("a layer is published in one call that contains its zip", async () => {
  const calls: unknown[] = [];
  await using server = aws(async (request) => {
    calls.push(`${request.method} ${new URL(request.url).pathname}`, await request.json());
    return Response.json({ LayerVersionArn: arn, Version: 7, Other: 1 }, { status: 201 });
  });
  assert.deepEqual(await publishLayer(server.client, layer), { arn, version: 7 });
  assert.deepEqual(calls, ["POST /2018-10-31/layers/llama/versions", {
    Description: "llama 1",
    Content: { ZipFile: Buffer.from(layer.zip).toString("base64") },
    CompatibleRuntimes: ["provided.al2023"],
    CompatibleArchitectures: ["arm64"],
    LicenseInfo: "Apache-2.0",
  }]);
});

Deno.test("with a bucket, the zip is uploaded through it", async () => {
  const stored = new Map<string, string>();
  const calls: unknown[] = [];
  await using server = aws(async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PUT") {
      stored.set(pathname, await request.text());
      return new Response();
    }
    calls.push((await request.json()).Content);
    return Response.json({ LayerVersionArn: arn, Version: 7 }, { status: 201 });
  });
  const store = openStoreWith("s3://bucket/some/prefix/", server.client, { environment: {} });
  assert.deepEqual(await publishLayer(server.client, { ...layer, store }), { arn, version: 7 });
  const key = `some/prefix/code/${sha256(layer.zip)}`;
  assert.deepEqual([...stored], [[`/bucket/${key}`, "the zip"]]);
  assert.deepEqual(calls, [{ S3Bucket: "bucket", S3Key: key }]);
});

/** S3 that reports every object as existing and recent, and Lambda that has that object. */
function planted(hash: string, calls: string[]) {
  return aws(async (request) => {
    const { pathname } = new URL(request.url);
    calls.push(`${request.method} ${pathname}`);
    await request.body?.cancel();
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    if (request.method !== "POST") {
      const now = new Date().toUTCString();
      return new Response(null, { headers: { date: now, "last-modified": now } });
    }
    const answer = { LayerVersionArn: arn, Version: 7, Content: { CodeSha256: hash } };
    return Response.json(answer, { status: 201 });
  });
}

const big = { ...layer, zip: noise(400_000) };

Deno.test("a zip is uploaded to the bucket even if an object of its name exists", async () => {
  const calls: string[] = [];
  await using server = planted(createHash("sha256").update(big.zip).digest("base64"), calls);
  const store = { url: "s3://bucket/obj" };
  assert.deepEqual(await publishLayer(server.client, { ...big, store }), { arn, version: 7 });
  const key = `/bucket/obj/code/${sha256(big.zip)}`;
  assert.deepEqual(calls, [
    `HEAD ${key}`,
    `PUT ${key}`,
    "POST /2018-10-31/layers/llama/versions",
  ]);
});

Deno.test("a layer version that is not the zip that was sent is removed", async () => {
  for (const store of [undefined, { url: "s3://bucket/obj/" }]) {
    const calls: string[] = [];
    await using server = planted("UE9JU09ORUQ=", calls);
    await assert.rejects(publishLayer(server.client, { ...big, store }), (error) => {
      assert(error instanceof LlamaError);
      assert.match(error.message, /^version 7 of the layer llama is not the zip that was sent/);
      assert.match(
        error.hint ?? "",
        /^it has been removed; check who else can write to code\//,
      );
      return true;
    });
    assert.equal(calls.at(-1), "DELETE /2018-10-31/layers/llama/versions/7");
  }
});

Deno.test("a zip that is too large for a request needs a bucket", async () => {
  await using server = aws(() => assert.fail("nothing is sent"));
  const zip = new Uint8Array(50 * 1024 * 1024 + 1);
  await assert.rejects(publishLayer(server.client, { ...layer, zip }), (error) => {
    assert(error instanceof LlamaError);
    assert.deepEqual([error.code, /LLAMA_OBJECT_STORE/.test(error.hint ?? "")], [
      "too-large",
      true,
    ]);
    return true;
  });
});

Deno.test("an error response names the action and the missing permission", async () => {
  const message = "User: x is not authorized to perform: lambda:PublishLayerVersion";
  await using server = aws(async (request) => {
    await request.body?.cancel();
    const headers = { "x-amzn-errortype": "AccessDeniedException:http://x" };
    return Response.json({ Message: message }, { status: 403, headers });
  });
  await assert.rejects(publishLayer(server.client, layer), (error) => {
    assert(error instanceof LlamaError);
    assert.deepEqual([error.code, error.message, error.hint], [
      "credentials",
      `Lambda refused PublishLayerVersion: AccessDeniedException: ${message}`,
      "the credentials need lambda:PublishLayerVersion",
    ]);
    return true;
  });
});

Deno.test("a response without a version is an error", async () => {
  await using server = aws(async (request) => {
    await request.body?.cancel();
    return Response.json({ Version: 7 }, { status: 201 });
  });
  await assert.rejects(
    publishLayer(server.client, layer),
    /from Lambda to PublishLayerVersion: LayerVersionArn/,
  );
});
