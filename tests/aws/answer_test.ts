import assert from "node:assert/strict";
import { readBeginning, readText } from "../../lib/aws/answer.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import { callRest } from "../../lib/aws/api/call.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { LlamaError } from "../../lib/errors.ts";
import { openStoreWith } from "../../lib/store/open.ts";
import * as z from "../../lib/zod.ts";
import { bytesOf, TemporaryDirectory, until } from "../helpers.ts";

/** A server on loopback that answers all services, and a client for it. */
class Server implements AsyncDisposable {
  readonly client: AwsClient;
  /** How often each method was called. An upload begins with a HEAD. */
  readonly methods = new Map<string, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: (request: Request) => Response) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { method } = request;
        this.methods.set(method, (this.methods.get(method) ?? 0) + 1);
        await request.bytes();
        return answer(request);
      },
    );
    const url = `http://127.0.0.1:${this.#server.addr.port}`;
    this.client = new AwsClient({
      credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
      location: () =>
        Promise.resolve({
          region: "us-west-2",
          endpoints: { lambda: url, s3: url, sts: url },
        }),
    });
  }

  /** The most requests of one method. */
  get requests(): number {
    return Math.max(0, ...this.methods.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.#server.shutdown();
  }
}

/** A body without length and end, which counts its bytes and knows whether it is still wanted. */
class Endless {
  sent = 0;
  isWanted = true;
  readonly body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      this.sent += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(32));
    },
    cancel: () => void (this.isWanted = false),
  });
}

async function gzipped(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

async function failureOf(work: Promise<unknown>): Promise<LlamaError> {
  try {
    await work;
  } catch (error) {
    assert(error instanceof LlamaError, `${error}`);
    return error;
  }
  assert.fail("it did not fail");
}

const id = "0".repeat(64);

/** Every kind of call, and how it reads an answer. */
const calls: Readonly<Record<string, (client: AwsClient) => Promise<unknown>>> = {
  Invoke: (client) => new Lambda(client).invoke("f", bytesOf("{}")),
  ListFunctions: (client) =>
    callRest(
      client,
      { service: "lambda", action: "ListFunctions", method: "GET", path: "/" },
      z.unknown(),
    ),
  GetObject: (client) => openStoreWith("s3://bucket/", client, { environment: {} }).get(id),
  HeadObject: (client) => openStoreWith("s3://bucket/", client, { environment: {} }).has(id),
  PutObject: (client) =>
    openStoreWith("s3://bucket/", client, { environment: {} }).put(bytesOf("x")),
  CreateMultipartUpload: (client) =>
    openStoreWith("s3://bucket/", client, { environment: {} }).put(new Uint8Array(65 * 1024 ** 2)),
};

Deno.test("a text is read up to its size limit, and not beyond", async () => {
  const exact = () => new Response("é".repeat(50));
  assert.equal(await readText(exact(), 100, "S3"), "é".repeat(50));
  await assert.rejects(readText(exact(), 99, "S3"), {
    code: "service",
    retryable: "never",
    message: "the answer from S3 is longer than 99 bytes",
  });
  assert.equal(await readBeginning(exact(), 10), "é".repeat(5));
  assert.equal(await readBeginning(new Response(null), 10), "");
  // A length that is claimed is enough to refuse, before a byte has come.
  const claimed = { "content-length": "99999999999999999999999" };
  await assert.rejects(readText(new Response("x", { headers: claimed }), 100, "S3"));
});

for (const status of [200, 400]) {
  for (const [action, call] of Object.entries(calls)) {
    // An upload that was answered with 200 is done, whatever follows.
    if (action === "HeadObject" || (status === 200 && action === "PutObject")) continue;
    Deno.test(`an endless answer to ${action} with status ${status} is left after its bound`, async () => {
      const endless = new Endless();
      await using server = new Server((request) =>
        request.method === "HEAD"
          ? new Response(null, { status })
          : new Response(endless.body, { status })
      );
      const error = await failureOf(call(server.client));
      assert.notEqual(error.code, "network");
      assert.equal(server.requests, 1, error.message);
      await until(() => !endless.isWanted, "the rest is not sent any more");
      assert(endless.sent < 32 * 1024 ** 2, `${endless.sent} bytes were read`);
    });
  }
}

Deno.test("the size limit applies after decompression", async () => {
  const body = await gzipped(" ".repeat(64 * 1024 ** 2));
  await using server = new Server(() =>
    new Response(body, {
      headers: { "content-encoding": "gzip", "content-length": String(body.length) },
    })
  );
  for (const action of ["Invoke", "ListFunctions"]) {
    const error = await failureOf(calls[action]?.(server.client) ?? assert.fail());
    assert.match(error.message, /is longer than \d+ bytes$/);
  }
  assert.deepEqual([...server.methods], [["POST", 1], ["GET", 1]]);
});

Deno.test("a size that S3 only claims causes neither memory use nor retries", async () => {
  await using directory = new TemporaryDirectory();
  const sizes = ["1000000000000", "9007199254740991", "99999999999999999999", "1e3", "-1", "x"];
  for (const [index, size] of sizes.entries()) {
    await using server = new Server(({ headers }) => {
      const range = headers.get("range");
      return new Response("x".repeat(8), {
        status: range ? 206 : 200,
        headers: range
          ? { "content-range": `bytes 0-7/${size}`, "content-length": "8" }
          : { "content-range": `bytes 0-7/${size}` },
      });
    });
    using store = openStoreWith("s3://bucket/", server.client, { environment: {} });
    const before = Deno.memoryUsage();
    // The second request asks for what follows, and gets the beginning again.
    const error = await failureOf(store.getFile(id, directory.join(String(index))));
    assert.equal(error.code, "store", size);
    assert(server.requests <= 2, `${server.requests} requests for ${size}`);
    const after = Deno.memoryUsage();
    assert(after.rss + after.external - before.rss - before.external < 200e6, size);
  }
});

Deno.test("an object that is longer or shorter than it claimed to be is refused", async () => {
  await using directory = new TemporaryDirectory();
  for (const [claimed, sent] of [[4, 8], [8, 4]] as const) {
    let asked = 0;
    await using server = new Server(() =>
      new Response("x".repeat(sent), {
        status: 206,
        headers: { "content-range": `bytes ${asked++ === 0 ? 0 : sent}-${claimed - 1}/${claimed}` },
      })
    );
    using store = openStoreWith("s3://bucket/", server.client, { environment: {} });
    assert.equal((await failureOf(store.get(id))).code, "store");
    asked = 0;
    const path = directory.join(String(claimed));
    assert.equal((await failureOf(store.getFile(id, path))).code, "store");
  }
});

/** Refusals whose words cannot be read, each by another fault. */
const malformed: readonly (readonly [body: string, headers?: Record<string, string>])[] = [
  [String.raw`{"Message":"\x"}`],
  [String.raw`{"message":"\ud8"}`],
  ['{"Message":"a\nb"}'],
  [String.raw`{"__type":"\q","message":"\u12"}`],
  ["{}", { "x-llama-functions": "%", "x-llama-functions-from": "%ff" }],
  ["<Error><Code>&#99999999999;</Code><Message>&#xffffffff;</Message></Error>"],
  ["<Error><Code>&#x110000;</Code></Error>"],
  ["<?xml"],
  ["<Error"],
  ["\0\ufffd{"],
];

for (const [action, call] of Object.entries(calls)) {
  Deno.test(`a malformed refusal of ${action} is an error of the answer, and not repeated`, async () => {
    for (const [body, headers = {}] of malformed) {
      for (const type of ["ValidationException", "ResourceNotFoundException"]) {
        await using server = new Server(({ method }) =>
          new Response(method === "HEAD" ? null : body, {
            status: 400,
            headers: { "x-amzn-errortype": type, ...headers },
          })
        );
        const error = await failureOf(call(server.client));
        assert.notEqual(error.code, "network", body);
        assert.equal(server.requests, 1, `${body}: ${error.message}`);
      }
    }
  });
}

Deno.test("a refusal with any content is one error of one call", async () => {
  const tokens = [
    ...'{}[]"\\:,<>&;%#/ \n\0',
    ...["Message", "message", "__type", "Code", "Error", "&#", "&#x", "\\u", "\\", "%e2", "99999"],
    ...["<Error>", "<Code>", "</Code>", "</Error>", '{"message":"', '"}', "\u{10ffff}", "x"],
  ];
  let state = 42;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  let body = "";
  let headers: Record<string, string> = {};
  await using server = new Server(() => new Response(body, { status: 400, headers }));
  for (let round = 0; round < 300; round++) {
    body = Array.from({ length: random(12) }, () => tokens[random(tokens.length)]).join("");
    headers = random(2) ? { "x-amzn-errortype": "ResourceNotFoundException" } : {};
    for (const action of ["Invoke", "ListFunctions", "GetObject"]) {
      server.methods.clear();
      const error = await failureOf(calls[action]?.(server.client) ?? assert.fail());
      assert.notEqual(error.code, "network", JSON.stringify(body));
      assert.equal(server.requests, 1, JSON.stringify(body));
    }
  }
});
