import assert from "node:assert/strict";
import { Llama, LlamaError, type ObjectStore } from "../../mod.ts";
import { endOfFile, OutputFiles, receiveOutput } from "../../lib/jobs/big_output.ts";
import { DirectoryStore } from "../../lib/store/directory.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { openStore } from "../../lib/store/open.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { FakeS3 } from "../store/fake_s3.ts";
import { bytesOf, noise, TemporaryDirectory } from "../helpers.ts";

/** What the README promises to keep in memory. */
const mostInMemory = 4 * 1024 * 1024;
const small = noise(mostInMemory);
const big = noise(mostInMemory + 1);

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A store of each kind, and one of somebody else's, which knows no bounds. */
async function eachStore(
  directory: string,
  work: (store: ObjectStore) => Promise<void>,
): Promise<void> {
  await using s3 = new FakeS3();
  using bucket = openStore("s3://bucket/", { environment: s3.environment });
  await work(bucket);
  await work(new DirectoryStore(`file://${directory}`));
  await work(new MemoryStore());
  const boundless = new MemoryStore();
  const get = boundless.get.bind(boundless);
  boundless.get = (id) => get(id);
  await work(boundless);
}

Deno.test("output of more than 4 MiB goes to a file, from every store and from the answer", async () => {
  await using directory = new TemporaryDirectory();
  using files = new OutputFiles(directory.path);
  const none = () => assert.fail("no store is needed");
  await eachStore(directory.join("store"), async (store) => {
    const received = await receiveOutput({ r: await store.put(small) }, {
      files,
      store: () => store,
    });
    assert.deepEqual(received, { bytes: small, file: undefined, size: small.length });
    const { bytes, file = assert.fail(), size } = await receiveOutput({ r: await store.put(big) }, {
      files,
      store: () => store,
    });
    assert.deepEqual([bytes.length, size], [0, big.length]);
    assert.deepEqual(await Deno.readFile(file), big);
  });
  const text = "x".repeat(big.length);
  const { file = assert.fail() } = await receiveOutput({ s: text }, { files, store: none });
  assert.equal(await Deno.readTextFile(file), text);
  assert.deepEqual(await endOfFile(file, 3), bytesOf("xxx"));
  assert.equal((await endOfFile(file, Infinity)).length, big.length);
  const inline = await receiveOutput({ s: text.slice(1) }, { files, store: none });
  assert.equal(inline.bytes.length, small.length);
});

Deno.test("the files of outputs are private, and gone with their directory", async () => {
  await using directory = new TemporaryDirectory();
  {
    using files = new OutputFiles(directory.path);
    assert.deepEqual(await directory.list(), [], "no directory before it is needed");
    await receiveOutput({ s: "x".repeat(big.length) }, { files, store: () => assert.fail() });
    const [own = ""] = await directory.list();
    assert.equal((Deno.statSync(directory.join(own)).mode ?? 0) & 0o777, 0o700);
  }
  assert.deepEqual(await directory.list(), []);
});

Deno.test("output that cannot be received leaves no file", async () => {
  await using directory = new TemporaryDirectory();
  using files = new OutputFiles(directory.path);
  const store = new MemoryStore();
  const id = await store.put(big);
  store.getFile = async (_id, path) => {
    await Deno.writeFile(path, small);
    throw new LlamaError("store", "it broke");
  };
  await assert.rejects(receiveOutput({ r: id }, { files, store: () => store }), /it broke/);
  assert.equal((await directory.list()).length, 1, "the directory alone");
});

Deno.test("a result's file is there until it is disposed of, or its Llama is closed", async () => {
  await using directory = new TemporaryDirectory();
  const store = new MemoryStore();
  const stdout = { r: await store.put(big) };
  await using lambda = new InvokeStub(() => ({ status: 0, stdout, stderr: stdout }));
  const environment = { ...lambda.environment, TMPDIR: directory.path };
  await using llama = new Llama({ store, environment });
  let removed = "";
  {
    using result = await llama.invoke("f", []);
    assert.deepEqual([result.stdout.length, result.stderr.length], [0, 0]);
    assert.deepEqual(await Deno.readFile(result.stdoutFile ?? ""), big);
    assert.deepEqual(await Deno.readFile(result.stderrFile ?? ""), big);
    removed = result.stdoutFile ?? "";
  }
  assert(!exists(removed));
  const { stdoutFile = "" } = await llama.invoke("f", []);
  assert(exists(stdoutFile));
  await llama.close();
  assert.deepEqual(await directory.list(), []);
});

Deno.test("the files of attempts that are repeated are removed", async () => {
  await using directory = new TemporaryDirectory();
  const store = new MemoryStore();
  const stdout = { r: await store.put(big) };
  await using lambda = new InvokeStub(() => ({ status: 1, stdout }));
  const environment = { ...lambda.environment, TMPDIR: directory.path };
  await using llama = new Llama({ store, environment });
  for await (const { result, record } of llama.map("f", [], ["1"], { retries: 3 })) {
    assert.equal(record.attempts, 4);
    const [, ...files] = await directory.list();
    assert.deepEqual(files.map((file) => directory.join(file)), [result?.stdoutFile]);
  }
});

Deno.test("results contain all of an output that is kept in a file", async () => {
  await using directory = new TemporaryDirectory();
  const store = new MemoryStore();
  const stdout = { r: await store.put(big) };
  await using lambda = new InvokeStub(() => ({ status: 0, stdout }));
  await using llama = new Llama({ store, environment: lambda.environment });
  const results = directory.join("results");
  for await (const { result } of llama.map("f", [], ["1"], { results })) {
    result?.[Symbol.dispose]();
  }
  const modes = ["stdout", "stderr"].map((name) =>
    Deno.statSync(directory.join("results/1", name)).mode
  );
  assert.equal(modes[0], modes[1]);
  assert.deepEqual(await Deno.readFile(directory.join("results/1/stdout")), big);
});

Deno.test("the record of a job whose standard output cannot be fetched lists its files", async () => {
  await using directory = new TemporaryDirectory();
  await using lambda = new InvokeStub(() => ({
    status: 0,
    stdout: { r: "0".repeat(64) },
    stderr: { b: "not base64" },
    outputs: { made: { s: "made" } },
  }));
  await using llama = new Llama({ store: new MemoryStore(), environment: lambda.environment });
  const local = directory.join("made");
  const result = await llama.invoke("f", [], { outputs: [{ local, remote: "made" }] });
  assert.deepEqual(result.written, [local]);
  assert.equal(await Deno.readTextFile(local), "made");
  const [stdout, stderr] = result.outputErrors;
  assert.equal(stdout?.code, "missing-object");
  assert.match(stdout.message, /^cannot fetch standard output: object 0{64} is not in memory:$/);
  assert.match(stderr?.message ?? "", /^cannot fetch standard error: .*base64$/);
});

Deno.test("a run whose outputs are in an unknown store ends, with a record", async () => {
  let answered = 0;
  await using lambda = new InvokeStub(() => {
    answered++;
    return { status: 0, stdout: { r: "0".repeat(64) } };
  });
  await using llama = new Llama({ environment: lambda.environment });
  const lines = Array.from({ length: 50 }, (_, i) => String(i));
  const records: unknown[] = [];
  await assert.rejects(async () => {
    for await (const { record } of llama.map("f", [], lines, { concurrency: 2 })) {
      records.push([record.ok, record.attempts, record.errors.map(({ code }) => code)]);
    }
  }, { code: "config" });
  assert(answered <= 4, `${answered} jobs were billed`);
  assert.equal(records.length, answered);
  assert.deepEqual(records[0], [false, 1, ["config"]]);
});
