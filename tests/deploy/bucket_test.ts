import assert from "node:assert/strict";
import type { Stack } from "../../lib/aws/cloudformation.ts";
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

const uploads = (...keys: string[]): Answer => () =>
  new Response(
    `<ListMultipartUploadsResult>` +
      keys.map((key) => `<Upload><Key>${key}</Key><UploadId>u+1</UploadId></Upload>`).join("") +
      `</ListMultipartUploadsResult>`,
  );

const done: Answer = () => new Response("<DeleteResult/>");
const gone: Answer = () => new Response(null, { status: 204 });

Deno.test("the stack's own bucket is kept, and a new one generated where there is none", async () => {
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

Deno.test("a bucket that was named is taken, made or refused", async () => {
  const cases: [Answer, unknown][] = [
    [head(200, "us-west-2"), { kind: "own", name: "mine-1" }],
    [head(404), { kind: "named", name: "mine-1" }],
    [head(301, "eu-west-1"), [
      "the bucket mine-1 is in eu-west-1, not in us-west-2",
      "take another bucket, or -region eu-west-1",
    ]],
    [head(400, "eu-west-1"), [
      "the bucket mine-1 is in eu-west-1, not in us-west-2",
      "take another bucket, or -region eu-west-1",
    ]],
    [head(403), [
      "the bucket mine-1 is there, and may not be used",
      "it is another account's, or the credentials need s3:ListBucket; take another name",
    ]],
  ];
  for (const [answer, expected] of cases) {
    await using aws = new ScriptedAws({ HeadBucket: [answer] });
    const choice = chooseBucket(aws.client, "mine-1", undefined);
    assert.deepEqual(await (Array.isArray(expected) ? failureOf(choice) : choice), expected);
  }
});

Deno.test("only llama's own objects are deleted, however many pages of them there are", async () => {
  await using aws = new ScriptedAws({
    HeadBucket: [head(200)],
    ListObjectsV2: [
      list([`obj/${id("a")}`, "obj/notes+and+more%26.txt"], "next/page"),
      list([`obj/${id("b")}`, `obj/sub/${id("c")}`]),
      list(["mine.txt", "obj/notes+and+more%26.txt"]),
    ],
    DeleteObjects: [done],
    ListMultipartUploads: [uploads(`obj/${id("d")}`), uploads()],
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

Deno.test("a bucket that is not there is empty", async () => {
  await using aws = new ScriptedAws({ HeadBucket: [head(404)] });
  assert.equal(await emptyBucket(aws.client, "gone-1"), undefined);
});

Deno.test("an object that S3 does not delete is an error that names it", async () => {
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
