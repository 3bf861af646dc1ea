import assert from "node:assert/strict";
import { ObjectChecks } from "../../lib/jobs/object_checks.ts";

const gigabyte = 1024 ** 3;

function object(size: number, region?: string, url = "s3://bucket/key") {
  return { url, size, region, etag: '"x"' };
}

Deno.test("objects that do not fit into /tmp are refused before the job is sent", async () => {
  const asked: string[] = [];
  const checks = new ObjectChecks({
    storageOf: (name) => {
      asked.push(name);
      return Promise.resolve(name === "unknown" ? undefined : 2048);
    },
    region: () => Promise.resolve("us-west-2"),
    notice: () => assert.fail("nothing to notice"),
  });
  // Every function has that much.
  await checks.check("f", [object(gigabyte / 4), object(gigabyte / 4)]);
  assert.deepEqual(asked, []);
  await checks.check("f", [object(gigabyte), object(gigabyte)]);
  await assert.rejects(checks.check("f", [object(gigabyte), object(1.5 * gigabyte)]), {
    code: "too-large",
    message: "the job's objects in S3 have 2.68 GB, and /tmp of f has 2.15 GB",
    hint: "llama update-function -storage MB f makes it larger, up to 10240",
  });
  await assert.rejects(checks.check("f", [object(5 * gigabyte)]), {
    message: "s3://bucket/key has 5.37 GB, and /tmp of f has 2.15 GB",
  });
  assert.deepEqual(asked, ["f"]);
  // Whoever may not ask learns it from the runtime.
  await checks.check("unknown", [object(5 * gigabyte)]);
});

Deno.test("a bucket in another region is noticed once, with its cost", async () => {
  const notices: string[] = [];
  const checks = new ObjectChecks({
    storageOf: () => Promise.resolve(undefined),
    region: () => Promise.resolve("us-west-2"),
    notice: (message, hint) => notices.push(message, hint),
  });
  await checks.check("f", [
    object(1, "us-west-2", "s3://here/a"),
    object(1, undefined, "s3://any/a"),
  ]);
  assert.deepEqual(notices, []);
  for (const key of ["a", "b"]) {
    await checks.check("f", [object(1, "eu-west-1", `s3://there/${key}`)]);
  }
  assert.deepEqual(notices, [
    "bucket there is in eu-west-1, and the functions are in us-west-2: AWS bills the data " +
    "between regions, mostly $0.02 per GB",
    "run functions in the bucket's region, with -region eu-west-1",
  ]);
});
