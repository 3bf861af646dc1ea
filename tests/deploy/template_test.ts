import assert from "node:assert/strict";
import { outputsOf, stackTemplate } from "../../lib/deploy/template.ts";

Deno.test("the bucket is private and encrypted, and what llama puts into it expires", () => {
  const { Bucket } = JSON.parse(stackTemplate("llama", { kind: "generated" })).Resources;
  const properties = Bucket.Properties;
  assert.equal(properties.BucketName, undefined);
  assert.deepEqual(properties.PublicAccessBlockConfiguration, {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  });
  const [encryption] = properties.BucketEncryption.ServerSideEncryptionConfiguration;
  assert.equal(encryption.ServerSideEncryptionByDefault.SSEAlgorithm, "AES256");
  const [expire, abort] = properties.LifecycleConfiguration.Rules;
  assert.deepEqual([expire.Prefix, expire.ExpirationInDays], ["obj/", 31]);
  assert.equal(abort.AbortIncompleteMultipartUpload.DaysAfterInitiation, 1);
});

Deno.test("the role may write logs and use that bucket, and nothing else", () => {
  const { Role } = JSON.parse(stackTemplate("llama", { kind: "own", name: "mine-1" })).Resources;
  const statements = Role.Properties.Policies.flatMap(
    (policy: { PolicyDocument: { Statement: unknown[] } }) => policy.PolicyDocument.Statement,
  );
  const actions = statements.flatMap(({ Action }: { Action: string[] }) => Action);
  assert.deepEqual(actions.toSorted(), [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
  ]);
  for (const { Resource } of statements) {
    const [text, values] = [Resource["Fn::Sub"]].flat();
    assert.match(text, /:s3:::\$\{Name\}(\/\*)?$|:log-group:\/aws\/lambda\/\*$/);
    if (values) assert.deepEqual(values, { Name: "mine-1" });
  }
});

Deno.test("a bucket of the user's own is not among the resources", () => {
  const { Resources } = JSON.parse(stackTemplate("llama", { kind: "own", name: "mine-1" }));
  assert.deepEqual(Object.keys(Resources), ["Role", "Repository"]);
});

Deno.test("the repository has a name that ECR takes", () => {
  const { Repository } = JSON.parse(stackTemplate("My-Llama", { kind: "generated" })).Resources;
  assert.equal(Repository.Properties.RepositoryName, "my-llama");
});

Deno.test("outputs are those of a whole stack of ours, or none", () => {
  const outputs = { Bucket: "b", BucketKind: "named", Role: "r", Repository: "e", More: "x" };
  const whole = { bucket: "b", bucketKind: "named", role: "r", repository: "e" };
  assert.deepEqual(outputsOf(outputs), whole);
  assert.equal(outputsOf({ ...outputs, BucketKind: "other" }), undefined);
  assert.equal(outputsOf({ Bucket: "b" }), undefined);
});
