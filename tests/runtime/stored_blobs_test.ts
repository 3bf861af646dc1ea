import assert from "node:assert/strict";
import { zstd } from "../../lib/features.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { DirectoryStore } from "../../lib/store/directory.ts";
import { accessLog } from "../helpers.ts";
import { FakeLambda, type FakeLambdaOptions, textOf } from "./fake_lambda.ts";

async function withStore(
  work: (lambda: FakeLambda, store: DirectoryStore, directory: string) => Promise<void>,
  options: FakeLambdaOptions = {},
): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "llama-test-" });
  const url = `file://${directory}`;
  try {
    await using lambda = new FakeLambda({ ...options, env: { LLAMA_OBJECT_STORE: url } });
    await work(lambda, new DirectoryStore(url), directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("stored inputs and standard input are read from the store", async () => {
  await withStore(async (lambda, store) => {
    const big = new Uint8Array(3_000_000).map((_, index) => index % 251);
    const id = await store.put(big);
    const { stdout, outputs } = await lambda.run({
      args: ["sh", "-c", "sha256sum; stat -c %a a; cat a > b"],
      stdin: { r: id },
      files: { a: { r: id, m: 0o700 } },
      outputs: ["b"],
    });
    assert.match(textOf(stdout), new RegExp(`^${id} .*\n700\n$`));
    assert.deepEqual(outputs, { b: { r: id, m: 0o644 } });
    assert.deepEqual(await store.get(id), big);
    await lambda.clean();
  });
});

Deno.test("all missing objects are named", async () => {
  await withStore(async (lambda, store) => {
    const there = await store.put(new Uint8Array([1]));
    const missing = ["a", "b", "c"].map((text) => sha256(text));
    const [first, second, third] = missing;
    const payload = await lambda.refuse({
      args: ["true"],
      stdin: { r: third },
      files: { a: { r: first }, b: { r: there }, c: { r: second }, d: { r: first }, e: { s: "x" } },
    });
    assert.equal(payload["errorType"], "Llama.MissingObject");
    assert.deepEqual(payload["objects"], missing.toSorted());
    assert.match(String(payload["errorMessage"]), /^3 objects are not in file:\/\//);
    await lambda.clean();
  });
});

Deno.test("a damaged object is a store error", async () => {
  await withStore(async (lambda, store, directory) => {
    const id = await store.put(new Uint8Array([1]));
    Deno.writeTextFileSync(`${directory}/${id}`, "something else");
    const { errorType, errorMessage } = await lambda.refuse({
      args: ["true"],
      files: { a: { r: id } },
    });
    assert.equal(errorType, "Llama.StoreError");
    assert.match(String(errorMessage), /is damaged/);
    await lambda.clean();
  });
});

Deno.test("an object without a store is an error that names the variable to set", async () => {
  await using lambda = new FakeLambda();
  const { errorType, errorMessage } = await lambda.refuse({
    args: ["true"],
    stdin: { r: sha256("") },
  });
  assert.equal(errorType, "Llama.StoreError");
  assert.match(String(errorMessage), /no store \(set LLAMA_OBJECT_STORE/);
});

Deno.test("an invalid store URL fails only jobs that need the store", async () => {
  await using lambda = new FakeLambda({ env: { LLAMA_OBJECT_STORE: "s3://bucket/prefix/" } });
  // There are no credentials, and no region: neither is looked for.
  assert.equal((await lambda.run({ args: ["echo", "x"] })).status, 0);
});

Deno.test("100 MB of output go through the store in little memory", async () => {
  await withStore(async (lambda, store, directory) => {
    const { stdout, stderr, outputs } = await lambda.run({
      args: ["sh", "-c", "head -c 100000000 /dev/zero | tee file; echo end >&2"],
      outputs: ["file"],
    });
    assert.deepEqual(stderr, { s: "end\n" });
    assert(stdout.r !== undefined);
    assert.equal(outputs["file"]?.r, stdout.r);
    assert.equal(Deno.statSync(`${directory}/${stdout.r}`).size, 100_000_000);
    assert(await store.has(stdout.r));
    const [, peak] = /^VmHWM:\s+(\d+)/m.exec(
      Deno.readTextFileSync(`/proc/${lambda.pid}/status`),
    ) ?? [];
    assert(Number(peak) < 160_000, `${peak} kB`);
    await lambda.clean();
  });
});

Deno.test("50 MB of text go in and out compressed, through the store, in little memory", async () => {
  await withStore(async (lambda, store, directory) => {
    const log = accessLog(5_000_000);
    const path = `${directory}/log`;
    using file = await Deno.create(path);
    for (let i = 0; i < 10; i++) await file.write(log);
    const { id, form, encoded } = await store.compressed.put({ path, size: 50_000_000 });
    assert.equal(form, "zst");
    const blob = { r: id, c: form, e: "update" };
    const { stdout, outputs } = await lambda.run({
      args: ["sh", "-c", "sha256sum; cat a > b"],
      stdin: blob,
      files: { a: blob },
      outputs: ["b"],
      accept: ["zstd"],
    });
    assert.match(textOf(stdout), new RegExp(`^${id} `));
    const e = "the response is newer than this llama: update llama";
    assert.deepEqual(outputs, { b: { r: id, c: "zst", e, m: 0o644 } });
    assert(encoded < 10_000_000);
    const [, peak] = /^VmHWM:\s+(\d+)/m.exec(
      Deno.readTextFileSync(`/proc/${lambda.pid}/status`),
    ) ?? [];
    assert(Number(peak) < 160_000, `${peak} kB`);
    await lambda.clean();
  });
});

Deno.test("60 MB of text in a small message are decompressed in little memory", async () => {
  await withStore(async (lambda) => {
    const line = accessLog(100_000);
    const log = new Uint8Array(30_000_000);
    for (let at = 0; at < log.length; at += line.length) log.set(line, at);
    const blob = { ...await zstd.encode(log), e: "" };
    const { stdout } = await lambda.run({
      args: ["sh", "-c", "sha256sum; sha256sum < a"],
      stdin: blob,
      files: { a: blob },
    });
    assert.equal(textOf(stdout), `${sha256(log)}  -\n`.repeat(2));
    const [, peak] = /^VmHWM:\s+(\d+)/m.exec(
      Deno.readTextFileSync(`/proc/${lambda.pid}/status`),
    ) ?? [];
    assert(Number(peak) < 160_000, `${peak} kB`);
    await lambda.clean();
  });
});

Deno.test("compressed objects that are missing are named like others", async () => {
  await withStore(async (lambda, store) => {
    const there = await store.compressed.put(accessLog(50_000));
    const plain = await store.put(accessLog(60_000));
    const missing = ["a", "b"].map((text) => sha256(text)).toSorted();
    const [first, second] = missing;
    const payload = await lambda.refuse({
      args: ["true"],
      stdin: { r: second, c: "zst", e: "" },
      files: {
        a: { r: first, c: "zst", e: "" },
        b: { r: there.id, c: "zst", e: "" },
        // In the other form.
        c: { r: plain, c: "zst", e: "" },
      },
    });
    assert.equal(payload["errorType"], "Llama.MissingObject");
    assert.deepEqual(payload["objects"], missing);
    await lambda.clean();
  });
});

Deno.test("a runtime without keys for its store says so, whatever else it was given", async () => {
  await using lambda = new FakeLambda({
    env: {
      LLAMA_OBJECT_STORE: "s3://bucket/obj/",
      AWS_REGION: "us-west-2",
      // Neither loopback nor ECS: nobody is asked.
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://example.test/role",
    },
  });
  const { errorType, errorMessage } = await lambda.refuse({
    args: ["true"],
    files: { a: { r: sha256("a") } },
  });
  assert.equal(errorType, "Llama.StoreError");
  assert.match(String(errorMessage), /^no AWS credentials from the container's role: /);
});
