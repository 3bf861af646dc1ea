import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import { examine, type Finding, type Patient } from "../../lib/deploy/doctor.ts";
import type { Settings } from "../../lib/settings.ts";
import { LlamaError } from "../../lib/errors.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { version } from "../../lib/version.ts";
import {
  json,
  lambdaError,
  noStack,
  query,
  queryError,
  type Script,
  ScriptedAws,
  stack,
} from "../scripted_aws.ts";

const now = new Date("2026-11-24T12:00:00Z");
const layer = "arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime:2";
const settings: Settings = {
  region: "us-west-2",
  store: "s3://bucket/obj/",
  role: "arn:aws:iam::123456789012:role/llama",
  layer,
};

const identity = (date = now.toUTCString(), account = "123456789012") =>
  query(
    "GetCallerIdentity",
    `<Arn>arn:aws:iam::${account}:user/a</Arn><Account>${account}</Account>`,
    { date },
  );
const role = (service = "lambda.amazonaws.com") =>
  query(
    "GetRole",
    `<Role><AssumeRolePolicyDocument>${encodeURIComponent(`{"Service":"${service}"}`)}` +
      `</AssumeRolePolicyDocument></Role>`,
  );
const layerOf = (text: string) =>
  json({ LayerVersionArn: layer, Version: 2, Description: `llama ${text}, sha256 0` });
/** https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html */
const limits = (all: number, unreserved: number) =>
  json({ AccountLimit: { ConcurrentExecutions: all, UnreservedConcurrentExecutions: unreserved } });
const configuration = (changes: object = {}) => ({
  FunctionName: "hello",
  FunctionArn: "arn",
  Role: "r",
  MemorySize: 128,
  Timeout: 10,
  Runtime: "provided.al2023",
  Layers: [{ Arn: layer }],
  Environment: { Variables: { LLAMA_OBJECT_STORE: settings.store } },
  ...changes,
});
const hello = (changes: object = {}): Script => ({
  ListFunctions: [json({ Functions: [configuration()] })],
  GetFunction: [json({ Configuration: configuration(changes), Tags: { llama: "llama" } })],
});

/** A function with a layer version other than the one in the settings. */
const older = { Layers: [{ Arn: layer.replace(/2$/, "1") }] };

const healthy: Script = {
  GetCallerIdentity: [identity()],
  GetRole: [role()],
  GetLayerVersion: [layerOf(version)],
  GetAccountSettings: [limits(1000, 900)],
  ...hello(),
};

/** Returns the findings as lines, without the first, which is llama's version, and the skipped checks. */
async function lines(
  script: Script = {},
  changes: Partial<Settings> = {},
  store = new MemoryStore(),
) {
  return (await examined(script, changes, store)).found;
}

async function examined(
  script: Script = {},
  changes: Partial<Settings> = {},
  store = new MemoryStore(),
  more: Partial<Patient> = {},
) {
  await using aws = new ScriptedAws({ ...healthy, ...script });
  const found: Finding[] = [];
  const patient = {
    client: aws.client,
    settings: { ...settings, ...changes },
    openStore: () => store,
    now: () => now,
    ...more,
  };
  const findings = examine(patient);
  let next = await findings.next();
  for (; !next.done; next = await findings.next()) found.push(next.value);
  const lines = found.slice(1).map(({ subject, isGood, words, hint }) =>
    `${isGood ? "+" : "-"} ${subject}: ${words}${hint ? ` (${hint})` : ""}`
  );
  return { found: lines, unseen: Object.fromEntries(next.value) };
}

const only = (all: string[], subject: string) =>
  all.filter((line) => line.slice(2).startsWith(`${subject}:`));

Deno.test("a healthy setup passes every check", async () => {
  assert.deepEqual(await lines(), [
    "+ region: us-west-2",
    "+ credentials: account 123456789012, arn:aws:iam::123456789012:user/a",
    "+ clock: correct",
    "+ store: s3://bucket/obj/ can be written and read",
    "+ role: arn:aws:iam::123456789012:role/llama",
    `+ layer: ${layer}`,
    "+ concurrency: 1000 concurrent invocations, of which 100 are reserved",
    "+ functions: 1 function",
    "+ function hello: zip on provided.al2023, 128 MB, 10 s, x86_64, Active",
  ]);
});

Deno.test("without credentials no check calls AWS", async () => {
  const refused = queryError(403, "ExpiredToken", "The security token is expired");
  const found = await lines({ GetCallerIdentity: [refused] });
  assert.equal(found.length, 2);
  assert.match(found[1] ?? "", /^- credentials: STS refused .*ExpiredToken: .*\(.*sign in again/);
});

Deno.test("without credentials, checks that need none are made, and the others are listed", async () => {
  const refused = queryError(403, "ExpiredToken", "The security token is expired");
  const changes = { layer: undefined, store: "file:///tmp/store", stack: "llama" };
  const { found, unseen } = await examined({ GetCallerIdentity: [refused] }, changes);
  assert.deepEqual(found.slice(2), [
    "+ store: file:///tmp/store can be written and read",
    "- layer: none is set: zip functions have no runtime (run `llama bootstrap`)",
  ]);
  assert.deepEqual(unseen, { credentials: ["stack", "role", "concurrency", "functions"] });
});

Deno.test("the other services are checked even if STS cannot be reached", async () => {
  const { found, unseen } = await examined({
    GetCallerIdentity: [queryError(400, "RegionDisabledException", "STS is not activated")],
  });
  assert.match(found[1] ?? "", /^- credentials: .*RegionDisabledException/);
  const ticks = ["store", "role", "layer", "concurrency", "functions", "function hello"];
  assert.deepEqual(
    found.slice(2).map((line) => line.split(":")[0]),
    ticks.map((each) => `+ ${each}`),
  );
  assert.deepEqual(unseen, {});
});

Deno.test("without a region, only checks that need none are made", async () => {
  using client = new AwsClient({
    credentials: () => assert.fail("nothing is signed"),
    location: () => Promise.reject(new LlamaError("config", "no AWS region", { hint: "set one" })),
  });
  const { found, unseen } = await examined({}, { role: undefined }, undefined, { client });
  assert.deepEqual(found, [
    "- region: no AWS region (set one)",
    "- role: none is set (run `llama bootstrap`)",
  ]);
  assert.deepEqual(unseen, {
    "a region": ["credentials", "store", "layer", "concurrency", "functions"],
  });
});

Deno.test("with a broken settings file, checks that do not need it are made", async () => {
  const unset = { store: undefined, role: undefined, layer: undefined };
  const { found, unseen } = await examined({}, unset, undefined, { isFileBroken: true });
  assert.deepEqual(found.map((line) => line.split(":")[0]), [
    ...["+ region", "+ credentials", "+ clock", "+ concurrency"],
  ]);
  assert.deepEqual(unseen, { "the settings": ["store", "role", "layer", "functions"] });
});

const outputs = {
  Bucket: "bucket",
  BucketKind: "generated",
  Role: settings.role ?? "",
  Repository: "123456789012.dkr.ecr.us-west-2.amazonaws.com/llama",
};

Deno.test("a complete stack passes, and an incomplete one has to be torn down first", async () => {
  const whole = stack("CREATE_COMPLETE", outputs);
  const granting = stack("CREATE_COMPLETE", {
    ...outputs,
    Read1: "s3://data/in/",
    Write1: "s3://data/out/",
  });
  const teardown = "(run `llama teardown` first, then `llama bootstrap`)";
  const cases: [string, Script, string | RegExp][] = [
    ["stack", { DescribeStacks: [whole] }, "+ stack: llama is CREATE_COMPLETE"],
    [
      "stack",
      { DescribeStacks: [noStack] },
      "- stack: llama does not exist (run `llama bootstrap`)",
    ],
    [
      "stack",
      { DescribeStacks: [stack("DELETE_FAILED", outputs)] },
      `- stack: llama is DELETE_FAILED ${teardown}`,
    ],
    [
      "stack",
      { DescribeStacks: [stack("UPDATE_COMPLETE")] },
      `- stack: llama is UPDATE_COMPLETE, without its outputs ${teardown}`,
    ],
    ["stack", { DescribeStacks: [stack("DELETE_IN_PROGRESS")] }, /\(wait until CloudFormation/],
    [
      "stack",
      { DescribeStacks: [stack("UPDATE_ROLLBACK_FAILED", outputs)] },
      /continue-update-rollback --stack-name llama`\)$/,
    ],
    [
      "stack",
      { DescribeStacks: [stack("CREATE_COMPLETE", outputs, {})] },
      /llama is not llama's: it has no tag llama \(set the name of llama's stack/,
    ],
    [
      "role",
      { DescribeStacks: [whole], GetRole: [queryError(404, "NoSuchEntity", "none")] },
      `- role: ${settings.role} does not exist ${teardown}`,
    ],
    [
      "repository",
      {
        DescribeStacks: [whole],
        DescribeRepositories: [
          () =>
            Response.json({ __type: "RepositoryNotFoundException", message: "none" }, {
              status: 400,
            }),
        ],
      },
      `- repository: ${outputs.Repository} does not exist ${teardown}`,
    ],
    [
      "grants",
      { DescribeStacks: [granting], HeadBucket: [() => new Response(null, { status: 404 })] },
      "- grants: the bucket data does not exist " +
      "(llama bootstrap -revoke s3://data/in/ -revoke s3://data/out/)",
    ],
    [
      "grants",
      {
        DescribeStacks: [granting],
        HeadBucket: [() => new Response(null, { headers: { "x-amz-bucket-region": "eu-west-1" } })],
        GetRolePolicy: [queryError(403, "AccessDenied", "no permission for iam:GetRolePolicy")],
      },
      "+ grants: functions may read s3://data/in/; may write s3://data/out/; " +
      "data is in eu-west-1, and AWS bills data that leaves a region",
    ],
    [
      "repository",
      { DescribeStacks: [whole], DescribeRepositories: [json({ repositories: [] })] },
      `+ repository: ${outputs.Repository}`,
    ],
  ];
  const elsewhere = await lines({ DescribeStacks: [whole] }, {
    repository: "localhost:5000/llama",
  });
  assert.match(
    only(elsewhere, "repository")[0] ?? "",
    /^- repository: .* is not in ECR, the only/,
  );
  for (const [subject, script, expected] of cases) {
    const changes = { stack: "llama", repository: outputs.Repository };
    const [line = "", ...more] = only(await lines(script, changes), subject);
    assert.deepEqual(more, []);
    if (typeof expected === "string") assert.equal(line, expected);
    else assert.match(line, expected);
  }
});

Deno.test("a stack without its bucket has to be torn down first", async () => {
  const { found } = await examined(
    {
      DescribeStacks: [stack("CREATE_COMPLETE", outputs)],
      HeadBucket: [() => new Response(null, { status: 404 })],
    },
    { stack: "llama" },
    new class extends MemoryStore {
      override put(): Promise<string> {
        return Promise.reject(new LlamaError("config", "S3 refused PutObject: NoSuchBucket"));
      }
    }(),
  );
  assert.deepEqual(only(found, "store"), [
    "- store: the stack's bucket bucket does not exist " +
    "(run `llama teardown` first, then `llama bootstrap`)",
  ]);
});

Deno.test("all problems of a function are reported", async () => {
  const found = await lines(hello({
    Runtime: "provided.al2",
    Layers: [{ Arn: layer.replace(/2$/, "1") }],
    Environment: { Variables: {} },
    LastUpdateStatus: "Failed",
    LastUpdateStatusReason: "no image",
  }));
  assert.deepEqual(
    only(found, "function hello").map((line) => line.replace(/ \(.*/, "")),
    [
      "- function hello: its last update failed: no image",
      "- function hello: its runtime is provided.al2, not provided.al2023",
      `- function hello: its runtime is ${version}, from ${layer.replace(/2$/, "1")}, ` +
      `and llama is ${version}, in ${layer}`,
      "- function hello: its LLAMA_OBJECT_STORE is not set, and the store setting is s3://bucket/obj/",
    ],
  );
});

/** What IAM says of the role's policy about the store. */
const storePolicy = (...statements: object[]) =>
  query(
    "GetRolePolicy",
    `<PolicyDocument>${
      encodeURIComponent(JSON.stringify({ Version: "2012-10-17", Statement: statements }))
    }</PolicyDocument>`,
  );
const denial = (action: string[], prefix: string) => ({
  Effect: "Deny",
  Action: action,
  Resource: [`arn:aws:s3:::bucket/obj/code/*`, `arn:aws:s3:::bucket/obj/${prefix}*`],
});

Deno.test("a stack's role that may read or write kept results is a cross", async () => {
  const all = ["s3:GetObject", "s3:PutObject"];
  const allowed = {
    Effect: "Allow",
    Action: "s3:GetObject",
    Resource: "arn:aws:s3:::bucket/obj/*",
  };
  for (
    const [answer, isGood] of [
      [storePolicy(allowed, denial(all, "act/")), true],
      [queryError(403, "AccessDenied", "no permission for iam:GetRolePolicy"), true],
      [storePolicy(allowed), false],
      [storePolicy(denial(all, "run/")), false],
      [storePolicy(denial(["s3:PutObject"], "act/")), false],
      [storePolicy({ ...denial(all, "act/"), Effect: "Allow" }), false],
      [queryError(404, "NoSuchEntity", "no such policy"), false],
    ] as const
  ) {
    const script = { DescribeStacks: [stack("CREATE_COMPLETE", outputs)], GetRolePolicy: [answer] };
    const found = only(await lines(script, { stack: "llama" }), "role");
    assert.match(
      found[0] ?? "",
      isGood ? /^\+ role: arn/ : /^- role: functions .* may write kept results .*`llama bootstrap`/,
    );
  }
});

Deno.test("a grant that the role's policy lacks is a cross, with what writes it again", async () => {
  const granting = stack("CREATE_COMPLETE", {
    ...outputs,
    Read1: "s3://data/in/",
    Read2: "s3://data/one file",
    Write1: "s3://data/in/",
  });
  const allow = (action: string | string[], keys: string, more = {}) => ({
    Effect: "Allow",
    Action: action,
    Resource: `arn:aws:s3:::data${keys}`,
    ...more,
  });
  const listing = (prefix: string) =>
    allow("s3:ListBucket", "", { Condition: { StringLike: { "s3:prefix": prefix } } });
  const reading = [allow(["s3:GetObject"], "/in/*"), listing("in/*")];
  const single = [allow("s3:GetObject", "/one file"), listing("one file")];
  const put = ["s3:PutObject", "s3:AbortMultipartUpload"];
  const writing = allow(put, "/in/*");
  const [first = assert.fail()] = reading;
  const role = `the policy of ${outputs.Role} lacks what the stack has granted:`;
  const again = (flags: string) =>
    `(llama bootstrap -revoke s3://data/in/ && llama bootstrap ${flags})`;
  const lacksWriting = `- grants: ${role} -write s3://data/in/ ${again("-write s3://data/in/")}`;
  const fine =
    "+ grants: functions may read s3://data/in/; functions may read s3://data/one file; " +
    "may write s3://data/in/";
  for (
    const [answer, expected] of [
      [storePolicy(...reading, ...single, writing), fine],
      [storePolicy(...reading, ...single), lacksWriting],
      [storePolicy(...reading, ...single, allow("s3:PutObject", "/in/*")), lacksWriting],
      [storePolicy(...reading, ...single, allow(put, "/other/*")), lacksWriting],
      [storePolicy(...reading, ...single, { ...writing, Effect: "Deny" }), lacksWriting],
      [
        storePolicy(...reading, ...single, { ...writing, Condition: { Bool: { x: "true" } } }),
        lacksWriting,
      ],
      [
        storePolicy(first, listing("other/*"), ...single, writing),
        `- grants: ${role} -read s3://data/in/ ${again("-read s3://data/in/")}`,
      ],
      [
        queryError(404, "NoSuchEntity", "no such policy"),
        `- grants: ${role} -read s3://data/in/, -read s3://data/one file, -write s3://data/in/ ` +
        "(llama bootstrap -revoke s3://data/in/ -revoke 's3://data/one file' && " +
        "llama bootstrap -read s3://data/in/ -read 's3://data/one file' -write s3://data/in/)",
      ],
      [queryError(403, "AccessDenied", "no permission for iam:GetRolePolicy"), fine],
    ] as const
  ) {
    const script = {
      DescribeStacks: [granting],
      HeadBucket: [() => new Response(null)],
      GetRolePolicy: [answer],
    };
    assert.deepEqual(only(await lines(script, { stack: "llama" }), "grants"), [expected]);
  }
});

Deno.test("each problem is a cross with a suggested fix", async () => {
  const late = new Date(now.getTime() + 300_000).toUTCString();
  const cases: [string, Script, Partial<Settings>, string | RegExp][] = [
    [
      "clock",
      { GetCallerIdentity: [identity(late)] },
      {},
      "- clock: 300 seconds behind AWS's (set the clock, preferably by NTP)",
    ],
    ["store", {}, { store: undefined }, /^- store: none is set: .*\(run `llama bootstrap`\)$/],
    ["role", {}, { role: undefined }, "- role: none is set (run `llama bootstrap`)"],
    [
      "role",
      { GetRole: [queryError(404, "NoSuchEntity", "none")] },
      {},
      "- role: arn:aws:iam::123456789012:role/llama does not exist (run `llama bootstrap`)",
    ],
    ["role", { GetRole: [role("ec2.amazonaws.com")] }, {}, /Lambda may not assume/],
    [
      "role",
      { GetCallerIdentity: [identity(undefined, "999999999999")] },
      {},
      /belongs to account 123456789012, and the credentials to 999999999999 \(use that account's/,
    ],
    [
      "layer",
      { GetLayerVersion: [layerOf("0.0.1")] },
      {},
      `- layer: ${layer} has runtime 0.0.1, and llama is ${version} (run \`llama bootstrap\`, then ` +
      "`llama update-function -all`)",
    ],
    [
      "layer",
      { GetLayerVersion: [layerOf("1000.0.0")] },
      {},
      `- layer: ${layer} has runtime 1000.0.0, and llama is ${version} (update llama)`,
    ],
    [
      "layer",
      { GetLayerVersion: [lambdaError(404, "ResourceNotFoundException", "none")] },
      {},
      `- layer: ${layer} does not exist (run \`llama bootstrap\`)`,
    ],
    ["layer", {}, { layer: undefined }, /^- layer: none is set/],
    [
      "layerArm64",
      { GetLayerVersion: [lambdaError(404, "ResourceNotFoundException", "none")] },
      { layerArm64: layer },
      /does not exist \(run `llama bootstrap -arch arm64`\)$/,
    ],
    [
      "concurrency",
      { GetAccountSettings: [limits(10, 10)] },
      {},
      /^- concurrency: 10 concurrent invocations \(request an increase: Service Quotas/,
    ],
    [
      "concurrency",
      { GetAccountSettings: [lambdaError(403, "AccessDeniedException", "no")] },
      {},
      /\(the credentials need lambda:GetAccountSettings\)$/,
    ],
    [
      "concurrency",
      { GetAccountSettings: [lambdaError(404, "UnknownOperation", "no")] },
      {},
      /UnknownOperation: no \(`llama -debug-aws doctor` shows each call and its response\)$/,
    ],
    ["function hello", hello({ Runtime: "provided.al2" }), {}, /its runtime is provided\.al2, not/],
    [
      "function hello",
      { ...hello(older), GetLayerVersion: [layerOf(version), layerOf("0.0.1")] },
      {},
      `- function hello: its runtime is 0.0.1, from ${layer.replace(/2$/, "1")}, and llama is ` +
      `${version} (run \`llama update-function hello\`)`,
    ],
    [
      "function hello",
      { ...hello(older), GetLayerVersion: [layerOf(version), layerOf("1000.0.0")] },
      {},
      /its runtime is 1000\.0\.0, from .*:1, and llama is .* \(update llama\)$/,
    ],
    [
      "function hello",
      // The same version, built anew.
      hello(older),
      {},
      /its runtime is .*:1, and llama is .*, in .*:2 \(run `llama update-function hello`\)$/,
    ],
    [
      "function hello",
      {
        ...hello(older),
        GetLayerVersion: [layerOf(version), lambdaError(404, "ResourceNotFoundException", "none")],
      },
      {},
      /its runtime is of unknown version, from .*:1, .* \(run `llama update-function hello`\)$/,
    ],
    [
      "function hello",
      {
        ...hello(older),
        GetLayerVersion: [layerOf(version), lambdaError(403, "AccessDeniedException", "no")],
      },
      {},
      /\(the credentials need lambda:GetLayerVersion\)$/,
    ],
    [
      "function hello",
      hello({ Environment: { Variables: { LLAMA_OBJECT_STORE: "s3://other/" } } }),
      {},
      /its LLAMA_OBJECT_STORE is s3:\/\/other\/, and the store setting is s3:\/\/bucket\/obj\/ \(large files cannot/,
    ],
    [
      "function hello",
      hello({ State: "Failed", StateReason: "no image" }),
      {},
      /its creation failed: no image/,
    ],
    [
      "function hello",
      hello({ LastUpdateStatus: "Failed", LastUpdateStatusReason: "no image" }),
      {},
      /its last update failed: no image/,
    ],
  ];
  for (const [subject, script, changes, expected] of cases) {
    const [line = "", ...more] = only(await lines(script, changes), subject);
    assert.deepEqual(more, []);
    if (typeof expected === "string") assert.equal(line, expected);
    else assert.match(line, expected);
    assert(line.startsWith("- "), line);
  }
});

Deno.test("the functions of another stack are not checked", async () => {
  const found = await lines(hello({ Runtime: "provided.al2" }), { stack: "second" });
  assert.deepEqual(found.slice(-1), ["+ functions: 0 functions"]);
  const untagged = {
    ...hello(),
    GetFunction: [json({ Configuration: configuration() })],
  };
  const [line = ""] = (await lines(untagged, { stack: "second" })).slice(-1);
  assert.match(line, /^\+ function hello: zip/);
});

Deno.test("a store that cannot be written is a cross", async () => {
  class Broken extends MemoryStore {
    override put(): Promise<string> {
      return Promise.reject(new LlamaError("store", "S3 refused PutObject", { hint: "needs it" }));
    }
  }
  const found = only(await lines({}, {}, new Broken()), "store");
  assert.deepEqual(found, ["- store: S3 refused PutObject (needs it)"]);
});
