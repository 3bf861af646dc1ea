import assert from "node:assert/strict";
import { getFunction } from "../../lib/aws/api/lambda_functions.ts";
import { deployFunction, type Deployment, type FunctionWork } from "../../lib/deploy/function.ts";
import type { FunctionPlan } from "../../lib/deploy/function_plan.ts";
import { type Answer, json, lambdaError, type Script, ScriptedAws } from "../scripted_aws.ts";
import { failureOf } from "./failure_of.ts";

const role = "arn:aws:iam::123456789012:role/llama";
const layer = "arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime:1";

/** What Lambda says of a function: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html */
const configuration = {
  FunctionName: "hello",
  FunctionArn: "arn:aws:lambda:us-west-2:123456789012:function:hello",
  PackageType: "Zip",
  Architectures: ["x86_64"],
  Description: "",
  Role: role,
  MemorySize: 128,
  Timeout: 10,
  EphemeralStorage: { Size: 512 },
  Environment: { Variables: {} },
  Runtime: "provided.al2023",
  Handler: "hello.sh",
  Layers: [{ Arn: layer, CodeSize: 1 }],
  VpcConfig: null,
  CodeSha256: "old",
  LastModified: "2026-11-24T12:00:00.000+0000",
  State: "Active",
  LastUpdateStatus: "Successful",
};

const plan: FunctionPlan = {
  architecture: "x86_64",
  concurrency: undefined,
  isPure: undefined,
  settings: {
    description: "",
    role,
    memory: 128,
    timeout: 10,
    ephemeralStorage: 512,
    environment: {},
    runtime: "provided.al2023",
    handler: "hello.sh",
    layers: [layer],
  },
};

const deployment: Deployment = {
  name: "hello",
  plan,
  code: { ZipFile: "UEs=" },
  codeSha256: "old",
  stack: "llama",
};

const is = (changes: Record<string, unknown> = {}): Answer =>
  json({ ...configuration, ...changes });
const found = (changes: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
  json({ Configuration: { ...configuration, ...changes }, Tags: { llama: "llama" }, ...more });

/** https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html */
const early = lambdaError(
  400,
  "InvalidParameterValueException",
  "The role defined for the function cannot be assumed by Lambda.",
);

function scripted(script: Script) {
  const aws = new ScriptedAws(script);
  const waits: string[] = [];
  const pauses: number[] = [];
  const work: FunctionWork = {
    client: aws.client,
    pause: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
    onWait: (what) => waits.push(what),
  };
  return {
    aws,
    waits,
    pauses,
    deploy: async (changes: Partial<Deployment> = {}) => {
      const current = "GetFunction" in script ? await getFunction(aws.client, "hello") : undefined;
      return await deployFunction(work, { ...deployment, ...changes }, current);
    },
    create: (changes: Partial<Deployment> = {}) =>
      deployFunction(work, { ...deployment, ...changes }, undefined),
    [Symbol.asyncDispose]: () => aws[Symbol.asyncDispose](),
  };
}

Deno.test("deploying a new function waits until it is active", async () => {
  // https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
  await using test = scripted({
    CreateFunction: [is({ State: "Pending", StateReason: "The function is being created." })],
    GetFunction: [found({ State: "Pending" }), found({ State: "Pending" }), found()],
  });
  const { isNew, function: made } = await test.create();
  assert.deepEqual([isNew, made.state], [true, "Active"]);
  assert.deepEqual(test.pauses, [1000, 1000]);
  assert.deepEqual(test.waits, ["waiting until hello is ready"]);
  assert.deepEqual(test.aws.inputOf("CreateFunction"), {
    FunctionName: "hello",
    PackageType: "Zip",
    Architectures: ["x86_64"],
    Code: { ZipFile: "UEs=" },
    Tags: { llama: "llama" },
    Description: "",
    Role: role,
    MemorySize: 128,
    Timeout: 10,
    EphemeralStorage: { Size: 512 },
    Environment: { Variables: {} },
    Runtime: "provided.al2023",
    Handler: "hello.sh",
    Layers: [layer],
  });
});

Deno.test("deploying waits until IAM has propagated a new role", async () => {
  await using test = scripted({ CreateFunction: [early, early, is()] });
  assert.equal((await test.create()).isNew, true);
  assert.deepEqual(test.pauses, [5000, 5000]);
  assert.deepEqual(test.waits, ["waiting until Lambda can use the role"]);
});

Deno.test("a role that is never propagated is an error after two minutes", async () => {
  await using test = scripted({ CreateFunction: [early] });
  const [message = "", hint = ""] = await failureOf(test.create());
  assert.match(message, /^Lambda refused CreateFunction: InvalidParameterValueException: The role/);
  assert.match(
    hint,
    /^the role must exist and trust lambda\.amazonaws\.com, and .*: `llama doctor`/,
  );
  assert.equal(test.pauses.reduce((sum, pause) => sum + pause, 0), 115_000);
});

Deno.test("a new function that fails is removed", async () => {
  await using test = scripted({
    CreateFunction: [is({ State: "Pending" })],
    GetFunction: [found({ State: "Failed", StateReason: "The image is damaged." })],
    DeleteFunction: [() => new Response(null, { status: 204 })],
  });
  assert.deepEqual(await failureOf(test.create()), [
    "the function hello failed: The image is damaged.",
    "it has been removed",
  ]);
  assert.deepEqual(test.aws.changes, ["CreateFunction", "DeleteFunction"]);
});

Deno.test("a function whose creation failed is created again", async () => {
  await using test = scripted({
    GetFunction: [found({ State: "Failed", StateReason: "No such image." }), found()],
    DeleteFunction: [() => new Response(null, { status: 204 })],
    CreateFunction: [is({ State: "Pending" })],
  });
  assert.equal((await test.deploy()).isNew, true);
  assert.deepEqual(test.aws.changes, ["DeleteFunction", "CreateFunction"]);
  assert.match(test.waits[0] ?? "", /creating hello again, since it failed: No such image\.$/);
});

Deno.test("a function that is up to date is not changed", async () => {
  await using test = scripted({ GetFunction: [found()] });
  assert.deepEqual((await test.deploy()).changes, []);
  assert.deepEqual(test.aws.changes, []);
});

Deno.test("only differences are applied, and each change is waited for", async () => {
  await using test = scripted({
    GetFunction: [found(), found({ MemorySize: 512 }), found({ CodeSha256: "new" })],
    UpdateFunctionConfiguration: [is({ LastUpdateStatus: "InProgress" })],
    UpdateFunctionCode: [is({ LastUpdateStatus: "InProgress" })],
    PutFunctionConcurrency: [json({ ReservedConcurrentExecutions: 5 })],
  });
  const { changes } = await test.deploy({
    codeSha256: "new",
    plan: { ...plan, concurrency: 5, settings: { ...plan.settings, memory: 512 } },
  });
  assert.deepEqual(changes, ["memory 128 -> 512 MB", "code", "concurrency none -> 5"]);
  assert.deepEqual(test.aws.changes, [
    "UpdateFunctionConfiguration",
    "UpdateFunctionCode",
    "PutFunctionConcurrency",
  ]);
});

Deno.test("a pending update is waited for before the function is changed", async () => {
  await using test = scripted({
    GetFunction: [
      found({ LastUpdateStatus: "InProgress" }),
      found({ LastUpdateStatus: "InProgress" }),
      found(),
    ],
  });
  assert.deepEqual((await test.deploy()).changes, []);
  assert.deepEqual(test.pauses, [1000]);
});

Deno.test("a failed update gives the reason, and says that the function still runs", async () => {
  await using test = scripted({
    GetFunction: [
      found(),
      found({ LastUpdateStatus: "Failed", LastUpdateStatusReason: "No access to the image." }),
    ],
    UpdateFunctionCode: [is({ LastUpdateStatus: "InProgress" })],
  });
  assert.deepEqual(await failureOf(test.deploy({ codeSha256: "new" })), [
    "the function hello could not be updated: No access to the image.",
    "it still runs as before",
  ]);
});

Deno.test("if the code is rejected after the settings changed, the hint says so", async () => {
  const message = "User: x is not authorized to perform: lambda:UpdateFunctionCode on resource: y";
  await using test = scripted({
    GetFunction: [found()],
    UpdateFunctionConfiguration: [is({ Timeout: 20 })],
    UpdateFunctionCode: [lambdaError(403, "AccessDeniedException", message)],
  });
  const changed = { ...plan, settings: { ...plan.settings, timeout: 20 } };
  assert.deepEqual(await failureOf(test.deploy({ codeSha256: "new", plan: changed })), [
    `Lambda refused UpdateFunctionCode: AccessDeniedException: ${message}`,
    "the credentials need lambda:UpdateFunctionCode; already changed: timeout 10 -> 20 s",
  ]);
});

Deno.test("a missing permission to pass the role is named", async () => {
  const message = "User: x is not authorized to perform: iam:PassRole on resource: y because no " +
    "identity-based policy allows the iam:PassRole action";
  await using test = scripted({
    CreateFunction: [lambdaError(403, "AccessDeniedException", message)],
  });
  const [, hint] = await failureOf(test.create());
  assert.equal(hint, "the credentials need iam:PassRole");
});

Deno.test("a new function whose code is not the zip that was sent is removed", async () => {
  await using test = scripted({
    CreateFunction: [is({ CodeSha256: "planted" })],
    DeleteFunction: [() => new Response(null, { status: 204 })],
  });
  const [message, hint] = await failureOf(test.create());
  assert.equal(message, "the code of hello is not the zip that was sent: CodeSha256 differs");
  assert.match(hint, /^the function has been removed; /);
  assert.deepEqual(test.aws.changes, ["CreateFunction", "DeleteFunction"]);
});

Deno.test("an update whose code is not the zip that was sent is an error", async () => {
  await using test = scripted({
    GetFunction: [found()],
    UpdateFunctionCode: [is({ CodeSha256: "planted" })],
  });
  const [message, hint] = await failureOf(test.deploy({ codeSha256: "new" }));
  assert.equal(message, "the code of hello is not the zip that was sent: CodeSha256 differs");
  assert.match(hint, /^the function now runs that code; .*, and run it again$/);
});

Deno.test("a VPC is applied, and compared regardless of order", async () => {
  const VpcConfig = { SubnetIds: ["subnet-1", "subnet-2"], SecurityGroupIds: ["sg-1"] };
  const vpc = { subnets: ["subnet-2", "subnet-1"], securityGroups: ["sg-1"] };
  const wanted = { ...plan, settings: { ...plan.settings, vpc } };
  await using test = scripted({
    GetFunction: [found(), found({ VpcConfig: { ...VpcConfig, VpcId: "vpc-1" } })],
    UpdateFunctionConfiguration: [is({ VpcConfig })],
  });
  assert.deepEqual((await test.deploy({ plan: wanted })).changes, [
    "vpc none -> subnet-1 subnet-2 sg-1",
  ]);
  assert.deepEqual(test.aws.inputOf("UpdateFunctionConfiguration")["VpcConfig"], {
    SubnetIds: vpc.subnets,
    SecurityGroupIds: vpc.securityGroups,
  });
  assert.deepEqual((await test.deploy({ plan: wanted })).changes, []);
});

Deno.test("a role without VPC permissions is an immediate error that names them", async () => {
  const message = "The provided execution role does not have permissions to call " +
    "CreateNetworkInterface on EC2";
  await using test = scripted({
    CreateFunction: [lambdaError(400, "InvalidParameterValueException", message)],
  });
  const [, hint] = await failureOf(test.create());
  assert.match(hint, /AWSLambdaVPCAccessExecutionRole .* "role" in function\.json/);
  assert.deepEqual(test.pauses, []);
});

Deno.test("a function created by hand gets the tag", async () => {
  await using test = scripted({
    GetFunction: [found({}, { Tags: null })],
    TagResource: [() => new Response(null, { status: 204 })],
  });
  assert.deepEqual((await test.deploy()).changes, ["tag"]);
  assert.deepEqual(test.aws.inputOf("TagResource"), { Tags: { llama: "llama" } });
});

Deno.test("a pure function has a tag that says so, until it is pure no longer", async () => {
  const deploy = async (isPure: boolean | undefined, tags?: Record<string, string>) => {
    await using test = scripted({
      GetFunction: [found({}, tags === undefined ? {} : { Tags: { llama: "llama", ...tags } })],
      TagResource: [() => new Response(null, { status: 204 })],
    });
    const { changes } = await test.deploy({ plan: { ...plan, isPure } });
    return [changes, changes.length === 0 ? undefined : test.aws.inputOf("TagResource")];
  };
  assert.deepEqual(await deploy(true), [["now pure"], { Tags: { "llama-pure": "true" } }]);
  const pure = { "llama-pure": "true" };
  assert.deepEqual(await deploy(true, pure), [[], undefined]);
  assert.deepEqual(await deploy(undefined, pure), [[], undefined]);
  const no = { Tags: { "llama-pure": "false" } };
  assert.deepEqual(await deploy(false, pure), [["no longer pure"], no]);
  assert.deepEqual(await deploy(false, { "llama-pure": "false" }), [[], undefined]);
});

Deno.test("a function that does not become ready is an error after ten minutes", async () => {
  await using test = scripted({
    CreateFunction: [is({ State: "Pending" })],
    GetFunction: [found({ State: "Pending", StateReason: "Still at it." })],
  });
  assert.deepEqual(await failureOf(test.create()), [
    "the function hello is still not ready: Still at it.",
    "Lambda continues with it; `llama functions` shows its state",
  ]);
  assert.equal(test.pauses.length, 599);
});

Deno.test("a new function without code is an error", async () => {
  await using test = scripted({});
  assert.deepEqual(await failureOf(test.create({ code: undefined })), [
    "the function hello does not exist, and there is no code to create it from",
    "add -program NAME, -zip PATH, -build DIR or -image URI",
  ]);
});
