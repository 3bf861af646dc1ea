import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import { findAccount } from "../../lib/aws/account.ts";
import { LlamaError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { openStore, openStoreWith } from "../../lib/store/open.ts";
import type { ObjectStore } from "../../lib/store/store.ts";
import { bytesOf, noise } from "../helpers.ts";
import { failure, FakeS3 } from "./fake_s3.ts";

const url = "s3://bucket/obj/";
const small = bytesOf("hello");
const big = noise(300_000);

async function failureOf(work: Promise<unknown>): Promise<LlamaError> {
  try {
    await work;
  } catch (error) {
    assert(error instanceof LlamaError, String(error));
    return error;
  }
  assert.fail("it did not fail");
}

const put = (store: ObjectStore) => store.put(small);
const get = (store: ObjectStore) => store.get(sha256(small));

const refusals: {
  status: number;
  name: string;
  of?: (store: ObjectStore) => Promise<unknown>;
  code: string;
  hint: string | RegExp;
}[] = [
  {
    status: 404,
    name: "NoSuchBucket",
    code: "config",
    hint: "-store and LLAMA_OBJECT_STORE name the bucket; `aws s3 mb s3://NAME` creates one",
  },
  { status: 404, name: "NoSuchBucket", of: get, code: "config", hint: /name the bucket/ },
  {
    status: 403,
    name: "AccessDenied",
    code: "credentials",
    hint: "the credentials need s3:PutObject on arn:aws:s3:::bucket/*",
  },
  {
    status: 403,
    name: "AccessDenied",
    of: get,
    code: "credentials",
    hint: "the credentials need s3:GetObject on arn:aws:s3:::bucket/*; " +
      "without s3:ListBucket, S3 also reports this for missing objects",
  },
  {
    status: 301,
    name: "PermanentRedirect",
    code: "config",
    hint: "set AWS_REGION to the bucket's region, which is not us-west-2",
  },
  { status: 403, name: "InvalidAccessKeyId", code: "credentials", hint: /^check the access key:/ },
  {
    status: 403,
    name: "SignatureDoesNotMatch",
    code: "credentials",
    hint: /^check the secret access key:/,
  },
  { status: 400, name: "ExpiredToken", code: "credentials", hint: "sign in to AWS again" },
  { status: 400, name: "InvalidToken", code: "credentials", hint: /^check AWS_SESSION_TOKEN/ },
  { status: 400, name: "BadDigest", code: "store", hint: /the file may have changed/ },
];

for (const { status, name, of = put, code, hint } of refusals) {
  Deno.test(`S3's ${name} of a ${of === get ? "GET" : "PUT"} is reported with what to do`, async () => {
    await using s3 = new FakeS3();
    using store = openStore(url, { environment: s3.environment });
    s3.intercept = () => failure(status, name, "S3's own words &amp; more");
    const error = await failureOf(of(store));
    assert.equal(error.code, code);
    const action = of === get ? "GetObject" : "PutObject";
    assert.equal(
      error.message,
      `S3 refused ${action} in bucket bucket, key obj/${sha256(small)}: ` +
        `${name}: S3's own words & more`,
    );
    if (typeof hint === "string") assert.equal(error.hint, hint);
    else assert.match(error.hint ?? "", hint);
    assert.equal(s3.requests.length, 1);
  });
}

for (const [status, name] of [[503, "SlowDown"], [500, "InternalError"]] as const) {
  Deno.test(`S3's ${name} is waited for`, async () => {
    await using s3 = new FakeS3();
    using store = openStore(url, { environment: s3.environment });
    s3.fail(status, name, "later", "PUT");
    await store.put(small);
    assert.equal(s3.requests.length, 2);
  });

  Deno.test(`S3's ${name} that does not end is reported`, async () => {
    await using s3 = new FakeS3();
    const client = new AwsClient({ ...findAccount(s3.environment), maxAttempts: 3 });
    using store = openStoreWith(url, client, { environment: s3.environment });
    s3.intercept = () => failure(status, name, "later");
    const error = await failureOf(store.put(small));
    assert.match(error.message, new RegExp(`: ${name}: later \\(tried 3 times\\)$`));
  });
}

for (const status of [301, 307, 400]) {
  Deno.test(`a bucket in another region is found from S3's ${status}, and remembered`, async () => {
    await using s3 = new FakeS3();
    using store = openStore(url, { environment: s3.environment });
    s3.intercept = () => {
      s3.intercept = () => undefined;
      s3.region = "eu-west-1";
      return failure(status, "PermanentRedirect", "elsewhere", {
        "x-amz-bucket-region": "eu-west-1",
      });
    };
    await store.put(small);
    await store.put(big);
    await store.get(sha256(small));
    assert.deepEqual(s3.requests.map((request) => request.split(" ")[0]), [
      ...["PUT", "PUT"],
      ...["HEAD", "PUT"],
      "GET",
    ]);
    assert.deepEqual(s3.unsigned, []);
  });
}

Deno.test("the region is in the answer's text where it is in no header", async () => {
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  s3.intercept = () => {
    s3.intercept = () => undefined;
    s3.region = "eu-central-1";
    const xml = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region " +
      "'us-west-2' is wrong</Message><Region>eu-central-1</Region></Error>";
    return new Response(xml, { status: 400 });
  };
  await store.put(small);
  assert.equal(s3.requests.length, 2);
});

Deno.test("a bucket that each region says is in another one is given up", async () => {
  await using s3 = new FakeS3();
  using store = openStore(url, { environment: s3.environment });
  s3.intercept = () => {
    s3.region = s3.region === "eu-west-1" ? "eu-west-2" : "eu-west-1";
    return failure(301, "PermanentRedirect", "elsewhere", { "x-amz-bucket-region": s3.region });
  };
  const error = await failureOf(store.put(small));
  assert.match(
    error.message,
    /^bucket bucket is in region eu-west-\d, but could not be reached there$/,
  );
  assert.equal(s3.requests.length, 3);
});

for (const minutes of [-30, 30]) {
  Deno.test(`a clock that is off by ${minutes} minutes does not affect S3's calls`, async () => {
    await using s3 = new FakeS3();
    s3.skew = minutes * 60_000;
    using store = openStore(url, { environment: s3.environment });
    await store.put(big);
    await store.put(small);
    await store.get(sha256(small));
    assert.deepEqual(s3.requests.map((request) => request.split(" ")[0]), [
      // The first is refused, and says what time it is.
      ...["HEAD", "HEAD", "PUT"],
      "PUT",
      "GET",
    ]);
  });
}

Deno.test("a session token that S3 says has expired is renewed once for all calls", async () => {
  await using s3 = new FakeS3();
  s3.sessionToken = "new";
  let found = 0;
  const account = findAccount(s3.environment);
  const client = new AwsClient({
    ...account,
    credentials: async () => ({
      ...await account.credentials(),
      sessionToken: found++ === 0 ? "old" : "new",
    }),
  });
  using store = openStoreWith(url, client, { environment: s3.environment });
  await Promise.all([store.put(small), store.put(bytesOf("a")), store.put(big)]);
  assert.equal(s3.objects.size, 3);
  assert.equal(found, 2);
});
