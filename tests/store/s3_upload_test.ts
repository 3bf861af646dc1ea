import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import { findAccount } from "../../lib/aws/account.ts";
import { openStore, openStoreWith } from "../../lib/store/open.ts";
import { noise, TemporaryDirectory } from "../helpers.ts";
import { failure, FakeS3 } from "./fake_s3.ts";

const url = "s3://bucket/obj/";
const day = 86_400_000;
const small = noise(256 * 1024);
const big = noise(256 * 1024 + 1);
const pathOf = (bytes: Uint8Array) => `/bucket/obj/${sha256(bytes)}`;

Deno.test("up to 256 KiB an object is sent without a question, above it is asked for first", async () => {
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  await store.put(small);
  await store.put(big);
  assert.deepEqual(s3.requests, [
    `PUT ${pathOf(small)}`,
    `HEAD ${pathOf(big)}`,
    `PUT ${pathOf(big)}`,
  ]);
  assert.deepEqual(s3.unsigned, []);
});

Deno.test("existing objects are not sent, and sent ones are not checked again", async () => {
  await using s3 = new FakeS3();
  s3.objects.set(pathOf(big), big);
  using store = openStore(url, { environment: s3.environment });
  for (let i = 0; i < 3; i++) await store.put(big);
  for (let i = 0; i < 3; i++) await store.put(small);
  assert.deepEqual(s3.requests, [`HEAD ${pathOf(big)}`, `PUT ${pathOf(small)}`]);
});

Deno.test("where S3 may not say that an object is absent, 403 means it", async () => {
  await using s3 = new FakeS3();
  s3.fail(403, "", "", "HEAD");
  using store = openStore(url, { environment: s3.environment });
  await store.put(big);
  assert(s3.objects.has(pathOf(big)));
});

Deno.test("the object's SHA-256 goes along as the payload's hash and as S3's checksum", async () => {
  await using s3 = new FakeS3();
  const seen: (string | null)[] = [];
  s3.intercept = ({ headers }) => {
    seen.push(headers.get("x-amz-content-sha256"), headers.get("x-amz-checksum-sha256"));
    return undefined;
  };
  using store = openStore(url, { environment: s3.environment });
  const id = await store.put(small);
  assert.deepEqual(seen, [id, btoa(String.fromCharCode(...bytesOfHex(id)))]);
});

function bytesOfHex(hex: string): number[] {
  return hex.match(/../g)?.map((digits) => parseInt(digits, 16)) ?? [];
}

for (
  const [days, age, isSent] of [
    [undefined, 15.4, false],
    [undefined, 15.6, true],
    ["10", 4.9, false],
    ["10", 5.1, true],
    ["0", 1000, false],
  ] as const
) {
  const lifetime = days === undefined ? "31 days, unless said otherwise" : `${days} days`;
  Deno.test(
    `with a lifetime of ${lifetime}, an object of ${age} days is ${
      isSent ? "" : "not "
    }written again`,
    async () => {
      await using s3 = new FakeS3();
      s3.objects.set(pathOf(big), big);
      s3.modified.set(pathOf(big), Date.now() - age * day);
      const environment = { ...s3.environment, LLAMA_OBJECT_LIFETIME_DAYS: days };
      using store = openStore(url, { environment });
      await store.put(big);
      assert.equal(s3.requests.includes(`PUT ${pathOf(big)}`), isSent);
    },
  );
}

Deno.test("an object's age is measured by S3's clock, not by this machine's", async () => {
  await using s3 = new FakeS3();
  s3.skew = 20 * day;
  s3.objects.set(pathOf(big), big);
  s3.modified.set(pathOf(big), Date.now() + 19 * day);
  using store = openStore(url, { environment: s3.environment });
  await store.put(big);
  assert.deepEqual(s3.requests.filter((request) => request.startsWith("PUT")), []);
});

Deno.test("an object that many want at once is sent once", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const path = await directory.write("file", big);
  const ids = await Promise.all(Array.from({ length: 20 }, () => store.putFile(path)));
  assert.deepEqual(new Set(ids), new Set([sha256(big)]));
  assert.deepEqual(s3.requests, [`HEAD ${pathOf(big)}`, `PUT ${pathOf(big)}`]);
});

Deno.test("a caller that gives up leaves the upload to the other callers", async () => {
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const first = new AbortController();
  s3.intercept = () => {
    first.abort(new Error("enough"));
    return undefined;
  };
  const both = [store.put(small, first.signal), store.put(small)];
  const [left, stayed] = await Promise.allSettled(both);
  assert.equal(left?.status === "rejected" && String(left.reason), "Error: enough");
  assert.equal(stayed?.status === "fulfilled" && stayed.value, sha256(small));
  assert.deepEqual(s3.requests, [`PUT ${pathOf(small)}`]);
});

Deno.test("an object that a reader missed is sent again", async () => {
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const id = await store.put(small);
  s3.objects.clear();
  store.forget(id);
  await store.put(small);
  assert(s3.objects.has(pathOf(small)));
});

/** 64 MiB and a byte, each part of them another. */
async function hugeFile(directory: TemporaryDirectory): Promise<{ path: string; id: string }> {
  const bytes = new Uint8Array(64 * 1024 * 1024 + 1);
  for (let part = 0; part <= 8; part++) bytes[part * 8 * 1024 * 1024] = part + 1;
  return { path: await directory.write("huge", bytes), id: sha256(bytes) };
}

Deno.test("from 64 MiB on an object goes in parts, and is whole", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const { path, id } = await hugeFile(directory);
  assert.equal(await store.putFile(path), id);
  assert.equal(sha256(s3.objects.get(`/bucket/obj/${id}`) ?? small), id);
  assert.deepEqual([s3.unsigned, s3.uploads.size], [[], 0]);
  const parts = s3.requests.filter((request) => request === `PUT /bucket/obj/${id}?`);
  assert.equal(parts.length, 9);
  assert(s3.mostAtOnce > 1 && s3.mostAtOnce <= 8, `${s3.mostAtOnce} at once`);
});

Deno.test("an upload whose part is refused is aborted", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const { path } = await hugeFile(directory);
  s3.fail(403, "AccessDenied", "no", "PUT");
  await assert.rejects(store.putFile(path), /S3 refused UploadPart .*: AccessDenied: no$/);
  assert.deepEqual([s3.uploads.size, s3.objects.size], [0, 0]);
  assert.equal(s3.requests.at(-1)?.split(" ")[0], "DELETE");
});

Deno.test("a cancelled upload is aborted", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const { path } = await hugeFile(directory);
  const controller = new AbortController();
  s3.intercept = ({ method }) => {
    if (method === "PUT") controller.abort(new Error("enough"));
    return undefined;
  };
  await assert.rejects(store.putFile(path, controller.signal), /^Error: enough$/);
  assert.deepEqual([s3.uploads.size, s3.objects.size], [0, 0]);
});

Deno.test("parts that cannot be removed are reported, with their cost", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  const { path, id } = await hugeFile(directory);
  const notices: string[] = [];
  s3.intercept = ({ method }) =>
    method === "PUT" || method === "DELETE" ? failure(403, "AccessDenied", "no") : undefined;
  const { environment } = s3;
  const onNotice = (message: string) => void notices.push(message);
  const client = new AwsClient({ ...findAccount(environment), onNotice });
  using store = openStoreWith(url, client, { environment });
  await assert.rejects(store.putFile(path), /UploadPart/);
  assert.equal(notices.length, 1);
  assert.match(
    notices[0] ?? "",
    new RegExp(
      `^bucket bucket: cannot remove the parts of a failed upload: .*AbortMultipartUpload .*${id}`,
    ),
  );
});

Deno.test("a completion whose response was lost counts as done", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const { path, id } = await hugeFile(directory);
  s3.intercept = async ({ method, url }) => {
    if (method !== "POST" || !url.includes("uploadId")) return undefined;
    s3.intercept = () => undefined;
    s3.objects.set(`/bucket/obj/${id}`, await Deno.readFile(path));
    s3.uploads.clear();
    return failure(500, "InternalError", "lost");
  };
  assert.equal(await store.putFile(path), id);
});

Deno.test("a completion that fails behind a 200 is repeated", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const { path, id } = await hugeFile(directory);
  s3.intercept = ({ method, url }) => {
    if (method !== "POST" || !url.includes("uploadId")) return undefined;
    s3.intercept = () => undefined;
    return new Response("  \n<Error><Code>InternalError</Code><Message>x</Message></Error>");
  };
  assert.equal(await store.putFile(path), id);
  assert(s3.objects.has(`/bucket/obj/${id}`));
});

Deno.test("a file that becomes shorter while it is sent is named", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  const path = await directory.write("file", big);
  s3.intercept = async ({ method }) => {
    if (method === "HEAD") await Deno.truncate(path, 1000);
    return undefined;
  };
  await assert.rejects(store.putFile(path), /^LlamaError: ".*file" shrank/);
  assert.equal(s3.objects.size, 0);
});
