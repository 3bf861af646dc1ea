/** Compressed contents between clients and runtimes that know them and that do not. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, zstdCompressSync } from "node:zlib";
import { AwsClient } from "../../lib/aws/client.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { FunctionError } from "../../lib/errors.ts";
import { KnownFunctions } from "../../lib/aws/known_functions.ts";
import { type Features, ownFeatures, withoutCompression } from "../../lib/features.ts";
import { OutputFiles } from "../../lib/jobs/big_output.ts";
import type { JobResult } from "../../lib/jobs/job.ts";
import { runJob } from "../../lib/jobs/run.ts";
import type { JobRunner } from "../../lib/jobs/run_options.ts";
import type { Transfer } from "../../lib/jobs/transfer.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { accessLog, bytesOf, noise, TemporaryDirectory, textOf } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { copyArguments, first, original, ours, type Runtime } from "./runtimes.ts";

const plain = withoutCompression(ownFeatures);

interface SentBlob {
  z?: string;
  n?: number;
  c?: string;
  r?: string;
  e?: string;
}

/** A client and a function, whose runtime can be replaced. */
class Pair implements AsyncDisposable {
  readonly directory = new TemporaryDirectory();
  readonly store: MemoryStore | undefined;
  readonly replaced: string[] = [];
  /** The texts of all responses. */
  readonly answers: string[] = [];
  runtime: Runtime;
  readonly #stub: InvokeStub;
  readonly #client: AwsClient;
  readonly #functions = new KnownFunctions({
    directory: undefined,
    place: () => Promise.resolve("a test"),
  });
  readonly #outputFiles = new OutputFiles("/tmp");

  constructor(runtime: Features, { hasStore = true }: { hasStore?: boolean } = {}) {
    this.store = hasStore ? new MemoryStore() : undefined;
    this.runtime = ours(this.store, runtime);
    this.#stub = new InvokeStub(async (request) => {
      const answer = await this.runtime(JSON.stringify(request));
      const text = await answer.text();
      this.answers.push(text);
      return new Response(text, answer);
    });
    const { AWS_ENDPOINT_URL_LAMBDA: lambda = "" } = this.#stub.environment;
    this.#client = new AwsClient({
      credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
      location: () => Promise.resolve({ region: "us-west-2", endpoints: { lambda } }),
    });
  }

  /** The files `in` of all requests. */
  get sent(): SentBlob[] {
    return this.#stub.requests.map(({ files: { in: file = {} } }) => file);
  }

  /** What all requests accept. */
  get accepted(): (string[] | undefined)[] {
    return this.#stub.requests.map(({ accept }) => accept);
  }

  /** The files `out` of all responses. */
  get received(): SentBlob[] {
    return this.answers.map((text) => JSON.parse(text).outputs.out);
  }

  runner(features: Features): JobRunner {
    return {
      lambda: new Lambda(this.#client),
      store: this.store,
      outputFiles: this.#outputFiles,
      features,
      functions: this.#functions,
      onReplacedRuntime: (name) => void this.replaced.push(name),
    };
  }

  /** Has the function copy bytes, as a file and as standard input, and checks the copies. */
  async copy(features: Features, bytes: Uint8Array): Promise<Transfer> {
    const transfer: Transfer = { sentBytes: 0, receivedBytes: 0 };
    using result = await this.send(features, bytes, transfer);
    assert.deepEqual(result.outputErrors, []);
    assert.equal(result.status, 0);
    const stdout = result.stdoutFile === undefined
      ? result.stdout
      : await Deno.readFile(result.stdoutFile);
    assert(Buffer.from(stdout).equals(bytes), "standard output differs");
    const out = this.directory.join("out");
    assert(Buffer.from(await Deno.readFile(out)).equals(bytes), "the output differs");
    await Deno.remove(out);
    return transfer;
  }

  async send(features: Features, bytes: Uint8Array, transfer?: Transfer): Promise<JobResult> {
    return await runJob(this.runner(features), {
      functionName: "f",
      args: copyArguments,
      stdin: bytes,
      inputs: [{ remote: "in", source: await this.directory.write("in", bytes) }],
      outputs: [{ remote: "out", local: this.directory.join("out") }],
    }, { transfer });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    this.#outputFiles[Symbol.dispose]();
    await this.#stub[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

const log = accessLog(3_000_000);
const KiB = 1024;

const pairs: readonly (readonly [string, Features, Features])[] = [
  ["both know", ownFeatures, ownFeatures],
  ["the client does not know", plain, ownFeatures],
  ["the runtime does not know", ownFeatures, plain],
  ["neither knows", plain, plain],
];

for (const [name, client, runtime] of pairs) {
  Deno.test(`contents of all kinds and lengths come back whole: ${name} compression`, async () => {
    await using pair = new Pair(runtime);
    // The first job learns what the function accepts.
    await pair.copy(client, log.subarray(0, 100));
    const bounds = [4 * KiB, 32 * KiB, 256 * KiB, 1024 * KiB];
    for (const length of [0, 1, ...bounds.flatMap((bound) => [bound - 1, bound, bound + 1])]) {
      await pair.copy(client, log.subarray(0, length));
    }
    for (const length of [5000, 40_000, 300_000]) await pair.copy(client, noise(length));
    await pair.copy(client, log.subarray(0, 2_500_000));
    const isNew = (blob: SentBlob) => blob.z !== undefined || blob.c !== undefined;
    const used = client === ownFeatures && runtime === ownFeatures;
    assert.equal(pair.sent.some(isNew), used);
    assert.equal(pair.received.some(isNew), used);
    assert.deepEqual(pair.replaced, []);
  });
}

Deno.test("big contents are inlined if they become small, and stored compressed if not", async () => {
  await using pair = new Pair(ownFeatures);
  await pair.copy(ownFeatures, log.subarray(0, 100));
  const inline = await pair.copy(ownFeatures, log.subarray(0, 900_000));
  const stored = await pair.copy(ownFeatures, log);
  const random = await pair.copy(ownFeatures, noise(300_000));
  const keys = pair.sent.map((blob) => Object.keys(blob).sort().join("")).slice(1);
  assert.deepEqual(keys, ["emnz", "cemr", "mr"]);
  const e = "the request is newer than this function's runtime: `llama update-function f`";
  assert.deepEqual(pair.sent.map((blob) => blob.e).slice(1), [e, e, undefined]);
  const answers = pair.received.map((blob) => Object.keys(blob).sort().join("")).slice(1);
  assert.deepEqual(answers, ["emnz", "cemr", "mr"]);
  // Both copies of each, one way.
  for (
    const [{ sentBytes, receivedBytes, savedBytes }, raw] of [[inline, 900_000], [
      stored,
      3e6,
    ]] as const
  ) {
    assert(sentBytes < raw / 2 && receivedBytes < raw / 2);
    const saved = savedBytes ?? assert.fail();
    for (const bytes of [saved.sent + sentBytes, saved.received + receivedBytes]) {
      assert(bytes > 2 * raw && bytes < 2 * raw + 2000, `${bytes}`);
    }
  }
  assert(random.sentBytes > 600_000);
  assert.deepEqual(random.savedBytes, { sent: 0, received: 0 });
});

Deno.test("a client that does not compress reads what is compressed all the same", async () => {
  await using pair = new Pair(ownFeatures);
  const runtime = pair.runtime;
  for (const bytes of [log.subarray(0, 50_000), log]) {
    pair.runtime = runtime;
    await pair.copy(ownFeatures, bytes);
    const answer = pair.answers.at(-1) ?? "";
    pair.runtime = () => Promise.resolve(new Response(answer));
    const runner = { ...pair.runner(ownFeatures), compresses: false };
    const local = pair.directory.join("out");
    using result = await runJob(runner, {
      functionName: "f",
      args: [],
      inputs: [],
      outputs: [{ remote: "out", local }],
    });
    assert.deepEqual(result.outputErrors, []);
    assert(Buffer.from(await Deno.readFile(local)).equals(bytes));
    assert.equal(pair.accepted.at(-1)?.includes("zstd"), false);
  }
  // What the function accepts is known for later.
  pair.runtime = runtime;
  await pair.copy(ownFeatures, log.subarray(0, 50_000));
  assert(pair.sent.at(-1)?.z !== undefined);
});

Deno.test("33 MB of logs go there and back without a store", async () => {
  await using pair = new Pair(ownFeatures, { hasStore: false });
  await pair.copy(ownFeatures, log.subarray(0, 100));
  const path = pair.directory.join("in");
  const file = await Deno.create(path);
  for (let megabytes = 0; megabytes < 33; megabytes += 3) await file.write(log);
  file.close();
  const local = pair.directory.join("out");
  using result = await runJob(pair.runner(ownFeatures), {
    functionName: "f",
    args: copyArguments,
    inputs: [{ remote: "in", source: path }],
    outputs: [{ remote: "out", local }],
  });
  assert.deepEqual(result.outputErrors, []);
  assert(Buffer.from(await Deno.readFile(local)).equals(await Deno.readFile(path)));
  assert.equal(pair.sent.at(-1)?.n, 33_000_000);
  assert.equal(pair.received.at(-1)?.n, 33_000_000);
});

Deno.test("a function's first job is compressed if it does not fit otherwise", async () => {
  const send = async (pair: Pair, options: object = {}) =>
    await runJob({ ...pair.runner(ownFeatures), ...options }, {
      functionName: "f",
      args: copyArguments,
      inputs: [{ remote: "in", source: await pair.directory.write("in", big) }],
      outputs: [{ remote: "out", local: pair.directory.join("out") }],
    });
  const big = Buffer.concat([log, log, log]);
  await using pair = new Pair(ownFeatures, { hasStore: false });
  using result = await send(pair);
  assert.deepEqual(result.outputErrors, []);
  assert(Buffer.from(await Deno.readFile(pair.directory.join("out"))).equals(big));
  assert.deepEqual(pair.sent.map(({ n }) => n), [big.length]);
  for (const [name, runtime] of Object.entries({ strict: ours, first, original })) {
    await using old = new Pair(ownFeatures, { hasStore: false });
    old.runtime = runtime(undefined);
    await assert.rejects(send(old), /newer than this function's runtime: `llama update-func/, name);
    assert.deepEqual([old.sent.length, old.replaced], [1, []], name);
    // Which an ordinary job has told.
    await old.copy(ownFeatures, bytesOf("small"));
    await assert.rejects(send(old), /do not fit into one Lambda payload/, name);
  }
  // Standard input, which some runtimes take for an empty one, and a client that does not compress.
  await using other = new Pair(ownFeatures, { hasStore: false });
  await assert.rejects(other.send(ownFeatures, big), /do not fit into one Lambda payload/);
  await assert.rejects(send(other, { compresses: false }), /do not fit into one Lambda payload/);
  assert.deepEqual(other.sent, []);
});

Deno.test("many compressed files share the room of a message, and the rest are stored", async () => {
  await using pair = new Pair(ownFeatures);
  await pair.copy(ownFeatures, log.subarray(0, 100));
  const inputs = await Promise.all(Array.from({ length: 60 }, async (_, i) => {
    const bytes = i % 3 === 0 ? noise(100_000, i + 1) : log.subarray(i, i + 100_000);
    return { remote: `in${i}`, source: await pair.directory.write(`in${i}`, bytes) };
  }));
  using result = await runJob(pair.runner(ownFeatures), {
    functionName: "f",
    args: ["sh", "-c", "cat in?; cat in??"],
    inputs,
    outputs: [],
  });
  const all = await Promise.all(inputs.map(({ source }) => Deno.readFile(source)));
  const stdout = result.stdoutFile ? await Deno.readFile(result.stdoutFile) : result.stdout;
  assert(Buffer.from(stdout).equals(Buffer.concat(all)));
});

for (const [name, runtime] of Object.entries({ strict: ours, first, original })) {
  Deno.test(`after a rollback (${name}) the job is sent again as it is, once`, async () => {
    await using pair = new Pair(ownFeatures);
    for (const bytes of [log.subarray(0, 50_000), log.subarray(0, 2_000_000)]) {
      pair.runtime = ours(pair.store, ownFeatures);
      await pair.copy(ownFeatures, log.subarray(0, 100));
      await pair.copy(ownFeatures, bytes);
      assert(pair.sent.at(-1)?.e !== undefined);
      pair.runtime = runtime(pair.store);
      const before = pair.sent.length;
      await pair.copy(ownFeatures, bytes);
      await pair.copy(ownFeatures, bytes);
      assert.equal(pair.sent.length, before + 3);
    }
    assert.deepEqual(pair.replaced, ["f", "f"]);
  });
}

Deno.test("compressed objects that the function misses are stored and sent again", async () => {
  await using pair = new Pair(ownFeatures);
  await pair.copy(ownFeatures, log.subarray(0, 100));
  const runtime = pair.runtime;
  let isFirst = true;
  pair.runtime = async (text) => {
    if (isFirst) pair.store?.objects.clear();
    isFirst = false;
    return await runtime(text);
  };
  await pair.copy(ownFeatures, log);
  assert.match(pair.answers.at(-2) ?? "", /"errorType":"Llama.MissingObject"/);
  assert.deepEqual(pair.sent.slice(1).map(({ c }) => c), ["zst", "zst"]);
  assert.deepEqual(pair.replaced, []);
});

const frame = zstdCompressSync(log.subarray(0, 50_000), {
  params: { [constants.ZSTD_c_checksumFlag]: 1 },
});
const bomb = zstdCompressSync(Buffer.alloc(40 * KiB * KiB));
const flipped = Buffer.from(frame);
flipped[2000] = (flipped[2000] ?? 0) ^ 16;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** Damages of stored objects. */
const storedDamages: Readonly<Record<string, (frame: Buffer) => Uint8Array>> = {
  truncated: (frame) => frame.subarray(0, -10),
  flipped: (frame) => {
    const flipped = Buffer.from(frame);
    flipped[2000] = (flipped[2000] ?? 0) ^ 16;
    return flipped;
  },
  doubled: (frame) => Buffer.concat([frame, frame]),
  replaced: () => frame,
  "a bomb": () => zstdCompressSync(Buffer.alloc(65 * KiB * KiB)),
};

for (const [damage, spoil] of Object.entries(storedDamages)) {
  Deno.test(`a stored object that is ${damage} ends the job, and loses no file`, async () => {
    await using pair = new Pair(ownFeatures);
    await pair.copy(ownFeatures, log.subarray(0, 100));
    const { runtime, store } = pair;
    assert(store);
    const spoilAll = () => {
      for (const [key, bytes] of store.objects) store.objects.set(key, spoil(Buffer.from(bytes)));
    };
    const out = await pair.directory.write("out", "precious");
    // As an input: before the command runs.
    pair.runtime = async (text) => {
      spoilAll();
      return await runtime(text);
    };
    await assert.rejects(pair.send(ownFeatures, log), (error) => {
      assert(error instanceof FunctionError);
      assert.equal(error.errorType, "Llama.StoreError");
      assert.match(error.errorMessage, /^object [0-9a-f]{64}\.zst in memory: is damaged: /);
      return true;
    });
    assert.equal(await Deno.readTextFile(out), "precious");
    // As an output, and as standard output.
    store.objects.clear();
    pair.runtime = async (text) => {
      const answer = await runtime(text);
      spoilAll();
      return answer;
    };
    using result = await pair.send(ownFeatures, log);
    assert.equal(result.status, 0);
    const words = result.outputErrors.map(({ message }) => message);
    assert.equal(words.length, 2);
    assert.match(words[0] ?? "", /^output ".*out": object .*\.zst in memory: is damaged: /);
    assert.match(words[1] ?? "", /^cannot fetch standard output: object .* is damaged: /);
    assert.equal(await Deno.readTextFile(out), "precious");
    const names = (await pair.directory.list(".")).toSorted();
    assert.deepEqual(names, ["./in", "./out"]);
  });
}

const damages: Readonly<Record<string, readonly [object, RegExp]>> = {
  truncated: [{ z: base64(frame.subarray(0, -10)), n: 50_000 }, /the zstd frame is damaged: it is/],
  flipped: [{ z: base64(flipped), n: 50_000 }, /the zstd frame is damaged: /],
  "of two frames": [
    { z: base64(Buffer.concat([frame, frame])), n: 50_000 },
    /the zstd frame is damaged: more bytes follow it/,
  ],
  shorter: [{ z: base64(frame), n: 50_001 }, /have 50000 bytes instead of 50001/],
  longer: [{ z: base64(frame), n: 49_999 }, /have more than 49999 bytes/],
  "a bomb": [{ z: base64(bomb), n: 50_000 }, /have more than 50000 bytes/],
  "a big bomb": [{ z: base64(bomb), n: 30 * KiB * KiB }, /have more than 31457280 bytes/],
  "not base64": [{ z: "%%%%", n: 50_000 }, /a blob's "z" is not base64/],
  "without length": [{ z: base64(frame) }, /a blob's "n" is not a possible length/],
};

for (const [damage, [blob, words]] of Object.entries(damages)) {
  Deno.test(`a compressed input that is ${damage} is refused before the command runs`, async () => {
    for (const request of [{ files: { in: blob } }, { stdin: blob }]) {
      const answer = await ours(undefined, ownFeatures)(
        JSON.stringify({ args: copyArguments, ...request }),
      );
      const { errorType, errorMessage } = await answer.json();
      assert.equal(errorType, "Llama.BadRequest");
      assert.match(errorMessage, /^(files\.in|stdin): /);
      assert.match(errorMessage, words);
    }
  });

  Deno.test(`a compressed output that is ${damage} is an error, and no file`, async () => {
    await using pair = new Pair(ownFeatures);
    pair.runtime = () =>
      Promise.resolve(Response.json({
        status: 0,
        stdout: { s: "kept" },
        stderr: blob,
        outputs: { out: blob },
        accepts: ["zstd"],
      }));
    using result = await pair.send(ownFeatures, log.subarray(0, 10));
    assert.equal(textOf(result.stdout), "kept");
    const messages = result.outputErrors.map(({ message }) => message);
    assert.equal(messages.length, 2);
    assert.match(messages[0] ?? "", /^output ".*out": /);
    assert.match(messages[1] ?? "", /^cannot fetch standard error: /);
    for (const message of messages) assert.match(message, words);
    assert.deepEqual((await pair.directory.list(".")).map((path) => path.slice(2)), ["in"]);
  });
}
