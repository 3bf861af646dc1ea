import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { openStore } from "../../lib/store/open.ts";
import { noise, TemporaryDirectory } from "../helpers.ts";
import { FakeS3 } from "./fake_s3.ts";

const url = "s3://bucket/obj/";
const mebibyte = 1024 * 1024;
const pathOf = (id: string) => `/bucket/obj/${id}`;

/** An object that is there, of some size. */
function add(s3: FakeS3, size: number): string {
  const bytes = noise(size);
  const id = sha256(bytes);
  s3.objects.set(pathOf(id), bytes);
  return id;
}

/** Answers the next GET with the first 400 bytes of 1,000. */
function answerShort(s3: FakeS3, bytes: Uint8Array<ArrayBuffer>): void {
  s3.intercept = () => {
    s3.intercept = () => undefined;
    const headers = { "content-range": "bytes 0-999/1000" };
    return new Response(bytes.slice(0, 400), { status: 206, headers });
  };
}

Deno.test("a big object is read in parts, several at once, and checked as a whole", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const id = add(s3, 20 * mebibyte + 1);
  // Neither of the two parts is answered before the other has been asked for.
  const [second, third] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  s3.intercept = async ({ headers }) => {
    const range = headers.get("range") ?? "";
    if (range.startsWith(`bytes=${8 * mebibyte}-`)) second.resolve();
    if (range.startsWith(`bytes=${16 * mebibyte}-`)) third.resolve();
    if (!range.startsWith("bytes=0-")) await Promise.all([second.promise, third.promise]);
    return undefined;
  };
  await store.getFile(id, directory.join("file"));
  assert.equal(sha256(await Deno.readFile(directory.join("file"))), id);
  // It is not whole for anybody else yet.
  assert.equal(((await Deno.stat(directory.join("file"))).mode ?? 0) & 0o777, 0o600);
  const last = 20 * mebibyte;
  assert.deepEqual(s3.requests.toSorted(), [
    `GET ${pathOf(id)} bytes=0-${8 * mebibyte - 1}`,
    `GET ${pathOf(id)} bytes=${16 * mebibyte}-${last}`,
    `GET ${pathOf(id)} bytes=${8 * mebibyte}-${16 * mebibyte - 1}`,
  ]);
});

Deno.test("a single wrong bit in a part is detected", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const id = add(s3, 20 * mebibyte);
  const bytes = s3.objects.get(pathOf(id)) ?? assert.fail();
  bytes[19 * mebibyte] = (bytes[19 * mebibyte] ?? 0) ^ 1;
  await assert.rejects(store.getFile(id, directory.join("file")), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "store");
    assert.match(error.message, /^object \w+ in s3:\/\/bucket\/obj\/ is damaged: its SHA-256 is /);
    return true;
  });
});

for (const kind of ["into memory", "into a file"]) {
  Deno.test(`a download ${kind} that is cut off resumes where it stopped`, async () => {
    await using directory = new TemporaryDirectory();
    await using s3 = new FakeS3();
    using store = openStore(url, { environment: s3.environment });
    const id = add(s3, 1000);
    const bytes = noise(1000);
    answerShort(s3, bytes);
    if (kind === "into memory") {
      assert.deepEqual(new Uint8Array(await store.get(id)), bytes);
    } else {
      await store.getFile(id, directory.join("file"));
      assert.deepEqual(await Deno.readFile(directory.join("file")), bytes);
    }
    assert.match(s3.requests.at(-1) ?? "", / bytes=400-/);
  });
}

Deno.test("an answer from somewhere else in the object is refused", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const id = add(s3, 1000);
  s3.intercept = () =>
    new Response("other", { status: 206, headers: { "content-range": "bytes 5-9/1000" } });
  await assert.rejects(
    store.getFile(id, directory.join("file")),
    /^LlamaError: S3 did not send the requested bytes from byte 0 on$/,
  );
});

Deno.test("an empty object is read as such", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const id = add(s3, 0);
  await store.getFile(id, directory.join("file"));
  assert.equal((await Deno.stat(directory.join("file"))).size, 0);
  assert.equal((await store.get(id)).length, 0);
});

Deno.test("a download that is aborted ends at once, with the caller's reason", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const id = add(s3, 20 * mebibyte);
  const controller = new AbortController();
  s3.intercept = ({ headers }) => {
    if (headers.get("range")?.startsWith("bytes=8388608-")) controller.abort(new Error("enough"));
    return undefined;
  };
  await assert.rejects(
    store.getFile(id, directory.join("file"), controller.signal),
    /^Error: enough$/,
  );
});

Deno.test("no request is sent to S3 if the file cannot be created", async () => {
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const id = add(s3, 1000);
  await assert.rejects(store.getFile(id, "/proc/none"), Deno.errors.NotFound);
  assert.deepEqual(s3.requests, []);
});
