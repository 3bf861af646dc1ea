/** Client and runtime of different ages: whatever is replaced when, nothing is shortened. */

import assert from "node:assert/strict";
import { KnownFunctions } from "../../lib/aws/known_functions.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { LlamaError } from "../../lib/errors.ts";
import type { Features } from "../../lib/features.ts";
import { OutputFiles } from "../../lib/jobs/big_output.ts";
import { expandInputs } from "../../lib/jobs/input_directory.ts";
import { encodeInputs, findInputs } from "../../lib/jobs/inputs.ts";
import { nameOfFunction, novelFor } from "../../lib/jobs/negotiation.ts";
import { runJob } from "../../lib/jobs/run.ts";
import type { JobRunner, RunJobOptions } from "../../lib/jobs/run_options.ts";
import { SharedFiles } from "../../lib/jobs/shared_files.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { joinBytes } from "../../lib/files/bytes.ts";
import { encodeEvent, eventStreamType } from "../../lib/stream/event_stream.ts";
import { encodeFrame } from "../../lib/stream/frames.ts";
import { bytesOf, TemporaryDirectory, textOf } from "../helpers.ts";
import { InvokeStub, type StubRequest } from "../invoke_stub.ts";
import {
  copyArguments,
  first,
  later,
  none,
  original,
  ours,
  repeated,
  type Runtime,
} from "./runtimes.ts";

const input = "i".repeat(3000);
const stdin = "s".repeat(2000);

/** One function, whose runtime is replaced at will, and one client with its note. */
class World implements AsyncDisposable {
  readonly store = new MemoryStore();
  readonly directory = new TemporaryDirectory();
  readonly replaced: string[] = [];
  runtime: Runtime;
  readonly #stub: InvokeStub;
  readonly #client: AwsClient;

  constructor(runtime: (store: MemoryStore) => Runtime) {
    this.runtime = runtime(this.store);
    this.#stub = new InvokeStub((request) => this.runtime(JSON.stringify(request)));
    const { AWS_ENDPOINT_URL_LAMBDA: lambda = "" } = this.#stub.environment;
    this.#client = new AwsClient({
      credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
      location: () => Promise.resolve({ region: "us-west-2", endpoints: { lambda } }),
    });
  }

  /** All requests that came. */
  get requests(): readonly StubRequest[] {
    return this.#stub.requests;
  }

  /** The files of each request, as their kinds of content. */
  get kinds(): string[] {
    return this.#stub.requests.map(({ files: { in: file = {} } }) => Object.keys(file).join(""));
  }

  /** A process of its own, which has the note that those before it left. */
  runner(features: Features = later, maxRetries = 8): JobRunner & { functions: KnownFunctions } {
    return {
      lambda: new Lambda(this.#client, maxRetries),
      store: this.store,
      outputFiles: new OutputFiles(this.directory.path),
      features,
      functions: new KnownFunctions({
        directory: this.directory.join("notes"),
        place: () => Promise.resolve("a test"),
      }),
      onReplacedRuntime: (name) => void this.replaced.push(name),
    };
  }

  /** Runs the job, as a process of its own, and checks what came of it. */
  async run(runner = this.runner(), options: RunJobOptions = {}): Promise<void> {
    const local = await this.directory.write("in", input);
    const out = this.directory.join("out");
    const shared = options.sharedFiles !== undefined;
    const result = await runJob(runner, {
      functionName: "f",
      args: copyArguments,
      stdin: new TextEncoder().encode(stdin),
      inputs: shared ? [] : [{ remote: "in", source: local }],
      outputs: [{ remote: "out", local: out }],
    }, options);
    runner.functions.save();
    assert.deepEqual(result.outputErrors, []);
    assert.equal(textOf(result.stdout), stdin);
    assert.equal(await Deno.readTextFile(out), input);
    await Deno.remove(out);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    await this.#stub[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

const updated = (store: MemoryStore) => ours(store, later);
const strict = (store: MemoryStore) => ours(store, none);

Deno.test("only a function's very first job is plain, and the next process knows it", async () => {
  await using world = new World(updated);
  for (let i = 0; i < 3; i++) await world.run();
  assert.deepEqual(world.kinds, ["sm", "xnem", "xnem"]);
  const [plain, novel] = world.requests;
  assert.deepEqual(plain?.accept, ["repeated"]);
  const e = "the request is newer than this function's runtime: `llama update-function f`";
  assert.deepEqual(novel?.stdin, { x: "s", n: 2000, e });
  assert.deepEqual(world.replaced, []);
});

Deno.test("without features nothing new is sent, and a note is of no consequence", async () => {
  await using world = new World(updated);
  await world.run();
  await world.run(world.runner(none));
  assert.deepEqual(world.kinds, ["sm", "sm"]);
  assert.deepEqual(Object.keys(world.requests[1] ?? {}).sort(), [
    "args",
    "client",
    "files",
    "outputs",
    "stdin",
  ]);
});

Deno.test("a response uses only features that the request accepts", async () => {
  await using world = new World(updated);
  const answers: string[] = [];
  const runtime = world.runtime;
  world.runtime = async (text) => {
    const answer = await (await runtime(text)).text();
    answers.push(answer);
    return new Response(answer);
  };
  await world.run(world.runner(none));
  await world.run();
  const keys = answers.map((text) => Object.keys(JSON.parse(text).outputs.out));
  assert.deepEqual(keys, [["s", "m"], ["x", "n", "e", "m"]]);
  assert.match(answers[1] ?? "", /"e":"the response is newer than this llama: update llama"/);
});

for (const [name, runtime] of Object.entries({ strict, first, original })) {
  Deno.test(`after a rollback (${name}) the job is sent again plain, once, and the note forgotten`, async () => {
    await using world = new World(updated);
    await world.run();
    await world.run();
    world.runtime = runtime(world.store);
    await world.run();
    await world.run();
    assert.deepEqual(world.kinds, ["sm", "xnem", "xnem", "sm", "sm"]);
    assert.deepEqual(world.replaced, ["f"]);
    // And forward again.
    world.runtime = updated(world.store);
    await world.run();
    await world.run();
    assert.deepEqual(world.kinds.slice(5), ["sm", "xnem"]);
  });
}

Deno.test("an answer to a standard input that the runtime did not know is dropped", async () => {
  await using world = new World(updated);
  await world.run();
  // The original reads such a standard input as an empty one, and says nothing.
  world.runtime = original(world.store);
  const runner = world.runner();
  const { stdout } = await runJob(runner, {
    functionName: "f",
    args: copyArguments,
    stdin: new TextEncoder().encode(stdin),
    inputs: [],
    outputs: [],
  });
  assert.equal(textOf(stdout), stdin);
  const sent = world.requests.map(({ stdin }) => Object.keys(stdin ?? {}).join(""));
  assert.deepEqual(sent, ["s", "xne", "s"]);
});

Deno.test("an answer that would have to be dropped is an error where no job may run twice", async () => {
  await using world = new World(updated);
  await world.run();
  world.runtime = original(world.store);
  const runner = world.runner(later, 0);
  const job = {
    functionName: "f",
    args: copyArguments,
    stdin: new TextEncoder().encode(stdin),
    inputs: [],
    outputs: [],
  };
  await assert.rejects(runJob(runner, job), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "protocol");
    assert.match(
      error.message,
      /^the runtime of f was replaced by an older one, which ran the job/,
    );
    return true;
  });
  assert.equal(world.requests.length, 2);
  assert.equal(textOf((await runJob(runner, job)).stdout), stdin);
  // A runtime that refuses has not run the job, so that it may be sent again.
  await world.run();
  world.runtime = updated(world.store);
  await world.run(world.runner(later, 0));
  await world.run(world.runner(later, 0));
  world.runtime = strict(world.store);
  await world.run(world.runner(later, 0));
});

Deno.test("an answer that would have to be dropped is an error once its output was shown", async () => {
  await using world = new World(updated);
  await world.run();
  // It streams, and does not know what the request holds.
  world.runtime = () => {
    const frames = [encodeFrame("o", bytesOf("one")), encodeFrame("r", bytesOf('{"status":0}'))];
    const event = (type: string, payload: Uint8Array) =>
      encodeEvent({ ":message-type": "event", ":event-type": type }, payload);
    const body = [...frames.map((frame) => event("PayloadChunk", frame))];
    return Promise.resolve(
      new Response(joinBytes([...body, event("InvokeComplete", bytesOf("{}"))]), {
        headers: { "content-type": eventStreamType },
      }),
    );
  };
  let shown = "";
  const live = () => ({ stdout: (bytes: Uint8Array) => void (shown += textOf(bytes)) });
  await assert.rejects(
    world.run(world.runner(), { live }),
    /^LlamaError: the runtime of f was replaced by an older one, which ran the job/,
  );
  assert.deepEqual([shown, world.requests.length], ["one", 2]);
});

Deno.test("shared files are encoded as the function accepts them", async () => {
  await using world = new World(updated);
  await world.run();
  const runner = world.runner();
  const local = await world.directory.write("in", input);
  const inputs = await expandInputs([{ local, remote: "in" }]);
  let encodings = 0;
  const sharedFiles = new SharedFiles(inputs, async (novel) => {
    encodings++;
    const found = await findInputs(inputs);
    return (await encodeInputs(found, undefined, 0, { store: world.store, novel })).files;
  });
  await sharedFiles.get(await novelFor(runner, "f"));
  await world.run(runner, { sharedFiles });
  assert.equal(encodings, 1);
  world.runtime = first(world.store);
  await world.run(runner, { sharedFiles });
  await world.run(runner, { sharedFiles });
  assert.deepEqual(world.kinds, ["sm", "xnem", "xnem", "sm", "sm"]);
  assert.equal(encodings, 2);
});

Deno.test("if an object is missing, the job is sent again, at last without features", async () => {
  await using world = new World(updated);
  await world.run();
  const runtime = world.runtime;
  let misses = 1;
  world.runtime = async (text) => {
    if (misses-- <= 0) return await runtime(text);
    return Response.json(
      { errorType: "Llama.MissingObject", errorMessage: "gone", objects: ["0".repeat(64)] },
      { headers: { "x-amz-function-error": "Unhandled" } },
    );
  };
  await world.run();
  assert.deepEqual(world.kinds, ["sm", "xnem", "xnem"]);
  misses = 2;
  await world.run();
  assert.deepEqual(world.kinds.slice(3), ["xnem", "xnem", "sm"]);
  // The function is none the worse for it.
  await world.run();
  assert.deepEqual(world.kinds.slice(6), ["xnem"]);
  assert.deepEqual(world.replaced, []);
});

Deno.test("a request that is refused for its contents is an error of its own", async () => {
  await using world = new World(updated);
  await world.run();
  const runner = world.runner();
  const source = new TextEncoder().encode(input);
  const job = {
    functionName: "f",
    args: ["true", "\0"],
    inputs: [{ remote: "in", source }],
    outputs: [],
  };
  await assert.rejects(runJob(runner, job), /Llama\.BadRequest: argument 1 contains a NUL byte/);
  // Once with the feature, and once without.
  assert.deepEqual(world.kinds, ["sm", "xne", "s"]);
});

Deno.test("whichever runtimes follow one another, every job has all of its bytes", async () => {
  let state = 20261127;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  const pick = <T>(all: readonly [T, ...T[]]): T => all[random(all.length)] ?? all[0];
  await using world = new World(updated);
  for (let job = 0; job < 60; job++) {
    world.runtime = pick([updated, strict, first, original])(world.store);
    const before = world.requests.length;
    await world.run(world.runner(pick([later, later, none])));
    assert(world.requests.length - before <= 2, `job ${job} was sent more than twice`);
  }
  assert(world.kinds.includes("xnem") && world.kinds.includes("sm"));
});

Deno.test("a function's responses cannot fill the note", async () => {
  await using world = new World(updated);
  const accepts = ["repeated", ...Array.from({ length: 100_000 }, (_, i) => `feature${i}`)];
  world.runtime = () =>
    Promise.resolve(Response.json({ status: 0, accepts, runtime: "9".repeat(100_000) }));
  const runner = world.runner();
  const job = { functionName: "f", args: [], inputs: [], outputs: [] };
  await runJob(runner, job);
  runner.functions.save();
  const [name = ""] = await world.directory.list("notes/functions");
  assert((await Deno.stat(world.directory.join(name))).size < 400);
  assert.deepEqual((await world.runner().functions.load("f"))?.accepts, ["repeated"]);
});

Deno.test("a damaged blob of a new kind is refused as a whole", async () => {
  for (const blob of [{ x: "ab", n: 3, e: "" }, { x: "a", e: "" }, { x: 1, n: 1 }]) {
    const answer = await ours(undefined, later)(JSON.stringify({
      args: copyArguments,
      files: { in: blob },
    }));
    const { errorType, errorMessage } = await answer.json();
    assert.equal(errorType, "Llama.BadRequest");
    assert.equal(errorMessage, "files.in: the repeated character is damaged");
  }
  const two = JSON.stringify({ files: { in: { x: "a", n: 1, s: "a", e: "" } } });
  assert.match((await (await ours(undefined, later)(two)).json()).errorMessage, /more than one/);
});

Deno.test("the function to update is named without its account, alias or version", () => {
  for (
    const name of [
      ...["f", "f:1", "f:live", "123456789012:function:f", "123456789012:function:f:1"],
      "arn:aws:lambda:us-west-2:123456789012:function:f",
      "arn:aws:lambda:us-west-2:123456789012:function:f:live",
    ]
  ) {
    assert.equal(nameOfFunction(name), "f", name);
  }
});

Deno.test("the kind for tests is one", async () => {
  for (const length of [1, 2, 5000]) {
    const blob = await repeated.encode(new Uint8Array(length).fill(97));
    assert.deepEqual([...await repeated.decode(blob ?? {})], Array(length).fill(97));
  }
  assert.equal(await repeated.encode(new Uint8Array()), undefined);
});
