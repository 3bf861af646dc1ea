import assert from "node:assert/strict";
import { isAlive, testWith, textOf, until, untilDead } from "../helpers.ts";
import { EventDecoder } from "../../lib/stream/event_stream.ts";
import { appears, call, fakeFunction, startLambda, type TestLambda } from "./helpers.ts";

const path = "/2021-11-15/functions/f/response-streaming-invocations";

/**
 * Reads the events of an answer: the payloads of chunks, joined, and the last event.
 *
 * @param onPiece Called when something has arrived.
 */
async function eventsOf(
  response: Response,
  onPiece = async () => {},
): Promise<{ payload: string; end: unknown }> {
  const decoder = new EventDecoder();
  let payload = "";
  let end: unknown;
  for await (const piece of response.body ?? []) {
    for (const event of decoder.decode(piece)) {
      const text = textOf(event.payload);
      if (event.headers.get(":event-type") === "InvokeComplete") end = JSON.parse(text);
      else payload += text;
    }
    await onPiece();
  }
  decoder.end();
  return { payload, end };
}

function stream(test: TestLambda, job: object, options: Parameters<typeof call>[3] = {}) {
  return call(test, "f", job, { path, ...options });
}

Deno.test("InvokeWithResponseStream passes parts on while the function runs", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const go = `${test.directory}/go`;
  const job = { stream: ["one ", { awaitFile: go }, "two"], log: "logged\n" };
  const response = await stream(test, job, { headers: { "x-amz-log-type": "Tail" } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/vnd.amazon.eventstream");
  const decoder = new EventDecoder();
  const reader = response.body?.getReader();
  const first = await reader?.read();
  const [event] = decoder.decode(first?.value ?? new Uint8Array());
  assert.equal(textOf(event?.payload ?? new Uint8Array()), "one ");
  await Deno.writeTextFile(go, "");
  const rest = [];
  for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
    rest.push(...decoder.decode(piece.value));
  }
  decoder.end();
  assert.deepEqual(rest.map(({ headers }) => headers.get(":event-type")), [
    "PayloadChunk",
    "InvokeComplete",
  ]);
  const { LogResult } = JSON.parse(textOf(rest[1]?.payload ?? new Uint8Array()));
  assert.match(atob(LogResult), /^START .*\nlogged\nEND .*\nREPORT /);
});

Deno.test("a plain response comes as one chunk, and an error at the end", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const plain = await eventsOf(await stream(test, {}));
  assert(JSON.parse(plain.payload).pid > 0);
  assert.deepEqual(plain.end, {});
  assert.deepEqual(await eventsOf(await stream(test, { error: "words" })), {
    payload: "",
    end: {
      ErrorCode: "Unhandled",
      ErrorDetails: '{"errorType":"My.Error","errorMessage":"words"}',
    },
  });
});

Deno.test("the ordinary Invoke gets a streamed response whole", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  assert.equal(await (await call(test, "f", { stream: ["{", "}"] })).text(), "{}");
});

Deno.test("a runtime that ends in the middle of a response is an error at its end", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const go = `${test.directory}/go`;
  const response = await stream(test, { stream: ["one", { awaitFile: go }, { exit: 3 }] });
  const { payload, end } = await eventsOf(response, () => Deno.writeTextFile(go, ""));
  assert.equal(payload, "one");
  assert.match(JSON.stringify(end), /Runtime\.ExitError.*exit status 3/);
});

Deno.test("refusals are answered as those of Invoke", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f", { concurrency: 1 })] });
  const running = `${test.directory}/running`;
  const go = `${test.directory}/go`;
  const first = stream(test, { touch: running, awaitFile: go });
  await appears(running);
  const throttled = await stream(test, {});
  assert.equal(throttled.status, 429);
  assert.equal(throttled.headers.get("x-amzn-errortype"), "TooManyRequestsException");
  await throttled.body?.cancel();
  await Deno.writeTextFile(go, "");
  await eventsOf(await first);
  const missing = await call(test, "g", {}, { path: path.replace("/f/", "/g/") });
  assert.equal(missing.headers.get("x-amzn-errortype"), "ResourceNotFoundException");
  await missing.body?.cancel();
});

Deno.test("when its caller is gone, the runtime of a streamed invocation is ended", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const pid = `${test.directory}/pid`;
  const gone = new AbortController();
  const response = stream(test, { touch: pid, stream: ["one", { hang: true }] }, {
    signal: gone.signal,
  });
  const body = (await response).body?.getReader();
  await body?.read();
  const runtime = Number(await Deno.readTextFile(pid));
  assert(isAlive(runtime));
  gone.abort();
  await assert.rejects(async () => {
    while (!(await body?.read())?.done);
  });
  await untilDead(runtime);
});

Deno.test("a caller that does not read holds up the function, not memory", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const count = `${test.directory}/count`;
  const response = await stream(test, { flood: count });
  const written = async () => Number(await Deno.readTextFile(count).catch(() => "0"));
  await until(async () => await written() > 0, "something is written");
  let last = -1;
  // What the buffers of both connections hold, and then no more.
  await until(async () => {
    const before = last;
    last = await written();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return before === last;
  }, "it waits");
  assert(last < 64 * 1024 * 1024, `${last} bytes`);
  await response.body?.cancel();
});

testWith(["LLAMA_TEST_MOTO"], "boto3 reads a streamed response", async () => {
  await using test = await startLambda({ functions: [fakeFunction("f")] });
  const { credentials, endpoint, region } = test.lambda;
  const python = (Deno.env.get("LLAMA_TEST_MOTO") ?? "").replace(/[^/]*$/, "python");
  const script = "import boto3, json, sys\n" +
    `client = boto3.client("lambda", endpoint_url="${endpoint}", region_name="${region}")\n` +
    "answer = client.invoke_with_response_stream(FunctionName='f', LogType='Tail',\n" +
    '    Payload=json.dumps({"stream": ["one ", "two"]}))\n' +
    "print(json.dumps([list(e)[0] for e in [*answer['EventStream']]][-1:]))\n" +
    "answer = client.invoke_with_response_stream(FunctionName='f',\n" +
    '    Payload=json.dumps({"stream": ["one ", "two"]}))\n' +
    "print(b''.join(e['PayloadChunk']['Payload'] for e in answer['EventStream']\n" +
    "    if 'PayloadChunk' in e).decode())\n";
  const child = new Deno.Command(python, {
    args: ["-c", script],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      NO_PROXY: "127.0.0.1",
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    stdout: "piped",
    stderr: "piped",
  });
  const { stdout, stderr } = await child.output();
  assert.equal(textOf(stdout), '["InvokeComplete"]\none two\n', textOf(stderr));
});
