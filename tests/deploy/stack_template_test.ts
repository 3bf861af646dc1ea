import assert from "node:assert/strict";
import {
  changeGrants,
  type Grants,
  grantsOf,
  noGrants,
  parseGrant,
} from "../../lib/deploy/grants.ts";
import { outputsOf, stackTemplate } from "../../lib/deploy/stack_template.ts";

Deno.test("the bucket is private and encrypted, and llama's objects in it expire", () => {
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

type Substitution = { "Fn::Sub": string | [string, Record<string, string>] };

/** A policy statement. */
interface Statement {
  Effect: "Allow" | "Deny";
  Action: string | string[];
  Resource: Substitution | Substitution[];
  Condition?: { StringLike: Record<string, string> };
}

/** Evaluates the role's policies as IAM does: denied by default, and an explicit Deny wins. */
function may(action: string, resource: string, prefix?: string, grants?: Grants): boolean {
  const template = stackTemplate("llama", { kind: "own", name: "mine-1" }, grants);
  const { Role } = JSON.parse(template).Resources;
  const statements: Statement[] = Role.Properties.Policies.flatMap(
    (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
  );
  const isLike = (pattern: string, text: string) =>
    new RegExp(`^${pattern.replace(/[.:/]/g, "\\$&").replaceAll("*", ".*")}$`).test(text);
  const effects = statements.filter(({ Action, Resource, Condition }) =>
    [Action].flat().some((each) => isLike(each, action)) &&
    [Resource].flat().some((each) => isLike(substituted(each), resource)) &&
    (Condition === undefined ||
      (prefix !== undefined && isLike(Condition.StringLike["s3:prefix"] ?? "", prefix)))
  ).map(({ Effect }) => Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}

/** Evaluates `Fn::Sub` as CloudFormation does. */
function substituted({ "Fn::Sub": sub }: Substitution): string {
  const [text, values] = typeof sub === "string" ? [sub, {}] : sub;
  const known: Record<string, string> = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-west-2",
    "AWS::AccountId": "123456789012",
    ...values,
  };
  return text.replace(/\$\{([^}]+)\}/g, (_, name) => known[name] ?? assert.fail(name));
}

Deno.test("the role may write logs and use the store's prefix in the bucket, and nothing else", () => {
  const id = "a".repeat(64);
  const s3 = (action: string, key: string) => may(`s3:${action}`, `arn:aws:s3:::mine-1/${key}`);
  for (const action of ["GetObject", "PutObject", "AbortMultipartUpload"]) {
    assert(s3(action, `obj/${id}`), action);
    assert(s3(action, `obj/run/1/0`), action);
    for (const key of ["mine.txt", `other/obj/${id}`, `objects/${id}`, "obj"]) {
      assert(!s3(action, key), `${action} ${key}`);
    }
    assert(!may(`s3:${action}`, `arn:aws:s3:::other-1/obj/${id}`));
  }
  for (const action of ["DeleteObject", "PutObjectAcl", "GetBucketPolicy", "PutBucketPolicy"]) {
    assert(!s3(action, `obj/${id}`), action);
    assert(!may(`s3:${action}`, "arn:aws:s3:::mine-1"), action);
  }
  assert(may("s3:ListBucket", "arn:aws:s3:::mine-1", "obj/"));
  for (const prefix of [undefined, "", "mine/", "objects/"]) {
    assert(!may("s3:ListBucket", "arn:aws:s3:::mine-1", prefix), prefix);
  }
  const logs = "arn:aws:logs:us-west-2:123456789012:log-group:";
  assert(may("logs:PutLogEvents", `${logs}/aws/lambda/hello:log-stream:1`));
  assert(!may("logs:PutLogEvents", `${logs}/mine`));
});

Deno.test("the role may read and write what bootstrap grants, and nothing beside it", () => {
  const grants = changeGrants(noGrants, {
    read: ["s3://data/raw/", "s3://one/key.txt", "s3://all/"].map(parseGrant),
    write: ["s3://data/out/", "s3://mine-1/"].map(parseGrant),
  }, []);
  const s3 = (action: string, path: string) =>
    may(`s3:${action}`, `arn:aws:s3:::${path}`, undefined, grants);
  const cases: [string, string, boolean][] = [
    ["GetObject", "data/raw/x/y", true],
    ["GetObject", "data/rawer", false],
    ["GetObject", "data/out/x", false],
    ["GetObject", "one/key.txt", true],
    ["GetObject", "one/key.txt2", false],
    ["GetObject", "all/x/y", true],
    ["PutObject", "data/out/x", true],
    ["AbortMultipartUpload", "data/out/x", true],
    ["PutObject", "data/raw/x", false],
    ["PutObject", "one/key.txt", false],
    ["DeleteObject", "data/out/x", false],
    ["PutObject", "mine-1/mine", true],
    // Even if the user grants all of the store's bucket.
    ["PutObject", "mine-1/obj/code/x", false],
    ["PutObject", "mine-1/obj/act/x", false],
  ];
  for (const [action, path, isAllowed] of cases) {
    assert.equal(s3(action, path), isAllowed, `${action} ${path}`);
  }
  const list = (bucket: string, prefix: string) =>
    may("s3:ListBucket", `arn:aws:s3:::${bucket}`, prefix, grants);
  assert(list("data", "raw/x"));
  assert(list("all", ""));
  assert(!list("data", "out/"));
});

Deno.test("a stack remembers its grants, which are added to and revoked by their URLs", () => {
  const grants = changeGrants(
    noGrants,
    { read: ["s3://bbb/", "s3://aaa/x"], write: ["s3://bbb/"] },
    [],
  );
  const { Outputs } = JSON.parse(stackTemplate("llama", { kind: "generated" }, grants));
  const outputs: Record<string, string> = {
    Bucket: "b",
    BucketKind: "named",
    Role: "r",
    Repository: "e",
  };
  for (const [name, { Value }] of Object.entries<{ Value: string }>(Outputs)) {
    outputs[name] ??= Value;
  }
  assert.deepEqual(outputsOf(outputs)?.grants, {
    read: ["s3://aaa/x", "s3://bbb/"],
    write: ["s3://bbb/"],
  });
  assert.deepEqual(
    changeGrants(grantsOf(outputs), { read: ["s3://ccc/"], write: [] }, ["s3://bbb/"]),
    { read: ["s3://aaa/x", "s3://ccc/"], write: [] },
  );
  // Without grants, the template is what it was before there were any.
  assert.equal(
    stackTemplate("llama", { kind: "generated" }, noGrants),
    stackTemplate("llama", { kind: "generated" }),
  );
  assert.equal(parseGrant("s3://bucket"), "s3://bucket/");
  for (const wrong of ["s3://bucket/*", "s3://bucket/a?", "s3://bucket/${x}", "s3://Bucket/"]) {
    assert.throws(() => parseGrant(wrong), { code: "input" }, wrong);
  }
});

Deno.test("the role may neither read nor write code and kept results, by an explicit Deny", () => {
  const { Role } = JSON.parse(stackTemplate("llama", { kind: "generated" })).Resources;
  const denied = JSON.stringify(
    Role.Properties.Policies.flatMap(
      (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
    ).filter(({ Effect }: Statement) => Effect === "Deny"),
  );
  for (const prefix of ["obj/code/*", "obj/act/*"]) {
    assert(denied.includes(prefix), denied);
    for (const action of ["GetObject", "PutObject", "AbortMultipartUpload", "DeleteObject"]) {
      const key = prefix.replace("*", "a".repeat(64));
      assert(!may(`s3:${action}`, `arn:aws:s3:::mine-1/${key}`), `${action} ${key}`);
    }
  }
});

Deno.test("llama's buckets only accept TLS; the user's own bucket keeps its policy", () => {
  for (const choice of [{ kind: "generated" }, { kind: "named", name: "new-1" }] as const) {
    const { BucketPolicy } = JSON.parse(stackTemplate("llama", choice)).Resources;
    assert.deepEqual(BucketPolicy.Properties.Bucket, { Ref: "Bucket" });
    const [statement, ...more] = BucketPolicy.Properties.PolicyDocument.Statement;
    assert.deepEqual(more, []);
    assert.deepEqual([statement.Effect, statement.Principal, statement.Condition], [
      "Deny",
      "*",
      { Bool: { "aws:SecureTransport": "false" } },
    ]);
    assert.equal(statement.Resource.length, 2);
  }
});

Deno.test("the user's own bucket is not among the resources", () => {
  const { Resources } = JSON.parse(stackTemplate("llama", { kind: "own", name: "mine-1" }));
  assert.deepEqual(Object.keys(Resources), ["Role", "Repository"]);
});

Deno.test("the repository has a name that ECR accepts", () => {
  const { Repository } = JSON.parse(stackTemplate("My-Llama", { kind: "generated" })).Resources;
  assert.equal(Repository.Properties.RepositoryName, "my-llama");
});

Deno.test("outputs are only those of a complete stack of llama's", () => {
  const outputs = { Bucket: "b", BucketKind: "named", Role: "r", Repository: "e", More: "x" };
  const whole = { bucket: "b", bucketKind: "named", role: "r", repository: "e", grants: noGrants };
  assert.deepEqual(outputsOf(outputs), whole);
  assert.equal(outputsOf({ ...outputs, BucketKind: "other" }), undefined);
  assert.equal(outputsOf({ Bucket: "b" }), undefined);
});
