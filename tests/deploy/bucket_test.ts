import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import type { Stack } from "../../lib/aws/api/cloudformation.ts";
import { chooseBucket, emptyBucket } from "../../lib/deploy/bucket.ts";
import { type Answer, ScriptedAws } from "../scripted_aws.ts";
import { failureOf } from "./failure_of.ts";

const id = (digit: string) => digit.repeat(64);

function stackWith(kind: string): Stack {
  const outputs = { Bucket: "llama-bucket-1", BucketKind: kind, Role: "r", Repository: "e" };
  const tags = { llama: "llama" };
  return { id: "1", name: "llama", status: "CREATE_COMPLETE", reason: undefined, outputs, tags };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
const head = (status: number, region?: string): Answer => () =>
  new Response(null, { status, headers: region ? { "x-amz-bucket-region": region } : {} });

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
const list = (keys: readonly string[], next?: string): Answer => () =>
  new Response(
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>` +
      keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("") +
      (next ? `<NextContinuationToken>${next}</NextContinuationToken>` : "") +
      `</ListBucketResult>`,
  );

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
const uploads = (keys: readonly string[], next?: string): Answer => () =>
  new Response(
    `<ListMultipartUploadsResult><IsTruncated>${next !== undefined}</IsTruncated>` +
      (next ? `<NextKeyMarker>${next}</NextKeyMarker>` : "") +
      (next ? `<NextUploadIdMarker>${next}-id</NextUploadIdMarker>` : "") +
      keys.map((key) => `<Upload><Key>${key}</Key><UploadId>u+1</UploadId></Upload>`).join("") +
      `</ListMultipartUploadsResult>`,
  );

const done: Answer = () => new Response("<DeleteResult/>");
const gone: Answer = () => new Response(null, { status: 204 });

Deno.test("the stack's bucket is kept, and a new one is generated if there is none", async () => {
  await using aws = new ScriptedAws({});
  const choose = (named: string | undefined, stack: Stack | undefined) =>
    chooseBucket(aws.client, named, stack);
  assert.deepEqual(await choose(undefined, undefined), { kind: "generated" });
  assert.deepEqual(await choose(undefined, stackWith("generated")), { kind: "generated" });
  assert.deepEqual(await choose("llama-bucket-1", stackWith("generated")), { kind: "generated" });
  const name = "llama-bucket-1";
  assert.deepEqual(await choose(undefined, stackWith("named")), { kind: "named", name });
  assert.deepEqual(await choose(name, stackWith("own")), { kind: "own", name });
  assert.deepEqual(aws.calls, []);
});

Deno.test("a named bucket is used, created or rejected", async () => {
  const cases: [Answer, unknown][] = [
    [head(200, "us-west-2"), { kind: "own", name: "mine-1" }],
    [head(404), { kind: "named", name: "mine-1" }],
    [head(301, "eu-west-1"), [
      "the bucket mine-1 is in eu-west-1, not in us-west-2",
      "choose another bucket, or add -region eu-west-1",
    ]],
    [head(400, "eu-west-1"), [
      "the bucket mine-1 is in eu-west-1, not in us-west-2",
      "choose another bucket, or add -region eu-west-1",
    ]],
    [head(403), [
      "the bucket mine-1 exists, but may not be used",
      "another account owns it, or the credentials need s3:ListBucket; choose another name",
    ]],
  ];
  for (const [answer, expected] of cases) {
    await using aws = new ScriptedAws({ HeadBucket: [answer] });
    const choice = chooseBucket(aws.client, "mine-1", undefined);
    assert.deepEqual(await (Array.isArray(expected) ? failureOf(choice) : choice), expected);
  }
});

Deno.test("only llama's own objects are deleted, on all pages of the list", async () => {
  await using aws = new ScriptedAws({
    HeadBucket: [head(200)],
    ListObjectsV2: [
      list([`obj/${id("a")}`, "obj/notes+and+more%26.txt"], "next/page"),
      list([`obj/${id("b")}`, `obj/sub/${id("c")}`]),
      list(["mine.txt", "obj/notes+and+more%26.txt"]),
    ],
    DeleteObjects: [done],
    ListMultipartUploads: [uploads([`obj/${id("d")}`])],
    AbortMultipartUpload: [gone],
  });
  assert.equal(await emptyBucket(aws.client, "mine-1"), "mine.txt");
  const deleted = aws.calls.filter(({ action }) => action === "DeleteObjects");
  assert.deepEqual(deleted.map(({ input }) => input["body"]), [
    `<Delete><Quiet>true</Quiet><Object><Key>obj/${id("a")}</Key></Object></Delete>`,
    `<Delete><Quiet>true</Quiet><Object><Key>obj/${id("b")}</Key></Object></Delete>`,
  ]);
  const lists = aws.calls.filter(({ action }) => action === "ListObjectsV2");
  assert.deepEqual(lists.map(({ input }) => [input["prefix"], input["continuation-token"]]), [
    ["obj/", undefined],
    ["obj/", "next/page"],
    ["", undefined],
  ]);
  const { path, uploadId } = aws.inputOf("AbortMultipartUpload");
  assert.deepEqual([path, uploadId], [`/mine-1/obj/${id("d")}`, "u+1"]);
});

Deno.test("all parts of the store are emptied: objects, kept results, code and runs", async () => {
  const ours = ["", "act/", "code/", "run/7/"].map((prefix) => `obj/${prefix}${id("a")}`);
  await using aws = new ScriptedAws({
    HeadBucket: [head(200)],
    ListObjectsV2: [
      list([...ours, `obj/${id("a")}.zst`, `obj/${id("a")}x`, "obj/mine.txt"]),
      list([]),
    ],
    DeleteObjects: [done],
    ListMultipartUploads: [uploads([])],
  });
  assert.equal(await emptyBucket(aws.client, "mine-1"), undefined);
  const keys = String(aws.inputOf("DeleteObjects")["body"]).match(/(?<=<Key>)[^<]+/g);
  assert.deepEqual(keys, [...ours, `obj/${id("a")}.zst`]);
});

Deno.test("only llama's own uploads are aborted, each once, on all pages of the list", async () => {
  await using aws = new ScriptedAws({
    HeadBucket: [head(200)],
    ListObjectsV2: [list([])],
    ListMultipartUploads: [
      uploads(["obj/holiday-video.mp4", `obj/${id("a")}`], "obj/m%2F1"),
      uploads([`obj/code/${id("b")}`, `obj/${id("c")}x`]),
    ],
    AbortMultipartUpload: [gone],
  });
  await emptyBucket(aws.client, "mine-1");
  const of = (action: string) =>
    aws.calls.filter((call) => call.action === action).map(({ input }) => input);
  assert.deepEqual(of("AbortMultipartUpload").map(({ path }) => path), [
    `/mine-1/obj/${id("a")}`,
    `/mine-1/obj/code/${id("b")}`,
  ]);
  assert.deepEqual(
    of("ListMultipartUploads").map((input) => [input["key-marker"], input["upload-id-marker"]]),
    [[undefined, undefined], ["obj/m/1", "obj/m%2F1-id"]],
  );
});

Deno.test("an upload that stays listed, or that has ended, does not stop a teardown", async () => {
  const ended: Answer = () =>
    new Response("<Error><Code>NoSuchUpload</Code></Error>", { status: 404 });
  const stays = uploads([`obj/${id("a")}`], "obj/same");
  await using aws = new ScriptedAws({
    HeadBucket: [head(200)],
    ListObjectsV2: [list([])],
    ListMultipartUploads: [stays],
    AbortMultipartUpload: [gone, ended],
  });
  assert.equal(await emptyBucket(aws.client, "mine-1"), undefined);
  const { length } = aws.calls.filter(({ action }) => action === "ListMultipartUploads");
  assert.equal(length, 2);
});

Deno.test("listing keys ends if a token is repeated", async () => {
  await using aws = new ScriptedAws({
    HeadBucket: [head(200)],
    ListObjectsV2: [list([], "same")],
    ListMultipartUploads: [uploads([])],
  });
  assert.equal(await emptyBucket(aws.client, "mine-1"), undefined);
});

Deno.test("requests to S3 name the account that must own the bucket", async () => {
  const owners: (string | null)[] = [];
  const answers = [list([`obj/${id("a")}`]), done, uploads([`obj/${id("b")}`]), gone, list([])];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      await request.body?.cancel();
      owners.push(request.headers.get("x-amz-expected-bucket-owner"));
      return request.method === "HEAD" ? new Response() : answers.shift()?.() ?? new Response();
    },
  );
  using client = new AwsClient({
    credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
    location: () =>
      Promise.resolve({
        region: "us-west-2",
        endpoints: { s3: `http://127.0.0.1:${server.addr.port}` },
      }),
  });
  await chooseBucket(client, "mine-1", undefined, { owner: "123456789012" });
  await emptyBucket(client, "mine-1", { owner: "123456789012" });
  assert.deepEqual(owners, new Array(7).fill("123456789012"));
});

Deno.test("a missing bucket counts as empty", async () => {
  await using aws = new ScriptedAws({ HeadBucket: [head(404)] });
  assert.equal(await emptyBucket(aws.client, "gone-1"), undefined);
});

Deno.test("an object that S3 does not delete is an error that names the object", async () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html, Sample Response
  const denied: Answer = () =>
    new Response(
      `<DeleteResult><Error><Key>obj/${id("a")}</Key><Code>AccessDenied</Code>` +
        `<Message>Access Denied</Message></Error></DeleteResult>`,
    );
  await using aws = new ScriptedAws({
    HeadBucket: [head(200)],
    ListObjectsV2: [list([`obj/${id("a")}`])],
    DeleteObjects: [denied],
  });
  assert.deepEqual(await failureOf(emptyBucket(aws.client, "mine-1")), [
    `S3 refused DeleteObject: AccessDenied: obj/${id("a")}: Access Denied`,
    "the credentials need s3:DeleteObject",
  ]);
});
