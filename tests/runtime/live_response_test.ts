import assert from "node:assert/strict";
import {
  LiveResponse,
  type LiveResponseOptions,
  maxLiveBytes,
} from "../../lib/runtime/live_response.ts";
import { Capture } from "../../lib/runtime/capture.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../lib/stream/frames.ts";
import { bytesOf, noise, TemporaryDirectory, textOf } from "../helpers.ts";
import { FakeLambda } from "./fake_lambda.ts";

/** Reads a body, and joins output of the same kind. */
async function framesOf(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Record<string, string>> {
  const decoder = new FrameDecoder(10_000_000);
  const found: Record<string, string> = {};
  const add = (frame: Frame) => {
    const text = "bytes" in frame ? textOf(frame.bytes) : frame.text;
    found[frame.kind] = (found[frame.kind] ?? "") + text;
  };
  for await (const piece of body) for (const frame of decoder.decode(piece)) add(frame);
  return found;
}

/** A response whose body is read by the test. */
function liveResponse(options: Partial<LiveResponseOptions> = {}) {
  const body = Promise.withResolvers<ReadableStream<Uint8Array>>();
  const accepted = Promise.withResolvers<void>();
  const response = new LiveResponse({
    hasStore: true,
    post: (opened) => {
      body.resolve(opened);
      return accepted.promise;
    },
    ...options,
  });
  return { response, body: body.promise, accepted };
}

Deno.test("a streamed response is opened by its first output, and ends with the result", async () => {
  const { response, body, accepted } = liveResponse();
  assert(await response.take("o", bytesOf("one")));
  const read = body.then(framesOf);
  assert(await response.take("e", bytesOf("two")));
  assert(await response.take("o", bytesOf("three")));
  let hasEnded = false;
  const ended = response.end("r", "{}").then(() => hasEnded = true);
  assert.deepEqual(await read, { o: "onethree", e: "two", r: "{}" });
  assert(!hasEnded);
  accepted.resolve();
  await ended;
});

Deno.test("bytes are copied: the caller reuses its buffer", async () => {
  const { response, body, accepted } = liveResponse();
  const buffer = bytesOf("a");
  for (const char of "bcd") {
    await response.take("o", buffer);
    buffer.set(bytesOf(char));
  }
  accepted.resolve();
  const ended = response.end("r", "{}");
  assert.equal((await framesOf(await body))["o"], "abc");
  await ended;
});

Deno.test("while there is no output, empty frames keep the connection alive", async () => {
  const { response, body, accepted } = liveResponse({ keepAliveMilliseconds: 1 });
  const reader = (await body).getReader();
  for (let count = 0; count < 2; count++) {
    assert.deepEqual((await reader.read()).value, encodeFrame("k", new Uint8Array()));
  }
  accepted.resolve();
  const ended = response.end("r", "{}");
  while (!(await reader.read()).done);
  await ended;
});

Deno.test("with a store, what exceeds 4 MiB of both streams is not taken, nor what follows", async () => {
  const { response, body, accepted } = liveResponse();
  accepted.resolve();
  const read = body.then(framesOf);
  const half = new Uint8Array(maxLiveBytes / 2).fill(97);
  assert.equal(await response.take("o", half), true);
  assert.equal(await response.take("e", half), true);
  assert.equal(await response.take("o", bytesOf("x")), false);
  await response.end("r", "{}");
  const { o, e } = await read;
  assert.deepEqual([o?.length, e?.length], [half.length, half.length]);
});

Deno.test("without a store, output is taken up to what Lambda streams", async () => {
  const { response, body, accepted } = liveResponse({ hasStore: false });
  accepted.resolve();
  const read = body.then(async (body) => {
    let size = 0;
    for await (const piece of body) size += piece.length;
    return size;
  });
  const piece = new Uint8Array(10 * 1024 * 1024);
  for (let count = 0; count < 19; count++) assert(await response.take("o", piece));
  await assert.rejects(
    response.take("o", piece),
    /wrote more than 199229440 bytes.*set LLAMA_OBJECT/,
  );
  await response.end("x", "{}");
  assert(await read > 190 * 1024 * 1024);
});

Deno.test("a command that is faster than the connection waits", async () => {
  const { response, body, accepted } = liveResponse();
  accepted.resolve();
  let taken = 0;
  const piece = new Uint8Array(64 * 1024).fill(97);
  const writing = (async () => {
    for (let count = 0; count < 32; count++) {
      await response.take("o", piece);
      taken++;
    }
  })();
  const opened = await body;
  // The writer gets many turns, and stops nevertheless.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setTimeout(resolve));
  assert(taken < 8, `${taken} pieces were taken`);
  const read = framesOf(opened);
  await writing;
  await response.end("r", "{}");
  assert.equal((await read)["o"]?.length, 32 * piece.length);
});

Deno.test("once the connection fails, nothing is taken any more, and the end says why", async () => {
  const { response, body, accepted } = liveResponse();
  await response.take("o", bytesOf("one"));
  const reader = (await body).getReader();
  // One writer waits for room when the connection breaks.
  const waiting = response.take("o", new Uint8Array(1024 * 1024));
  accepted.reject(new Error("refused"));
  await waiting;
  assert.equal(await response.take("e", bytesOf("two")), false);
  await assert.rejects(response.end("r", "{}"), /refused/);
  await reader.cancel();
});

Deno.test("what is not taken is kept from there on, up to a limit", async () => {
  const capture = (maxBytes: number) => {
    const taken: string[] = [];
    const texts = ["one", "two", "three"];
    const stream = new ReadableStream({
      type: "bytes",
      pull(controller) {
        const text = texts.shift();
        if (text === undefined) {
          controller.close();
          controller.byobRequest?.respond(0);
        } else controller.enqueue(bytesOf(text));
      },
    });
    const live = (bytes: Uint8Array) => {
      if (taken.length > 0) return Promise.resolve(false);
      taken.push(textOf(bytes));
      return Promise.resolve(true);
    };
    const spillPath = () => assert.fail("it fits into memory");
    return { taken, capture: new Capture(stream, { live, maxBytes, spillPath }) };
  };
  const fits = capture(8);
  await fits.capture.ended;
  const kept = fits.capture.source();
  assert(kept instanceof Uint8Array);
  assert.deepEqual([fits.taken, textOf(kept)], [["one"], "twothree"]);
  await assert.rejects(capture(7).capture.ended, /wrote more than 7 bytes.*-no-stream/);
});

Deno.test("a request for a stream is answered by frames", async () => {
  await using lambda = new FakeLambda();
  const args = ["sh", "-c", "echo out; echo err >&2; exit 3"];
  const { kind, bytes, isStreamed } = await lambda.send(
    JSON.stringify({ args, stream: true, timeout: 900 }),
  );
  assert.deepEqual([kind, isStreamed], ["response", true]);
  const { r = "", ...output } = await framesOf([bytes]);
  assert.deepEqual(output, { o: "out\n", e: "err\n" });
  const { status, stdout, stderr } = JSON.parse(r);
  assert.deepEqual([status, stdout, stderr], [3, {}, {}]);
  // The next one does not ask for it.
  const plain = await lambda.run({ args: ["echo", "plain"] });
  assert.deepEqual(plain.stdout, { s: "plain\n" });
});

Deno.test("a failure of a streamed request is its last frame", async () => {
  await using lambda = new FakeLambda();
  const missing = { args: ["true"], files: { f: { r: "0".repeat(64) } }, stream: true };
  const { kind, bytes } = await lambda.send(JSON.stringify(missing));
  assert.equal(kind, "response");
  const { x = "" } = await framesOf([bytes]);
  assert.equal(JSON.parse(x).errorType, "Llama.StoreError");
  // Before it is known what was asked for.
  assert.equal((await lambda.refuse('{"stream":1}'))["errorType"], "Llama.BadRequest");
});

Deno.test("more than 4 MiB go through the store if there is one, each byte once", async () => {
  await using directory = new TemporaryDirectory();
  const size = 6_000_000;
  const text = noise(size).toHex();
  const path = await directory.write("text", text);
  for (const LLAMA_OBJECT_STORE of [`file://${directory.join("store")}`, ""]) {
    await using lambda = new FakeLambda({ env: { LLAMA_OBJECT_STORE } });
    const sent = await lambda.send(JSON.stringify({ args: ["cat", path], stream: true }));
    const { o = "", r = "" } = await framesOf([sent.bytes]);
    const { stdout } = JSON.parse(r);
    const rest = stdout.r === undefined
      ? ""
      : await Deno.readTextFile(directory.join("store", stdout.r));
    assert(o + rest === text);
    assert.equal(rest !== "", LLAMA_OBJECT_STORE !== "");
    if (rest !== "") assert(o.length <= maxLiveBytes);
  }
});
