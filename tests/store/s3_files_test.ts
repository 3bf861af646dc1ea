import assert from "node:assert/strict";
import { findAccount } from "../../lib/aws/account.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import type { LlamaError } from "../../lib/errors.ts";
import { BucketDirectory } from "../../lib/store/s3_bucket_directory.ts";
import { ChangedObject, type S3Files } from "../../lib/store/s3_files.ts";
import { openS3Files } from "../../lib/store/s3_open.ts";
import { pathOfObject } from "../../lib/store/s3_path.ts";
import { nameOfObject, parseS3Url } from "../../lib/store/s3_url.ts";
import { TemporaryDirectory } from "../helpers.ts";
import { failure, FakeS3 } from "./fake_s3.ts";

const signal = new AbortController().signal;

function open(s3: FakeS3): S3Files {
  return openS3Files({
    client: new AwsClient(findAccount(s3.environment)),
    onDenied: (action, url) => `grant ${action} for ${url}`,
  });
}

const keys = [
  "plain",
  "with space",
  "plus+and%percent",
  "ümläut/日本",
  "a//b///c",
  "dir/",
  "?query#fragment&x=y",
  "'quotes'\"(all)*!",
  "colon:and\\backslash",
  "new\nline",
];

Deno.test("an object of any key is written, found, listed and read", async () => {
  await using s3 = new FakeS3();
  await using place = new TemporaryDirectory();
  using files = open(s3);
  for (const [index, key] of keys.entries()) {
    const url = `s3://bucket/${key}`;
    const source = await place.write(`in${index}`, `contents of ${key}`);
    const written = await files.write(url, source, { signal });
    const found = await files.find(url);
    assert.deepEqual(found, { ...written, region: "us-west-2" }, key);
    const target = place.join(`out${index}`);
    await files.read(url, target, found);
    assert.equal(await Deno.readTextFile(target), `contents of ${key}`);
  }
  s3.pageLength = 3;
  const listed = (await Array.fromAsync(files.list("s3://bucket/"))).flat();
  assert.deepEqual(listed.map(({ url }) => url), keys.map((key) => `s3://bucket/${key}`).sort());
  for (const { url, size, etag } of listed) {
    assert.deepEqual({ size, etag, region: "us-west-2" }, await files.find(url));
  }
  const below = (await Array.fromAsync(files.list("s3://bucket/a//"))).flat();
  assert.deepEqual(below.map(({ url }) => url), ["s3://bucket/a//b///c"]);
  assert.deepEqual((await Array.fromAsync(files.list("s3://bucket/none"))).flat(), []);
  assert.deepEqual(s3.unsigned, []);
});

Deno.test("the emulator's bucket is a directory", async () => {
  await using place = new TemporaryDirectory();
  using files = new BucketDirectory(place.join("bucket"));
  assert.deepEqual((await Array.fromAsync(files.list("s3://local/"))).flat(), []);
  const source = await place.write("in", "contents");
  for (const key of ["b", "a/x y", "a/é"]) {
    await files.write(`s3://local/${key}`, source, { signal });
  }
  const listed = (await Array.fromAsync(files.list("s3://local/a"))).flat();
  assert.deepEqual(listed.map(({ url }) => url), ["s3://local/a/x y", "s3://local/a/é"]);
  const found = await files.find("s3://local/b");
  assert.equal(found.size, 8);
  await files.read("s3://local/b", place.join("out"), found);
  assert.equal(await Deno.readTextFile(place.join("out")), "contents");
  await assert.rejects(files.write("s3://local/b", source, { isNew: true, signal }), /b exists$/);
  await Deno.writeTextFile(place.join("bucket/b"), "other contents");
  await assert.rejects(files.read("s3://local/b", place.join("out2"), found), ChangedObject);
  await assert.rejects(files.find("s3://local/none"), /cannot read s3:\/\/local\/none: no such/);
  await assert.rejects(files.find("s3://local/a"), /no such object/);
  await assert.rejects(files.find("s3://local/a//x y"), /is not a path in/);
  await assert.rejects(files.find("s3://local/../secret"), /has "\." or "\.\." as a part/);
});

Deno.test("an object that has changed since it was found is refused, and so is one that is gone", async () => {
  await using s3 = new FakeS3();
  await using place = new TemporaryDirectory();
  using files = open(s3);
  const url = "s3://bucket/key";
  await files.write(url, await place.write("in", "one"), { signal });
  const found = await files.find(url);
  await files.write(url, await place.write("in", "two"), { signal });
  await assert.rejects(files.read(url, place.join("a"), found), (error) => {
    assert(error instanceof ChangedObject);
    assert.equal(error.message, "s3://bucket/key has changed since it was found");
    return true;
  });
  s3.objects.clear();
  await assert.rejects(
    files.read(url, place.join("b"), found),
    /s3:\/\/bucket\/key is no longer there since it was found/,
  );
  await assert.rejects(files.find(url), /cannot read s3:\/\/bucket\/key: no such object/);
});

Deno.test("a new object replaces none, but one that has the same contents was written before", async () => {
  await using s3 = new FakeS3();
  await using place = new TemporaryDirectory();
  using files = open(s3);
  const url = "s3://bucket/key";
  const source = await place.write("in", "one");
  const { etag } = await files.write(url, source, { isNew: true, signal });
  // As if the response to the first attempt had been lost.
  assert.equal((await files.write(url, source, { isNew: true, signal })).etag, etag);
  await Deno.writeTextFile(source, "two");
  await assert.rejects(files.write(url, source, { isNew: true, signal }), {
    code: "output",
    message: "s3://bucket/key exists",
  });
  assert.equal((await files.find(url)).etag, etag);
  assert.notEqual((await files.write(url, source, { signal })).etag, etag);
});

Deno.test("a missing permission is named, with the object and what to do", async () => {
  await using s3 = new FakeS3();
  await using place = new TemporaryDirectory();
  using files = open(s3);
  const url = "s3://bucket/dir/key";
  const source = await place.write("in", "one");
  s3.intercept = ({ method }) =>
    method === "HEAD"
      ? new Response(null, { status: 403 })
      : failure(403, "AccessDenied", "Access Denied");
  const cases: [() => Promise<unknown>, Partial<LlamaError>][] = [
    [() => files.find(url), {
      code: "input",
      message: `cannot read ${url}: access denied`,
      hint: `grant s3:GetObject for ${url}`,
    }],
    [() => files.read(url, place.join("out")), { hint: `grant s3:GetObject for ${url}` }],
    [() => files.write(url, source, { signal }), {
      code: "output",
      message: `cannot write ${url}: access denied`,
      hint: `grant s3:PutObject for ${url}`,
    }],
    [() => Array.fromAsync(files.list("s3://bucket/dir/")), {
      code: "input",
      hint: "grant s3:ListBucket for s3://bucket/",
    }],
  ];
  for (const [work, expected] of cases) await assert.rejects(work(), expected);
  // What is wrong with the credentials is not about the object.
  s3.intercept = () => failure(403, "InvalidAccessKeyId", "unknown");
  await assert.rejects(files.read(url, place.join("out2")), { code: "credentials" });
  s3.intercept = () => failure(404, "NoSuchBucket", "unknown");
  await assert.rejects(
    files.read(url, place.join("out3")),
    /s3:\/\/bucket\/dir\/key: no such bucket/,
  );
});

Deno.test("a bucket in another region is found there", async () => {
  await using s3 = new FakeS3();
  await using place = new TemporaryDirectory();
  using files = open(s3);
  s3.region = "eu-north-1";
  await files.write("s3://bucket/key", await place.write("in", "one"), { signal });
  assert.equal((await files.find("s3://bucket/key")).region, "eu-north-1");
  assert.equal((await Array.fromAsync(files.list("s3://bucket/"))).flat().length, 1);
});

Deno.test("names in the job's directory are safe, and differ between objects", () => {
  const paths = keys.map((key) => pathOfObject(`s3://bucket/${key}`));
  assert.equal(new Set(paths).size, keys.length);
  for (const path of paths) assert.match(path, /^s3\/[0-9a-f]{16}\/[^/]+$/s);
  assert.notEqual(pathOfObject("s3://one/key"), pathOfObject("s3://two/key"));
  assert.equal(nameOfObject("s3://b0c/a/b.txt"), "b.txt");
  assert.equal(nameOfObject("s3://b0c/a/b/"), "b");
  assert.equal(nameOfObject("s3://b0c/" + "é".repeat(400)), "é".repeat(127));
  assert.equal(nameOfObject("s3://b0c//"), "object");
  const wrong: [string, RegExp][] = [
    ["s3://UPPER/key", /is not the URL of an object/],
    ["s3://a", /is not the URL of an object/],
    ["s3:///key", /is not the URL of an object/],
    ["s3://bucket/a/../b", /has "\." or "\.\." as a part/],
    ["s3://bucket/.", /has "\." or "\.\." as a part/],
    ["s3://bucket/" + "x".repeat(1025), /is too long/],
    ["s3://bucket/\ud800", /is not UTF-8/],
    ["s3://bucket/", /names a bucket, not an object/],
    ["s3://bucket", /names a bucket, not an object/],
  ];
  for (const [url, message] of wrong) assert.throws(() => pathOfObject(url), { message });
  assert.deepEqual(parseS3Url("s3://bucket"), { bucket: "bucket", key: "" });
});
