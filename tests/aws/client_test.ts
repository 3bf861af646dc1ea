import assert from "node:assert/strict";
import { CallError } from "../../lib/aws/call_error.ts";
import { AwsClient, type AwsClientOptions, type AwsRequest } from "../../lib/aws/client.ts";
import { LlamaError } from "../../lib/errors.ts";
import { TemporaryDirectory, until } from "../helpers.ts";

type Answer = (request: Request, number: number) => Response | Promise<Response>;

/** A server that answers each request as the test says, and a client of it. */
function served(answer: Answer, options: Partial<AwsClientOptions> = {}) {
  let number = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(request, ++number),
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const client = new AwsClient({
    credentials: () => Promise.resolve({ accessKeyId: "AKID", secretAccessKey: "the/secret" }),
    location: () => Promise.resolve({ region: "us-west-2", endpoints: {} }),
    ...options,
  });
  const request: AwsRequest = { service: "lambda", method: "POST", url, body: "{}" };
  return {
    url,
    client,
    get number() {
      return number;
    },
    call: (
      more: { attemptMilliseconds?: number; maxRetries?: number; signal?: AbortSignal } = {},
    ) =>
      client.call({ ...request, signal: more.signal }, {
        read: readText,
        retry: { maxRetries: more.maxRetries ?? 8 },
        attemptMilliseconds: more.attemptMilliseconds,
      }),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

async function readText(response: Response): Promise<string> {
  const text = await response.text();
  if (response.ok) return text;
  const expired = text.includes("ExpiredToken");
  throw new CallError(expired ? "credentials" : "service", text, { expired });
}

/** A server of bytes: what a connection gets for its first request, after which it is closed. */
function raw(answers: (string | undefined)[]) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      const answer = answers[connections++];
      await connection.read(new Uint8Array(65536));
      if (answer !== undefined) await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

Deno.test("a lost or truncated answer is retried", async () => {
  const whole = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
  await using server = raw([undefined, whole.slice(0, -2), whole.slice(0, 20), whole]);
  await using unused = served(() => new Response());
  const answer = await unused.client.call(
    { service: "lambda", method: "POST", url: server.url, body: "{}" },
    { read: readText, retry: { maxRetries: 3 } },
  );
  assert.equal(answer, "hello");
  assert.equal(server.connections, 4);
});

Deno.test("without retries a lost answer is an error, and nothing is sent twice", async () => {
  await using server = raw([undefined, undefined]);
  await using unused = served(() => new Response());
  const call = unused.client.call(
    { service: "lambda", method: "POST", url: server.url, body: "{}" },
    { read: readText, retry: { maxRetries: 0 }, isFresh: true },
  );
  await assert.rejects(call, /^LlamaError: no answer from http:\S+: connection closed/);
  assert.equal(server.connections, 1);
});

Deno.test("a silent connection times out, and the call is retried", async () => {
  const silent = Promise.withResolvers<Response>();
  await using server = served((_, number) => number === 1 ? silent.promise : new Response("here"));
  assert.equal(await server.call({ attemptMilliseconds: 100 }), "here");
  silent.resolve(new Response());
});

Deno.test("the error for a timeout names its duration", async () => {
  const silent = Promise.withResolvers<Response>();
  await using server = served(() => silent.promise);
  await assert.rejects(
    server.call({ attemptMilliseconds: 100, maxRetries: 0 }),
    /^LlamaError: no answer from http:\S+ within 0\.1 seconds$/,
  );
  silent.resolve(new Response());
});

Deno.test("a body that stalls times out, too", async () => {
  const stuck = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("half")),
  });
  await using server = served((_, number) => new Response(number === 1 ? stuck : "whole"));
  assert.equal(await server.call({ attemptMilliseconds: 200 }), "whole");
});

Deno.test("an abort ends a call at once, with the caller's reason", async () => {
  const silent = Promise.withResolvers<Response>();
  const arrived = Promise.withResolvers<void>();
  await using server = served(() => (arrived.resolve(), silent.promise));
  const controller = new AbortController();
  const call = server.call({ signal: controller.signal });
  await arrived.promise;
  controller.abort(new Error("enough"));
  await assert.rejects(call, /^Error: enough$/);
  silent.resolve(new Response());
});

/** Whether a request's date is the time that it is at the server, give or take five minutes. */
function isSignedAt(date: string, time: number): boolean {
  const [, y, mo, d, h, mi, s] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(date) ?? [];
  return Math.abs(Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) - time) <= 300_000;
}

Deno.test("a clock that is off is corrected from the answer, permanently", async () => {
  const ahead = Date.now() + 1_800_000;
  const dates: string[] = [];
  await using server = served((request) => {
    const sent = request.headers.get("x-amz-date") ?? "";
    dates.push(sent);
    const isRight = isSignedAt(sent, ahead);
    return new Response(isRight ? "fine" : "InvalidSignatureException", {
      status: isRight ? 200 : 403,
      headers: { date: new Date(ahead).toUTCString() },
    });
  });
  assert.equal(await server.call({ maxRetries: 0 }), "fine");
  assert.equal(await server.call({ maxRetries: 0 }), "fine");
  assert.equal(dates.length, 3);
});

Deno.test("calls in flight when the clock was corrected continue", async () => {
  const ahead = Date.now() + 1_800_000;
  const right = Promise.withResolvers<void>();
  let refused = 0;
  await using server = served(async (request) => {
    const [, hour, minute] = /T(..)(..)/.exec(request.headers.get("x-amz-date") ?? "") ?? [];
    const there = new Date(ahead);
    const isRight = Number(hour) === there.getUTCHours() &&
      Number(minute) === there.getUTCMinutes();
    if (isRight) right.resolve();
    // The second is refused only when the first has been repeated.
    else if (++refused === 2) await right.promise;
    return new Response(isRight ? "fine" : "InvalidSignatureException", {
      status: isRight ? 200 : 403,
      headers: { date: new Date(ahead).toUTCString() },
    });
  });
  const calls = [server.call({ maxRetries: 0 }), server.call({ maxRetries: 0 })];
  assert.deepEqual(await Promise.all(calls), ["fine", "fine"]);
  assert.equal(refused, 2);
});

Deno.test("a server with a changing clock is an error in its own words", async () => {
  let hours = 0;
  await using server = served(() =>
    new Response("RequestTimeTooSkewed", {
      status: 403,
      headers: { date: new Date(Date.now() + 3_600_000 * ++hours).toUTCString() },
    })
  );
  await assert.rejects(server.call(), /^LlamaError: RequestTimeTooSkewed$/);
  assert.equal(server.number, 2);
});

Deno.test("a refusal by a server whose clock agrees is not attributed to the clock", async () => {
  await using server = served(() => new Response("InvalidSignatureException", { status: 403 }));
  await assert.rejects(server.call(), /InvalidSignatureException/);
  assert.equal(server.number, 1);
});

Deno.test("expired credentials are renewed, and the call is retried", async () => {
  let found = 0;
  await using server = served(
    (request) =>
      request.headers.get("authorization")?.includes("KEY2")
        ? new Response("fine")
        : new Response("ExpiredTokenException", { status: 403 }),
    {
      credentials: () =>
        Promise.resolve({ accessKeyId: `KEY${++found}`, secretAccessKey: "s", sessionToken: "t" }),
    },
  );
  assert.equal(await server.call(), "fine");
  assert.equal(server.number, 2);
});

Deno.test("calls in flight when credentials expired continue with the new ones", async () => {
  const renewed = Promise.withResolvers<void>();
  let found = 0;
  let old = 0;
  await using server = served(
    async (request) => {
      if (request.headers.get("authorization")?.includes("KEY2")) {
        renewed.resolve();
        return new Response("fine");
      }
      // The second is refused only when the first has been repeated.
      if (++old === 2) await renewed.promise;
      return new Response("ExpiredTokenException", { status: 403 });
    },
    {
      // As a file has it that somebody has signed in to once.
      credentials: () =>
        Promise.resolve({ accessKeyId: found++ === 0 ? "KEY1" : "KEY2", secretAccessKey: "s" }),
    },
  );
  assert.deepEqual(await Promise.all([server.call(), server.call()]), ["fine", "fine"]);
  assert.deepEqual([old, found], [2, 2]);
});

Deno.test("expired credentials that renewal does not change are an error", async () => {
  await using server = served(() => new Response("ExpiredTokenException", { status: 403 }));
  await assert.rejects(server.call(), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "credentials");
    return true;
  });
  assert.equal(server.number, 1);
});

Deno.test("a missing server is retried for a while, and reported once", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gone.addr;
  gone.close();
  const notices: string[] = [];
  await using unused = served(() => new Response(), {
    onNotice: (message) => notices.push(message),
    maxAttempts: 3,
  });
  const call = () =>
    unused.client.call(
      { service: "s3", method: "GET", url: `http://127.0.0.1:${port}/` },
      { read: readText, retry: { maxRetries: 0 } },
    );
  await assert.rejects(call(), /refused.* \(tried 3 times\)$/i);
  await assert.rejects(call());
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? "", /retrying for up to 30 seconds$/);
});

Deno.test("a long Retry-After is announced once", async () => {
  const notices: string[] = [];
  const noticed = Promise.withResolvers<void>();
  const stop = new AbortController();
  await using server = served(() => new Response("busy", { status: 503 }), {
    onNotice: (message) => {
      notices.push(message);
      noticed.resolve();
    },
  });
  const call = (afterMilliseconds: number) =>
    server.client.call(
      { service: "lambda", method: "GET", url: server.url, signal: stop.signal },
      {
        read: async (response) => {
          throw new CallError("throttled", await response.text(), {
            retryable: "unsent",
            afterMilliseconds,
          });
        },
        retry: { maxRetries: 0 },
      },
    );
  const calls = [3_600_000, 7_200_000].map((milliseconds) => call(milliseconds));
  await noticed.promise;
  await until(() => server.number === 2, "both calls wait");
  stop.abort();
  for (const each of calls) await assert.rejects(each);
  assert.equal(notices.length, 1);
  assert.match(
    notices[0] ?? "",
    /^busy; the service asks for (3600|7200) seconds: retrying in 60$/,
  );
});

Deno.test("connections are reused, and do not exceed the reserved number", async () => {
  let atOnce = 0;
  let most = 0;
  await using server = served(async (request) => {
    most = Math.max(most, ++atOnce);
    await request.text();
    atOnce--;
    return new Response("fine");
  });
  await Promise.all(Array.from({ length: 1000 }, () => server.call()));
  assert(most <= 256, `${most} at once`);
  assert.deepEqual(server.client.sent, { lambda: { reads: 0, writes: 1000, bodyBytes: 0 } });
});

Deno.test("loopback is reached without the proxy that the environment names", async () => {
  await using server = served(() => new Response("fine"));
  Deno.env.set("HTTP_PROXY", "http://127.0.0.1:9");
  try {
    assert.equal(await server.call(), "fine");
  } finally {
    Deno.env.delete("HTTP_PROXY");
  }
});

Deno.test("a host that NO_PROXY lists with its port is reached without the proxy", async () => {
  let noProxy = "";
  await using server = served(() => new Response("fine"), {
    location: () => Promise.resolve({ region: "us-west-2", endpoints: {}, noProxy }),
  });
  // This machine too, by a name that is not loopback's.
  const url = server.url.replace("127.0.0.1", "0.0.0.0");
  noProxy = `other.example, ${new URL(url).host}`;
  Deno.env.set("HTTP_PROXY", "http://127.0.0.1:9");
  try {
    const text = await server.client.call({ service: "lambda", method: "POST", url, body: "{}" }, {
      read: readText,
      retry: { maxRetries: 0 },
    });
    assert.equal(text, "fine");
  } finally {
    Deno.env.delete("HTTP_PROXY");
  }
});

Deno.test("a file without certificates is named", async () => {
  await using directory = new TemporaryDirectory();
  const caBundle = await directory.write("junk.pem", "no certificate\n");
  await using server = served(() => new Response(), {
    location: () => Promise.resolve({ region: "us-west-2", endpoints: {}, caBundle }),
  });
  await assert.rejects(
    server.call(),
    /^LlamaError: cannot read certificates from \/.*junk\.pem: it contains none$/,
  );
});

Deno.test("a file of certificates that cannot be read is named", async () => {
  await using directory = new TemporaryDirectory();
  const caBundle = `${directory.path}/none.pem`;
  await using server = served(() => new Response(), {
    location: () => Promise.resolve({ region: "us-west-2", endpoints: {}, caBundle }),
  });
  await assert.rejects(server.call(), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "config");
    assert.equal(
      error.message,
      `cannot read certificates from ${caBundle}: no such file or directory`,
    );
    return true;
  });
});

Deno.test("finding credentials does not count against an attempt's timeout", async () => {
  let number = 0;
  await using server = served(() => new Response(`${++number}`), {
    credentials: async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return { accessKeyId: "AKID", secretAccessKey: "the/secret" };
    },
  });
  assert.equal(await server.call({ attemptMilliseconds: 100, maxRetries: 0 }), "1");
});
