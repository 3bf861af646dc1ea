import assert from "node:assert/strict";
import { Lambda } from "../../../lib/aws/api/lambda_invoke.ts";
import { readStreamedAnswer, StreamingUnavailable } from "../../../lib/aws/api/lambda_stream.ts";
import { LiveOutput, type OutputSinks } from "../../../lib/aws/api/live_output.ts";
import { AwsClient } from "../../../lib/aws/client.ts";
import { FunctionError, LlamaError } from "../../../lib/errors.ts";
import { joinBytes } from "../../../lib/files/bytes.ts";
import { encodeEvent, eventStreamType } from "../../../lib/stream/event_stream.ts";
import { encodeFrame, type FrameKind } from "../../../lib/stream/frames.ts";
import { bytesOf, textOf } from "../../helpers.ts";

function chunk(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeEvent({ ":message-type": "event", ":event-type": "PayloadChunk" }, payload);
}

function complete(fields: object = {}): Uint8Array<ArrayBuffer> {
  const headers = { ":message-type": "event", ":event-type": "InvokeComplete" };
  return encodeEvent(headers, bytesOf(JSON.stringify(fields)));
}

function frames(...all: readonly (readonly [FrameKind, string])[]): Uint8Array<ArrayBuffer> {
  return joinBytes(all.map(([kind, text]) => encodeFrame(kind, bytesOf(text))));
}

function answer(...pieces: readonly Uint8Array<ArrayBuffer>[]): Response {
  return new Response(joinBytes(pieces), { headers: { "content-type": eventStreamType } });
}

/** An answer whose connection breaks after some bytes. */
function lost(...pieces: readonly Uint8Array<ArrayBuffer>[]): Response {
  const left = [...pieces];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece) controller.enqueue(piece);
      else controller.error(new Error("the connection is lost"));
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": eventStreamType } });
}

/** A server that answers as the test says, a client for it, and what it passes on. */
function lambda(
  answer: (path: string) => Response,
  { maxRetries }: { maxRetries?: number } = {},
) {
  const paths: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response() },
    async (request) => {
      await request.body?.cancel();
      const { pathname } = new URL(request.url);
      paths.push(pathname);
      return answer(pathname);
    },
  );
  const client = new AwsClient({
    credentials: () => Promise.resolve({ accessKeyId: "AKID", secretAccessKey: "secret" }),
    location: () =>
      Promise.resolve({
        region: "us-west-2",
        endpoints: { lambda: `http://127.0.0.1:${server.addr.port}` },
      }),
  });
  const shown = { stdout: "", stderr: "" };
  const sinks = {
    stdout: (bytes: Uint8Array) => void (shown.stdout += textOf(bytes)),
    stderr: (bytes: Uint8Array) => void (shown.stderr += textOf(bytes)),
  };
  const connection = new Lambda(client, maxRetries);
  return {
    shown,
    paths,
    invoke: (more: Partial<OutputSinks> = {}) =>
      connection.invoke("f", bytesOf("{}"), { sinks: { ...sinks, ...more }, logs: true }),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

const response = '{"status":0}';
const whole = [
  chunk(frames(["o", "one\n"], ["e", "warning\n"])),
  chunk(frames(["k", ""], ["o", "two\n"], ["r", response])),
  complete({ LogResult: btoa("START\nEND\n") }),
];

Deno.test("output is passed on by stream, and the rest is the answer", async () => {
  await using server = lambda(() => answer(...whole));
  const { payload, logTail } = await server.invoke();
  assert.deepEqual(server.shown, { stdout: "one\ntwo\n", stderr: "warning\n" });
  assert.deepEqual([payload, logTail], [response, "START\nEND\n"]);
  assert.deepEqual(server.paths, ["/2021-11-15/functions/f/response-streaming-invocations"]);
});

Deno.test("the plain answer of an older runtime is read as such", async () => {
  await using server = lambda(() => answer(chunk(bytesOf(response)), complete()));
  assert.equal((await server.invoke()).payload, response);
});

Deno.test("function errors are recognized in every form", async () => {
  const details = '{"errorType":"Llama.BadRequest","errorMessage":"words"}';
  const forms: Record<string, Uint8Array<ArrayBuffer>[]> = {
    "Llama.BadRequest: words": [chunk(frames(["o", "a"], ["x", details])), complete()],
    "Llama.BadRequest: words ": [complete({ ErrorCode: "Unhandled", ErrorDetails: details })],
    "Llama.BadRequest: words  ": [chunk(bytesOf(details)), complete({ ErrorCode: "Unhandled" })],
    "Sandbox.Timedout: too late": [
      chunk(frames(["o", "a"])),
      complete({ ErrorCode: "Sandbox.Timedout", ErrorDetails: "too late" }),
    ],
  };
  for (const [words, pieces] of Object.entries(forms)) {
    await using server = lambda(() => answer(...pieces));
    await assert.rejects(server.invoke(), (error) => {
      assert(error instanceof FunctionError);
      assert.equal(`${error.errorType}: ${error.errorMessage}`, words.trim());
      return true;
    });
  }
});

async function failure(promise: Promise<unknown>): Promise<LlamaError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof LlamaError, String(error));
    return error;
  }
  assert.fail("it did not fail");
}

Deno.test("a response that ends without a result is an error", async () => {
  const bodies: [Uint8Array<ArrayBuffer>[], RegExp][] = [
    [[chunk(frames(["o", "one"])), complete()], /ended after 3 B of output, without the command's/],
    [[chunk(frames(["r", response]).subarray(0, 9)), complete()], /ended after 0 B of output/],
    [[chunk(frames(["r", response], ["o", "more"])), complete()], /malformed: bytes after its end/],
    [[chunk(bytesOf("oops, no frame")), complete()], /malformed/],
  ];
  for (const [body, message] of bodies) {
    await using server = lambda(() => answer(...body));
    const { code, message: words } = await failure(server.invoke());
    assert.equal(code, "protocol");
    assert.match(words, message);
    assert.equal(server.paths.length, 1);
  }
});

Deno.test("a lost connection is retried as long as nothing was passed on", async () => {
  let calls = 0;
  const partial = chunk(frames(["o", "one\n"]));
  const flipped = partial.slice();
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  const exception = encodeEvent(
    { ":message-type": "exception", ":exception-type": "Odd" },
    bytesOf("?"),
  );
  const first = [
    () => lost(),
    () => lost(partial.subarray(0, 12)),
    () => answer(flipped, complete()),
    () => answer(partial.subarray(0, 12)),
    () => answer(exception),
    () => answer(),
  ];
  await using server = lambda(() => first[calls++]?.() ?? answer(...whole));
  assert.equal((await server.invoke()).payload, response);
  assert.deepEqual(server.shown, { stdout: "one\ntwo\n", stderr: "warning\n" });
  assert.equal(server.paths.length, first.length + 1);
});

Deno.test("wherever an answer ends or is damaged, what was passed on is a beginning, and it fails", async () => {
  const bytes = joinBytes(whole);
  const read = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    const shown = { stdout: "", stderr: "" };
    const live = new LiveOutput({
      stdout: (bytes) => void (shown.stdout += textOf(bytes)),
      stderr: (bytes) => void (shown.stderr += textOf(bytes)),
    }, false);
    try {
      await readStreamedAnswer("f", answer(bytes), { live, maxBytes: 1000, alive: () => {} });
    } finally {
      assert("one\ntwo\n".startsWith(shown.stdout) && "warning\n".startsWith(shown.stderr));
    }
  };
  await read(bytes);
  for (let at = 0; at < bytes.length; at++) {
    assert.equal((await failure(read(bytes.slice(0, at)))).code, "network", `cut at ${at}`);
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1 << at % 8;
    assert.equal((await failure(read(flipped))).code, "network", `flipped at ${at}`);
  }
});

const halves = [
  ["a broken connection", (...sent: Uint8Array<ArrayBuffer>[]) => lost(...sent)],
  ["an early end", (...sent: Uint8Array<ArrayBuffer>[]) => answer(...sent)],
  ["a flipped bit", (...sent: Uint8Array<ArrayBuffer>[]) => {
    const damaged = complete();
    damaged[9] = (damaged[9] ?? 0) ^ 1;
    return answer(...sent, damaged);
  }],
] as const;

for (const [what, half] of halves) {
  Deno.test(`after ${what} in the middle of output, the command does not run again`, async () => {
    await using server = lambda(() => half(chunk(frames(["o", "one\n"], ["e", "w"]))));
    const { code, message, hint } = await failure(server.invoke());
    assert.equal(code, "network");
    assert.match(message, /^lost the connection to f after 5 B of output: /);
    assert.match(hint ?? "", /-invoke-retries/);
    assert.deepEqual([server.paths.length, server.shown.stdout], [1, "one\n"]);
  });

  Deno.test(`after ${what}, -invoke-retries continues the output without repeating it`, async () => {
    let calls = 0;
    const parts = [["o", "one\n"], ["e", "war"], ["o", "t"]] as const;
    const first = () => half(chunk(frames(...parts)));
    await using server = lambda(() => calls++ < 2 ? first() : answer(...whole), { maxRetries: 3 });
    assert.equal((await server.invoke()).payload, response);
    assert.deepEqual(server.shown, { stdout: "one\ntwo\n", stderr: "warning\n" });
    assert.equal(server.paths.length, 3);
  });
}

Deno.test("a repeated command that writes something else is an error", async () => {
  for (const before of ["two\n", "one\ntwo\nthree\n"]) {
    let calls = 0;
    const first = () => lost(chunk(frames(["o", before])));
    await using server = lambda(() => calls++ === 0 ? first() : answer(...whole), {
      maxRetries: 3,
    });
    const { code, message } = await failure(server.invoke());
    assert.equal(code, "protocol");
    assert.match(message, /when it ran again, the command wrote something else/);
    assert.equal(server.shown.stdout, before);
  }
});

Deno.test("only a refusal of the path means that there is no streaming", async () => {
  const refusals: [number, string | undefined, boolean][] = [
    [404, undefined, true],
    [404, "UnknownOperationException", true],
    [404, "ResourceNotFoundException", false],
    [403, "AccessDeniedException", true],
    [403, "InvalidSignatureException", false],
    [403, "ExpiredTokenException", false],
    [400, "UnsupportedOperationException", true],
    [400, "InvalidParameterValueException", false],
    [501, undefined, true],
    [400, undefined, true],
    [413, undefined, false],
  ];
  for (const [status, type, isUnavailable] of refusals) {
    await using server = lambda(() =>
      new Response("", { status, headers: type === undefined ? {} : { "x-amzn-errortype": type } })
    );
    const error = await failure(server.invoke());
    assert.equal(error instanceof StreamingUnavailable, isUnavailable, `${status} ${type}`);
  }
});

Deno.test("a plain answer to the streaming call is taken: the function has run", async () => {
  await using server = lambda(() => new Response(response));
  assert.equal((await server.invoke()).payload, response);
  assert.equal(server.paths.length, 1);
});

Deno.test("a connection that says nothing is given up once the runtime has begun", async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(chunk(frames(["k", ""]))),
  });
  const live = new LiveOutput({ stdout: () => {}, stderr: () => {} }, false);
  const options = { live, maxBytes: 100, alive: () => {}, silenceMilliseconds: 1 };
  const { code, message } = await failure(readStreamedAnswer("f", new Response(body), options));
  assert.deepEqual(
    [code, message],
    ["network", "the streamed response of f is damaged: nothing arrived for 0.001 seconds"],
  );
});

Deno.test("an error of a receiver ends the call as it is", async () => {
  const thrown = new Error("the reader has gone");
  await using server = lambda(() => answer(...whole));
  const stdout = () => Promise.reject(thrown);
  await assert.rejects(server.invoke({ stdout }), (error) => error === thrown);
  assert.equal(server.paths.length, 1);
});
