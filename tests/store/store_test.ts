import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { LlamaError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { DirectoryStore } from "../../lib/store/directory.ts";
import { LazyStore } from "../../lib/store/lazy.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { openStore } from "../../lib/store/open.ts";
import type { ObjectStore } from "../../lib/store/store.ts";
import { bytesOf, noise, TemporaryDirectory } from "../helpers.ts";
import { FakeS3 } from "./fake_s3.ts";

const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

function failsWith(code: string, message: RegExp) {
  return (error: unknown) => {
    assert(error instanceof LlamaError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

/** What every store promises. */
async function keepsItsPromises(store: ObjectStore, directory: TemporaryDirectory): Promise<void> {
  assert.equal(await store.has(hello), false);
  await assert.rejects(store.get(hello), failsWith("missing-object", /^object 2cf2.* is not in /));
  const target = directory.join("target");
  await assert.rejects(store.getFile(hello, target), failsWith("missing-object", /is not in/));

  assert.equal(await store.put(bytesOf("hello")), hello);
  assert.equal(await store.put(bytesOf("hello")), hello);
  assert.equal(await store.has(hello), true);
  assert.deepEqual(new Uint8Array(await store.get(hello)), bytesOf("hello"));

  const big = noise(3_000_000);
  const source = await directory.write("source", big);
  const id = await store.putFile(source);
  assert.equal(id, sha256(big));
  await Deno.remove(target).catch(() => {});
  await store.getFile(id, target);
  assert.equal(sha256(await Deno.readFile(target)), id);

  const empty = await store.put(new Uint8Array());
  assert.deepEqual(new Uint8Array(await store.get(empty)), new Uint8Array());
  await assert.rejects(store.putFile(directory.join("nowhere")), Deno.errors.NotFound);
}

Deno.test("a lazy store keeps a store's promises, and is opened once, by its first use", async () => {
  await using directory = new TemporaryDirectory();
  let opened = 0;
  const memory = new MemoryStore();
  const store = new LazyStore(memory.url, () => {
    opened++;
    return Promise.resolve(memory);
  });
  store.forget(hello);
  assert.deepEqual([store.url, opened], [memory.url, 0]);
  await keepsItsPromises(store, directory);
  assert.equal(opened, 1);
});

Deno.test("a lazy store that cannot be opened fails each use of it", async () => {
  using store = new LazyStore("x://y", () => Promise.reject(new LlamaError("config", "no")));
  await assert.rejects(store.has(hello), failsWith("config", /^no$/));
  await assert.rejects(store.put(bytesOf("hello")), failsWith("config", /^no$/));
});

Deno.test("a directory store keeps a store's promises", async () => {
  await using directory = new TemporaryDirectory();
  const url = pathToFileURL(directory.join("a b/ü%/store")).href;
  await keepsItsPromises(new DirectoryStore(url), directory);
});

Deno.test("a memory store keeps a store's promises", async () => {
  await using directory = new TemporaryDirectory();
  await keepsItsPromises(new MemoryStore(), directory);
});

Deno.test("an S3 store keeps a store's promises", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/a b+c/ü%/", { environment: s3.environment });
  await keepsItsPromises(store, directory);
  assert.deepEqual(s3.unsigned, []);
});

Deno.test("a directory store has nothing in it but whole objects", async () => {
  await using directory = new TemporaryDirectory();
  const store = new DirectoryStore(pathToFileURL(directory.join("store")).href);
  const controller = new AbortController();
  const source = await directory.write("source", noise(3_000_000));
  controller.abort(new Error("enough"));
  await assert.rejects(store.putFile(source, controller.signal), /enough/);
  const ids = await Promise.all(Array.from({ length: 20 }, () => store.put(bytesOf("hello"))));
  assert.deepEqual(new Set(ids), new Set([hello]));
  assert.deepEqual(await directory.list("store"), [`store/${hello}`]);
});

Deno.test("a damaged object is refused, and mended when it is stored again", async () => {
  await using directory = new TemporaryDirectory();
  const store = new DirectoryStore(pathToFileURL(directory.path).href);
  await directory.write(hello, "hellO");
  await assert.rejects(store.get(hello), failsWith("store", /is damaged: its SHA-256 is /));
  await assert.rejects(
    store.getFile(hello, directory.join("x")),
    failsWith("store", /is damaged: its SHA-256 is /),
  );
  await store.put(bytesOf("hello"));
  assert.deepEqual(new Uint8Array(await store.get(hello)), bytesOf("hello"));
});

Deno.test("an id never names anything outside a directory store", async () => {
  await using directory = new TemporaryDirectory();
  const store = new DirectoryStore(pathToFileURL(directory.join("store")).href);
  await directory.write("secret", "x");
  await assert.rejects(store.get("../secret"), failsWith("store", /is not an object id/));
});

Deno.test("a directory that cannot be written to is named", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("file", "x");
  const url = pathToFileURL(directory.join("file/store")).href;
  await assert.rejects(
    new DirectoryStore(url).put(bytesOf("x")),
    failsWith("store", /^cannot store an object in file:.*: not a directory$/),
  );
});

Deno.test("a store URL of an unknown kind is refused with what to write", () => {
  for (
    const url of ["gs://bucket/x", "bucket", "", "s3:/bucket", "s3://Bucket/x", "file://host/x"]
  ) {
    assert.throws(() => openStore(url, { environment: {} }), (error) => {
      assert(error instanceof LlamaError);
      assert.equal(error.code, "config");
      assert.match(error.hint ?? "", /^write /);
      return true;
    }, url);
  }
});

Deno.test("S3's errors name code, bucket and key", async () => {
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/obj/", { environment: s3.environment });
  s3.fail(403, "AccessDenied", "Access Denied");
  await assert.rejects(store.put(bytesOf("hello")), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(
      error.message,
      `S3 refused PutObject in bucket bucket, key obj/${hello}: AccessDenied: Access Denied`,
    );
    assert.equal(error.hint, "the credentials need s3:PutObject on arn:aws:s3:::bucket/*");
    return true;
  });
  s3.fail(404, "NoSuchBucket", "The specified bucket does not exist");
  await assert.rejects(store.get(hello), failsWith("config", /NoSuchBucket/));
});

Deno.test("objects from S3 are verified", async () => {
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/obj/", { environment: s3.environment });
  await store.put(bytesOf("hello"));
  s3.objects.set(`/bucket/obj/${hello}`, bytesOf("hellO"));
  await assert.rejects(store.get(hello), failsWith("store", /is damaged/));
});

Deno.test("no more requests go to S3 at once than were asked for", async () => {
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/", { environment: s3.environment, s3Concurrency: 3 });
  await Promise.all(Array.from({ length: 20 }, (_, i) => store.put(bytesOf(`${i}`))));
  assert(s3.mostAtOnce <= 3, `${s3.mostAtOnce} at once`);
  assert.equal(s3.objects.size, 20);
});

Deno.test("a server that does not answer is named", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gone.addr;
  gone.close();
  const environment = {
    AWS_ACCESS_KEY_ID: "AKID",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_REGION: "us-west-2",
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_MAX_ATTEMPTS: "1",
  };
  using store = openStore("s3://bucket/", { environment });
  await assert.rejects(
    store.get(hello),
    failsWith("network", new RegExp(`^no answer from http://127.0.0.1:${port}: .*refused`, "i")),
  );
});
