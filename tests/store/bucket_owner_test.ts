import assert from "node:assert/strict";
import { accountOfArn, bucketOwner } from "../../lib/store/bucket_owner.ts";
import { openStore, type OpenStoreOptions } from "../../lib/store/open.ts";
import { LlamaError } from "../../lib/errors.ts";
import { noise } from "../helpers.ts";
import { FakeLambda } from "../runtime/fake_lambda.ts";
import { FakeS3 } from "./fake_s3.ts";

const account = "123456789012";

/** S3 that keeps the owner that each request expects. */
function owners(): { s3: FakeS3; seen: (string | null)[] } {
  const s3 = new FakeS3();
  const seen: (string | null)[] = [];
  s3.intercept = (request) => {
    seen.push(request.headers.get("x-amz-expected-bucket-owner"));
    return undefined;
  };
  return { s3, seen };
}

Deno.test("an ARN names its account; emulators' accounts do not count", () => {
  assert.equal(accountOfArn(`arn:aws:lambda:us-west-2:${account}:function:x:live`), account);
  assert.equal(accountOfArn(`arn:aws-cn:iam::${account}:role/x`), account);
  for (
    const arn of [
      ...[undefined, "", "x", account, "arn:aws:s3:::bucket"],
      "arn:aws:lambda:us-west-2:000000000000:function:x",
      "arn:aws:lambda:us-east-1:012345678912:function:test_function",
    ]
  ) {
    assert.equal(accountOfArn(arn), undefined, arn);
  }
});

Deno.test("LLAMA_BUCKET_OWNER names another account, or any", () => {
  const owner = (LLAMA_BUCKET_OWNER: string) => bucketOwner({ LLAMA_BUCKET_OWNER }, account);
  assert.equal(owner(""), account);
  assert.equal(owner("999999999999"), "999999999999");
  assert.equal(owner("any"), undefined);
  assert.throws(() => owner("me"), {
    message: 'LLAMA_BUCKET_OWNER must be a 12-digit account number or "any", not "me"',
  });
});

/** Makes each kind of call: small and big objects, whole and in parts, there and not there. */
async function useStore(s3: FakeS3, options: Partial<OpenStoreOptions>): Promise<void> {
  const environment = { ...s3.environment, ...options.environment };
  using store = openStore("s3://bucket/obj/", { ...options, environment });
  for (const size of [10, 300_000, 9_000_000, 70_000_000]) {
    const id = await store.put(noise(size));
    assert.equal((await store.get(id)).length, size);
  }
  assert(!await store.has("0".repeat(64)));
}

Deno.test("each request to S3 states the bucket's expected owner, if known", async () => {
  for (const bucketOwner of [account, undefined]) {
    const { s3, seen } = owners();
    await using _s3 = s3;
    await useStore(s3, { bucketOwner });
    assert.deepEqual(s3.unsigned, []);
    assert(seen.length > 12, String(seen.length));
    assert.deepEqual(new Set(seen), new Set([bucketOwner ?? null]));
  }
  const { s3, seen } = owners();
  await using _s3 = s3;
  using store = openStore("s3://bucket/obj/", {
    bucketOwner: account,
    environment: { ...s3.environment, LLAMA_BUCKET_OWNER: "any" },
  });
  await store.put(noise(10));
  assert.deepEqual(seen, [null]);
});

Deno.test("a bucket of another account is refused with what to set", async () => {
  await using s3 = new FakeS3();
  s3.fail(403, "AccessDenied", "Access Denied");
  using store = openStore("s3://bucket/obj/", {
    bucketOwner: account,
    environment: s3.environment,
  });
  await assert.rejects(store.put(noise(10)), (error) => {
    assert(error instanceof LlamaError);
    assert.match(
      error.hint ?? "",
      /; if the bucket is not account 123456789012's, set LLAMA_BUCKET_OWNER to its account$/,
    );
    return true;
  });
});

Deno.test("the runtime takes the account from the function's ARN", async () => {
  const arn = (account: string) => `arn:aws:lambda:us-west-2:${account}:function:hello`;
  const cases: [string, Record<string, string>, string | null][] = [
    [arn(account), {}, account],
    [arn(account), { LLAMA_BUCKET_OWNER: "999999999999" }, "999999999999"],
    [arn("000000000000"), {}, null],
  ];
  for (const [functionArn, more, expected] of cases) {
    const { s3, seen } = owners();
    await using _s3 = s3;
    const own = Object.entries(s3.environment).filter((entry): entry is [string, string] =>
      entry[1] !== undefined
    );
    const env = { ...Object.fromEntries(own), LLAMA_OBJECT_STORE: "s3://bucket/obj/", ...more };
    await using lambda = new FakeLambda({ env, functionArn });
    await lambda.run({ args: ["sh", "-c", "head -c 400000 /dev/zero"] });
    assert.deepEqual(new Set(seen), new Set([expected]));
  }
});
