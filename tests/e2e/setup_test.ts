/** The setup commands against moto, each run more than once. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { openStore } from "../../lib/store/open.ts";
import { bytesOf, noise, testWith } from "../helpers.ts";
import { type Ended, exists, type RunOptions, Workplace } from "./llama.ts";
import { askMoto, motoEnvironment, motoProgram, type ServerProcess, startMoto } from "./servers.ts";

const region = "us-west-2";

/** A runtime's zip, which moto stores but never runs. */
const runtime = (text = "exec true") =>
  zipOf([{ name: "bootstrap", bytes: bytesOf(`#!/bin/sh\n${text}\n`), mode: 0o755 }]);

let moto: ServerProcess | undefined;

Deno.test.beforeAll(async () => {
  if (motoProgram !== undefined) moto = await startMoto();
});

Deno.test.afterAll(async () => {
  await moto?.[Symbol.asyncDispose]();
});

/** An empty account in moto, and a working directory. */
class Account extends Workplace {
  readonly #moto: ServerProcess;

  static async open(): Promise<Account> {
    assert(moto);
    const account = new Account(moto);
    await account.write("runtime.zip", runtime());
    await account.ask("s3", "/moto-api/reset", { method: "POST" });
    return account;
  }

  private constructor(moto: ServerProcess) {
    super();
    this.#moto = moto;
  }

  /** Runs llama against moto. */
  aws(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const environment = { ...motoEnvironment(this.#moto), ...options.environment };
    return this.run(args, { ...options, environment });
  }

  /** Returns the variable that names moto as AWS's endpoint. */
  endpoint(): Record<string, string> {
    const { AWS_ENDPOINT_URL: url = "" } = motoEnvironment(this.#moto);
    return { AWS_ENDPOINT_URL: url };
  }

  /** Runs llama, and checks that it succeeds. */
  async ok(...args: string[]): Promise<Ended> {
    const ended = await this.aws(args);
    assert.equal(ended.status, 0, ended.stderr);
    return ended;
  }

  bootstrap(...args: string[]): Promise<Ended> {
    return this.ok("bootstrap", "-region", region, "-runtime", this.join("runtime.zip"), ...args);
  }

  /** Queries moto directly. */
  async ask(service: string, path: string, init?: RequestInit): Promise<string> {
    return await (await askMoto(this.#moto, service, path, init)).text();
  }

  /** Returns the log groups with their retention in days. */
  async logGroups(): Promise<Record<string, number | undefined>> {
    const { logGroups } = JSON.parse(await this.logs("DescribeLogGroups", {}));
    return Object.fromEntries(
      logGroups.map((each: { logGroupName: string; retentionInDays?: number }) => [
        each.logGroupName,
        each.retentionInDays,
      ]),
    );
  }

  /** Calls CloudWatch Logs. */
  async logs(action: string, input: Record<string, unknown>): Promise<string> {
    return await this.ask("logs", "/", {
      method: "POST",
      body: JSON.stringify(input),
      headers: {
        authorization: "AWS4-HMAC-SHA256 Credential=x/20260101/us-west-2/logs/aws4_request",
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `Logs_20140328.${action}`,
      },
    });
  }

  async settings(): Promise<Record<string, string>> {
    return JSON.parse(await Deno.readTextFile(this.join("settings/config.json")));
  }
}

function test(name: string, run: (account: Account) => Promise<void>): void {
  // moto emulates AWS; .ci/setup-moto installs it.
  testWith(["LLAMA_TEST_MOTO"], name, async () => {
    await using account = await Account.open();
    await run(account);
  });
}

test("bootstrap creates bucket, role, repository and layer, and writes the settings", async (account) => {
  const { stdout, stderr } = await account.bootstrap();
  const settings = await account.settings();
  assert.match(stderr, /account 123456789012, region us-west-2/);
  assert.match(stderr, /CREATE_COMPLETE llama \(AWS::CloudFormation::Stack\)/);
  const lines = Object.fromEntries(
    stdout.trim().split("\n").map((line) => line.split(/ +/, 2)),
  );
  assert.deepEqual(lines, settings);
  assert.deepEqual(Object.keys(settings).sort(), [
    "layer",
    "region",
    "repository",
    "role",
    "stack",
    "store",
  ]);
  assert.match(settings.layer ?? "", /:layer:llama-runtime:1$/);
  assert.match(settings.repository ?? "", /^123456789012\.dkr\.ecr\.us-west-2\..*\/llama$/);

  const bucket = /^s3:\/\/([^/]+)\/obj\/$/.exec(settings.store ?? "")?.[1] ?? "";
  assert.match(await account.ask("s3", `/${bucket}?encryption`), /AES256/);
  const role = settings.role?.split("/").at(-1) ?? "";
  const parameters = {
    Action: "GetRolePolicy",
    Version: "2010-05-08",
    RoleName: role,
    PolicyName: "object-store",
  };
  const policy = decodeURIComponent(
    await account.ask("iam", `/?${new URLSearchParams(parameters)}`, { method: "POST" }),
  );
  assert(policy.includes(`arn:aws:s3:::${bucket}/obj/*`), policy);
  assert(policy.includes(`arn:aws:s3:::${bucket}/obj/code/*`), policy);
  assert(policy.includes(`arn:aws:s3:::${bucket}/obj/act/*`), policy);
  assert.doesNotMatch(policy, /s3:\*|DeleteObject/);
});

test("bootstrap grants data in S3, keeps what it has granted, and revokes it", async (account) => {
  await account.bootstrap("-read", "s3://raw-1/in/", "-write", "s3://raw-1/out/");
  const role = (await account.settings()).role?.split("/").at(-1) ?? "";
  const parameters = {
    Action: "GetRolePolicy",
    Version: "2010-05-08",
    RoleName: role,
    PolicyName: "granted-objects",
  };
  const policy = decodeURIComponent(
    await account.ask("iam", `/?${new URLSearchParams(parameters)}`, { method: "POST" }),
  );
  assert.match(policy, /arn:aws:s3:::raw-1\/in\/\*/);
  assert.match(policy, /arn:aws:s3:::raw-1\/out\/\*/);
  const { stderr } = await account.bootstrap(
    ...["-read", "s3://more-1/", "-revoke", "s3://raw-1/in/"],
  );
  assert.match(
    stderr,
    /functions may read s3:\/\/more-1\/\n.*functions may write s3:\/\/raw-1\/out\/\n/,
  );
  assert.doesNotMatch(stderr, /raw-1\/in/);
});

test("the functions' role may read and write objects, and is refused kept results", async (account) => {
  // A bucket of the user's own has no policy, which would refuse moto's plain HTTP.
  await account.ask("s3", "/mine-3", {
    method: "PUT",
    body: `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint>` +
      "</CreateBucketConfiguration>",
  });
  await account.bootstrap("-bucket", "mine-3");
  const { store = "", role = "" } = await account.settings();
  const iam = { Version: "2010-05-08", RoleName: role.split("/").at(-1) ?? "" };
  const query = (service: string, parameters: Record<string, string>) =>
    account.ask(service, `/?${new URLSearchParams(parameters)}`, { method: "POST" });
  const policy = { PolicyName: "object-store" };
  const answer = await query("iam", { ...iam, ...policy, Action: "GetRolePolicy" });
  const [, document = ""] = /<PolicyDocument>([^<]*)</.exec(answer) ?? [];
  // moto writes CloudFormation's policies in Python, and cannot check them: another role gets the same.
  const copy = { ...iam, RoleName: "copy" };
  await query("iam", { ...copy, Action: "CreateRole", AssumeRolePolicyDocument: "{}" });
  const put = {
    ...copy,
    ...policy,
    PolicyDocument: decodeURIComponent(document).replaceAll("'", '"'),
  };
  await query("iam", { ...put, Action: "PutRolePolicy" });
  const assumed = await query("sts", {
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: "arn:aws:iam::123456789012:role/copy",
    RoleSessionName: "function",
  });
  const of = (name: string) => new RegExp(`<${name}>([^<]*)<`).exec(assumed)?.[1] ?? "";
  using opened = openStore(store, {
    environment: {
      ...account.endpoint(),
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: of("AccessKeyId"),
      AWS_SECRET_ACCESS_KEY: of("SecretAccessKey"),
      AWS_SESSION_TOKEN: of("SessionToken"),
    },
  });
  const { kept = assert.fail() } = opened;
  const key = "0".repeat(64);
  // From here on, moto checks signatures and policies.
  await account.ask("s3", "/moto-api/reset-auth", { method: "POST", body: "0" });
  try {
    const id = await opened.put(bytesOf("an object"));
    assert.deepEqual(await opened.get(id), bytesOf("an object"));
    await assert.rejects(kept.write(key, bytesOf("forged")), {
      message: /refused PutObject.*AccessDenied/,
    });
    await assert.rejects(kept.read(key, 1000), { message: /refused GetObject.*AccessDenied/ });
  } finally {
    await account.ask("s3", "/moto-api/reset-auth", { method: "POST", body: "inf" });
  }
});

test("another bootstrap changes nothing, and only publishes a new runtime", async (account) => {
  await account.bootstrap();
  const before = await account.settings();
  assert.match((await account.bootstrap()).stderr, /llama: the layer is already published\n/);
  assert.deepEqual(await account.settings(), before);
  await account.write("runtime.zip", runtime("exec false"));
  await account.bootstrap();
  assert.match((await account.settings()).layer ?? "", /:layer:llama-runtime:2$/);
  await account.bootstrap("-arch", "arm64");
  const { layer, layerArm64 } = await account.settings();
  assert.match(layer ?? "", /:layer:llama-runtime:2$/);
  assert.match(layerArm64 ?? "", /:layer:llama-runtime-arm64:1$/);
});

test("teardown removes everything, and another one has nothing to do", async (account) => {
  await account.bootstrap();
  const { store = "" } = await account.settings();
  await account.addFunction("hello", "#!/bin/sh\necho hello\n");
  await account.ok("update-function", "-create", "-zip", "images/hello", "hello");

  const first = await account.aws(["teardown"]);
  assert.equal(first.status, 2);
  assert.match(first.stderr, /no terminal to ask on\nllama: hint: add -yes/);

  const { stdout, stderr } = await account.ok("teardown", "-yes");
  assert.equal(
    stdout,
    "deleted the function hello\ndeleted the log group /aws/lambda/hello\n" +
      "deleted the layer llama-runtime, version 1\ndeleted the stack llama\n",
  );
  assert.doesNotMatch(stderr, /left/);
  assert.deepEqual(await account.logGroups(), {});
  assert(!exists(account.join("settings/config.json")));
  assert.match(await account.ask("s3", `/${store.split("/")[2]}?list-type=2`), /NoSuchBucket/);
  const environment = { AWS_REGION: region };
  const again = await account.aws(["teardown", "-yes"], { environment });
  assert.equal(again.status, 0);
  assert.match(
    again.stderr,
    /no resources of the stack llama in account 123456789012, region us-west-2/,
  );
});

test("a second stack has its own layer, and is removed without touching the first", async (account) => {
  await account.bootstrap();
  const first = await account.settings();
  await account.bootstrap("-stack", "Second");
  const second = await account.settings();
  assert.match(second.layer ?? "", /:layer:Second-runtime:1$/);
  const { stdout } = await account.ok("teardown", "-yes");
  assert.equal(stdout, "deleted the layer Second-runtime, version 1\ndeleted the stack Second\n");
  await account.write("settings/config.json", JSON.stringify(first));
  const { stdout: doctor } = await account.aws(["doctor"]);
  for (const tick of ["store", "role", "layer"]) {
    assert.match(doctor, new RegExp(`^✓ ${tick}: `, "m"));
  }
});

test("resources set up by hand stay in the settings, except for the layer", async (account) => {
  await account.bootstrap();
  const { stack: _, ...byHand } = await account.settings();
  await account.ok("teardown", "-yes");
  await account.write("settings/config.json", JSON.stringify(byHand));
  const nothing = await account.ok("teardown", "-yes");
  assert.doesNotMatch(nothing.stderr, /no longer names/);
  assert.deepEqual(await account.settings(), byHand);

  await account.bootstrap();
  const { layer } = await account.settings();
  await account.write("settings/config.json", JSON.stringify({ ...byHand, layer }));
  await account.ok("teardown", "-yes");
  const { layer: _layer, ...others } = byHand;
  assert.deepEqual(await account.settings(), others);
});

test("the user's own bucket is used, and is kept with its other objects", async (account) => {
  await account.ask("s3", "/mine-1", {
    method: "PUT",
    body: `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint>` +
      "</CreateBucketConfiguration>",
  });
  await account.ask("s3", "/mine-1/obj/notes.txt", { method: "PUT", body: "mine" });
  const { stderr } = await account.bootstrap("-bucket", "mine-1");
  assert.match(stderr, /the bucket mine-1 is your own/);
  assert.equal((await account.settings()).store, "s3://mine-1/obj/");
  // The layer went through the bucket.
  assert.match(
    await account.ask("s3", "/mine-1?list-type=2"),
    /<Key>obj\/code\/[0-9a-f]{64}<\/Key>/,
  );

  const ended = await account.ok("teardown", "-yes");
  assert.match(ended.stderr, /left: the bucket mine-1, which was yours before/);
  const keys = (await account.ask("s3", "/mine-1?list-type=2")).match(/<Key>[^<]*/g);
  assert.deepEqual(keys, ["<Key>obj/notes.txt"]);
});

test("objects in a bucket of two stacks are kept until the last stack is removed", async (account) => {
  await account.ask("s3", "/mine-1", {
    method: "PUT",
    body: `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint>` +
      "</CreateBucketConfiguration>",
  });
  await account.bootstrap("-bucket", "mine-1");
  await account.bootstrap("-bucket", "mine-1", "-stack", "Second");
  const keys = async () =>
    (await account.ask("s3", "/mine-1?list-type=2")).match(/<Key>[^<]*/g)?.length ?? 0;
  const before = await keys();
  assert(before > 0);
  const { stderr } = await account.ok("teardown", "-yes");
  assert.match(stderr, /left: the bucket mine-1, .* whose objects are also used by: llama\n/);
  assert.equal(await keys(), before);
  const environment = { AWS_REGION: region };
  const last = await account.aws(["teardown", "-yes", "-stack", "llama"], { environment });
  assert.match(last.stderr, /left: the bucket mine-1, which was yours before\n/);
  assert.equal(await keys(), 0);
});

test("a bucket that does not exist is created with the given name", async (account) => {
  await account.bootstrap("-bucket", "new.bucket.1");
  assert.equal((await account.settings()).store, "s3://new.bucket.1/obj/");
  await account.bootstrap();
  assert.equal((await account.settings()).store, "s3://new.bucket.1/obj/");
});

test('"pure": true becomes a tag, which later runs on this machine know', async (account) => {
  await account.bootstrap();
  const update = ["update-function", "-zip", "images/hello"];
  const tags = async () =>
    JSON.parse(await account.ask("lambda", "/2015-03-31/functions/hello")).Tags;
  const known = async () => {
    const [name = assert.fail()] = (await account.list("settings/functions"))
      .filter((name) => name.endsWith(".json"));
    return JSON.parse(await Deno.readTextFile(account.join(name))).isPure;
  };
  await account.addFunction("hello", "#!/bin/sh\n", { pure: true });
  await account.ok(...update, "-create", "hello");
  assert.deepEqual([await tags(), await known()], [{ llama: "llama", "llama-pure": "true" }, true]);
  assert.match((await account.ok(...update, "hello")).stdout, /nothing changed/);
  await account.addFunction("hello", "#!/bin/sh\n");
  assert.equal((await account.ok(...update, "hello")).stdout, "updated hello: no longer pure\n");
  assert.deepEqual([await tags(), await known()], [
    { llama: "llama", "llama-pure": "false" },
    false,
  ]);
});

test("a function is created from a folder, changed, listed and deleted", async (account) => {
  await account.bootstrap();
  const { store } = await account.settings();
  await account.addFunction("hello", "#!/bin/sh\necho hello\n", { memory: 256, timeout: 5 });
  const update = ["update-function", "-zip", "images/hello"];

  const early = await account.aws([...update, "hello"]);
  assert.equal(early.status, 125);
  assert.match(
    early.stderr,
    /no function "hello" in us-west-2\nllama: hint: add -create to create it; /,
  );

  const create = await account.ok(...update, "-create", "hello");
  assert.equal(create.stdout, "created hello: zip, 256 MB, 5 s, x86_64\n");
  const made = JSON.parse(await account.ask("lambda", "/2015-03-31/functions/hello"));
  assert.deepEqual(made.Configuration.Environment, { Variables: { LLAMA_OBJECT_STORE: store } });
  assert.equal(made.Configuration.Runtime, "provided.al2023");
  assert.equal(made.Configuration.Handler, "handler");
  assert.deepEqual(made.Tags, { llama: "llama" });

  const again = await account.ok(...update, "hello");
  assert.equal(again.stdout, "hello is up to date: nothing changed\n");
  const more = await account.ok(
    "update-function",
    "-memory",
    "1024",
    "-env",
    "A_B=secret",
    "hello",
  );
  assert.equal(more.stdout, "updated hello: memory 256 -> 1024 MB; environment: A_B\n");
  await account.addFunction("hello", "#!/bin/sh\necho bye\n", { memory: 1024, timeout: 5 });
  const code = await account.ok(...update, "-env", "A_B=secret", "hello");
  assert.equal(code.stdout, "updated hello: code\n");

  const { stdout } = await account.ok("functions");
  assert.match(stdout, /^NAME +KIND .*\nhello +zip +1024 MB +5 s +x86_64 +Active +20\S+ +llama\n$/);
  const deleted = await account.ok("delete-function", "hello");
  assert.equal(deleted.stdout, "deleted hello\n");
  assert.match(deleted.stderr, /left: the log group \/aws\/lambda\/hello/);
  const gone = await account.aws(["delete-function", "hello"]);
  assert.equal(gone.status, 125);
  assert.match(gone.stderr, /no function "hello" in us-west-2/);
  assert.match((await account.ok("functions")).stderr, /no llama functions in us-west-2/);
});

test("a zip that is too large for a request is uploaded through the bucket", async (account) => {
  await account.bootstrap();
  const { store = "" } = await account.settings();
  await account.addFunction("big", "#!/bin/sh\n");
  await account.write("work/images/big/data", noise(50 * 1024 * 1024));
  await account.ok("update-function", "-create", "-zip", "images/big", "big");
  const { Configuration } = JSON.parse(await account.ask("lambda", "/2015-03-31/functions/big"));
  assert(Configuration.CodeSize > 50 * 1024 * 1024);
  const id = Buffer.from(Configuration.CodeSha256, "base64").toString("hex");
  const keys = await account.ask("s3", `/${store.split("/")[2]}?list-type=2`);
  assert(keys.includes(`<Key>obj/code/${id}</Key>`));
});

test("an image function is created, and cannot become a zip function", async (account) => {
  await account.bootstrap();
  const { repository } = await account.settings();
  const create = ["update-function", "-create", "-image", `${repository}:optipng`, "optipng"];
  assert.equal(
    (await account.ok(...create)).stdout,
    "created optipng: image, 512 MB, 60 s, x86_64\n",
  );
  assert.match((await account.ok("functions")).stdout, /optipng +image/);
  await account.addFunction("optipng", "#!/bin/sh\n");
  const zip = await account.aws(["update-function", "-zip", "images/optipng", "optipng"]);
  assert.equal(zip.status, 2);
  assert.match(zip.stderr, /optipng is an image function and cannot become a zip function/);
  assert.match(zip.stderr, /llama delete-function optipng/);
});

test("a function that is not llama's is neither changed nor deleted", async (account) => {
  await account.bootstrap();
  const { role } = await account.settings();
  await account.ask("lambda", "/2015-03-31/functions", {
    method: "POST",
    body: JSON.stringify({
      FunctionName: "prod",
      Role: role,
      Runtime: "provided.al2023",
      Handler: "x",
      Code: { ZipFile: Buffer.from(runtime()).toString("base64") },
    }),
  });
  for (const args of [["delete-function", "prod"], ["update-function", "-memory", "512", "prod"]]) {
    const ended = await account.aws(args);
    assert.equal(ended.status, 2);
    assert.match(ended.stderr, /the function prod is not llama's: it has no tag llama/);
  }
  assert.match((await account.ok("functions")).stderr, /no llama functions/);
});

test("role, layers and VPC of a function.json are applied, and not applied again", async (account) => {
  await account.bootstrap();
  const { layer = "" } = await account.settings();
  const ec2 = async (action: string, id: RegExp) => {
    const query = new URLSearchParams({ Action: action, Version: "2016-11-15" });
    return (await account.ask("ec2", `/?${query}`, { method: "POST" })).match(id)?.[0] ?? "";
  };
  const vpc = {
    subnets: [await ec2("DescribeSubnets", /subnet-[0-9a-f]+/)],
    securityGroups: [await ec2("DescribeSecurityGroups", /sg-[0-9a-f]+/)],
  };
  // Another role that Lambda may assume, and a layer that is not llama's.
  await account.bootstrap("-stack", "Other");
  const { role = "" } = await account.settings();
  await account.bootstrap("-stack", "llama");
  assert.notEqual(role, (await account.settings()).role);
  const Content = { ZipFile: Buffer.from(runtime()).toString("base64") };
  const { LayerVersionArn: tools } = JSON.parse(
    await account.ask("lambda", "/2018-10-31/layers/tools/versions", {
      method: "POST",
      body: JSON.stringify({ Content }),
    }),
  );
  await account.addFunction("hello", "#!/bin/sh\n", { role, vpc, layers: [tools] });
  const update = ["update-function", "-zip", "images/hello"];
  await account.ok(...update, "-create", "hello");
  const { Configuration } = JSON.parse(
    await account.ask("lambda", "/2015-03-31/functions/hello"),
  );
  assert.equal(Configuration.Role, role);
  assert.deepEqual(Configuration.VpcConfig.SubnetIds, vpc.subnets);
  assert.deepEqual(Configuration.VpcConfig.SecurityGroupIds, vpc.securityGroups);
  assert.deepEqual(Configuration.Layers.map(({ Arn }: { Arn: string }) => Arn), [tools, layer]);
  assert.equal(
    (await account.ok(...update, "hello")).stdout,
    "hello is up to date: nothing changed\n",
  );
  assert.equal(
    (await account.ok("update-function", "-memory", "1024", "hello")).stdout,
    "updated hello: memory 512 -> 1024 MB\n",
  );
  await account.addFunction("hello", "#!/bin/sh\n", {
    ...{ role, layers: [], memory: 1024, vpc: { subnets: [], securityGroups: [] } },
  });
  const { stdout } = await account.ok(...update, "hello");
  assert.match(
    stdout,
    new RegExp(`^updated hello: layers ${tools} ${layer} -> ${layer}; vpc .* -> none`),
  );
});

test("the logs of functions expire after 14 days, unless another retention is set", async (account) => {
  await account.bootstrap();
  await account.logs("CreateLogGroup", { logGroupName: "/aws/lambda/hello-world" });
  for (const name of ["hello", "old", "kept"]) {
    await account.addFunction(name, "#!/bin/sh\n");
    await account.ok("update-function", "-create", "-zip", `images/${name}`, name);
  }
  const days = { "/aws/lambda/hello": 14, "/aws/lambda/old": 14, "/aws/lambda/kept": 14 };
  const before = await account.logGroups();
  assert.deepEqual(before, { ...days, "/aws/lambda/hello-world": undefined });
  // One as Lambda creates it, and one with a user's retention.
  await account.logs("DeleteLogGroup", { logGroupName: "/aws/lambda/hello" });
  await account.logs("DeleteLogGroup", { logGroupName: "/aws/lambda/old" });
  await account.logs("CreateLogGroup", { logGroupName: "/aws/lambda/old" });
  await account.logs("PutRetentionPolicy", {
    logGroupName: "/aws/lambda/kept",
    retentionInDays: 365,
  });
  const { stderr } = await account.bootstrap();
  assert.match(stderr, /the logs of hello expire after 14 days\n.*the logs of old expire after/);
  const after = { ...before, "/aws/lambda/kept": 365 };
  assert.deepEqual(await account.logGroups(), after);
  assert.doesNotMatch((await account.bootstrap()).stderr, /expire after 14/);
  await account.ok("teardown", "-yes");
  assert.deepEqual(await account.logGroups(), { "/aws/lambda/hello-world": undefined });
});

test("two stacks in one account do not touch each other's functions", async (account) => {
  await account.bootstrap();
  await account.addFunction("hello", "#!/bin/sh\necho hello\n");
  await account.ok("update-function", "-create", "-zip", "images/hello", "hello");
  const before = await account.ask("lambda", "/2015-03-31/functions/hello");

  // Another user of the account, with a separate home and stack.
  const other = (...args: string[]) =>
    account.aws(args, { environment: { LLAMA_DIR: account.join("other") } });
  const runtimeFile = account.join("runtime.zip");
  const setUp = ["bootstrap", "-region", region, "-runtime", runtimeFile, "-stack", "Second"];
  assert.equal((await other(...setUp)).status, 0);
  for (
    const args of [
      ["update-function", "-zip", "images/hello", "hello"],
      ["update-function", "-create", "-zip", "images/hello", "hello"],
      ["update-function", "-memory", "1024", "hello"],
      ["delete-function", "hello"],
    ]
  ) {
    const { status, stderr } = await other(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /the function hello belongs to the stack llama, not to Second\n/);
    assert.match(stderr, /hint: .*switch to that stack: llama bootstrap -stack llama\n/);
  }
  await account.addFunction("bye", "#!/bin/sh\necho bye\n");
  assert.equal((await other("update-function", "-create", "-zip", "images/bye", "bye")).status, 0);
  assert.match((await other("functions")).stdout, /^bye .* Second\nhello .* llama\n$/m);
  const doctor = await other("doctor");
  assert.doesNotMatch(doctor.stdout, /function hello/);
  assert.match(doctor.stdout, /^✓ function bye: /m);

  const { stdout } = await other("teardown", "-yes");
  assert.match(stdout, /^deleted the function bye\n/);
  assert.doesNotMatch(stdout, /hello/);
  assert.equal(await account.ask("lambda", "/2015-03-31/functions/hello"), before);
});

test("a function that moves to another stack keeps one runtime", async (account) => {
  await account.bootstrap();
  const { layer = "" } = await account.settings();
  await account.addFunction("hello", "#!/bin/sh\necho hello\n");
  await account.ok("update-function", "-create", "-zip", "images/hello", "hello");
  await account.bootstrap("-stack", "Second");
  const { layer: second = "" } = await account.settings();
  assert.notEqual(layer, second);
  const { Configuration } = JSON.parse(
    await account.ask("lambda", "/2015-03-31/functions/hello"),
  );
  const tags = `/2017-03-31/tags/${encodeURIComponent(Configuration.FunctionArn)}`;
  await account.ask("lambda", tags, {
    method: "POST",
    body: JSON.stringify({ Tags: { llama: "Second" } }),
  });
  const { stdout } = await account.ok("update-function", "-zip", "images/hello", "hello");
  assert.match(stdout, new RegExp(`layers ${layer} -> ${second};`));
});

test("a function created by hand belongs to every stack that uses its store", async (account) => {
  await account.bootstrap();
  const { role, store } = await account.settings();
  const make = (name: string, LLAMA_OBJECT_STORE = "", Tags = {}) =>
    account.ask("lambda", "/2015-03-31/functions", {
      method: "POST",
      body: JSON.stringify({
        FunctionName: name,
        Role: role,
        Runtime: "provided.al2023",
        Handler: "x",
        Environment: { Variables: { LLAMA_OBJECT_STORE } },
        Code: { ZipFile: Buffer.from(runtime()).toString("base64") },
        Tags,
      }),
    });
  await make("mine", store);
  await make("nobodys", "", { llama: "" });
  await make("theirs", "s3://theirs-1/obj/");
  const { stdout } = await account.ok("update-function", "-memory", "512", "mine");
  assert.match(stdout, /^updated mine: memory 128 -> 512 MB; tag\n$/);
  const { status, stderr } = await account.aws(["update-function", "-memory", "512", "theirs"]);
  assert.equal(status, 2);
  const nobodys = await account.aws(["update-function", "-memory", "512", "nobodys"]);
  assert.equal(nobodys.status, 2);
  assert.match(
    nobodys.stderr,
    /the function nobodys belongs to no stack: its tag llama is empty\n/,
  );
  assert.match(nobodys.stderr, /hint: .*aws lambda tag-resource .* --tags llama=llama\n/);
  assert.match(stderr, /the function theirs uses another store, s3:\/\/theirs-1\/obj\//);
  assert.match(stderr, /hint: .*aws lambda tag-resource .* --tags llama=llama\n/);
});

test("if the stack's bucket is missing, doctor and bootstrap say to run teardown first", async (account) => {
  await account.bootstrap();
  const { store = "" } = await account.settings();
  const bucket = store.split("/")[2];
  const list = await account.ask("s3", `/${bucket}?list-type=2`);
  for (const [key] of list.matchAll(/(?<=<Key>)[^<]+/g)) {
    await account.ask("s3", `/${bucket}/${key}`, { method: "DELETE" });
  }
  await account.ask("s3", `/${bucket}`, { method: "DELETE" });
  const { status, stdout } = await account.aws(["doctor"]);
  assert.equal(status, 1);
  const hint = "run `llama teardown` first, then `llama bootstrap`";
  assert(
    stdout.includes(`✗ store: the stack's bucket ${bucket} does not exist\n  ${hint}\n`),
    stdout,
  );
  const args = ["bootstrap", "-region", region, "-runtime", account.join("runtime.zip")];
  // A layer goes through the bucket only if it is a new one.
  for (const text of ["exec true", "exec false"]) {
    await account.write("runtime.zip", runtime(text));
    const again = await account.aws(args);
    assert.equal(again.status, 2, again.stderr);
    assert.match(again.stderr, /its bucket \S+ does not\nllama: hint: run `llama teardown` first/);
  }
  // Unlike CloudFormation, moto fails if a resource is missing.
});

test("if the stack's role is missing, doctor and bootstrap say to run teardown first", async (account) => {
  await account.bootstrap();
  const { role = "" } = await account.settings();
  const iam = async (Action: string, more: Record<string, string> = {}) => {
    const RoleName = role.split("/").at(-1) ?? "";
    const query = new URLSearchParams({ Action, Version: "2010-05-08", RoleName, ...more });
    await account.ask("iam", `/?${query}`, { method: "POST" });
  };
  for (const PolicyName of ["logs", "object-store"]) await iam("DeleteRolePolicy", { PolicyName });
  await iam("DeleteRole");
  const { stdout } = await account.aws(["doctor"]);
  const hint = "run `llama teardown` first, then `llama bootstrap`";
  assert(stdout.includes(`✗ role: ${role} does not exist\n  ${hint}\n`), stdout);
  const args = ["bootstrap", "-region", region, "-runtime", account.join("runtime.zip")];
  const { status, stderr } = await account.aws(args);
  assert.equal(status, 2, stderr);
  assert(
    stderr.endsWith(
      `the stack llama exists, but its role ${role} does not\nllama: hint: ${hint} again\n`,
    ),
    stderr,
  );
});

test("if the stack's repository is missing, doctor and bootstrap say to run teardown first", async (account) => {
  await account.bootstrap();
  const { repository = "" } = await account.settings();
  await account.ask("ecr", "/", {
    method: "POST",
    headers: {
      authorization: "AWS4-HMAC-SHA256 Credential=x/20260101/us-west-2/ecr/aws4_request",
      "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.DeleteRepository",
      "content-type": "application/x-amz-json-1.1",
    },
    body: JSON.stringify({ repositoryName: "llama", force: true }),
  });
  const hint = "run `llama teardown` first, then `llama bootstrap`";
  const { stdout } = await account.aws(["doctor"]);
  assert(stdout.includes(`✗ repository: ${repository} does not exist\n  ${hint}\n`), stdout);
  const args = ["bootstrap", "-region", region, "-runtime", account.join("runtime.zip")];
  const { status, stderr } = await account.aws(args);
  assert.equal(status, 2, stderr);
  assert(
    stderr.includes(`its repository ${repository} does not\nllama: hint: ${hint} again\n`),
    stderr,
  );
});

test("doctor prints a tick for everything that bootstrap created, and a cross for missing resources", async (account) => {
  await account.bootstrap();
  await account.addFunction("hello", "#!/bin/sh\n");
  await account.ok("update-function", "-create", "-zip", "images/hello", "hello");
  const first = (await account.aws(["doctor"])).stdout;
  // moto does not support account settings.
  const crosses = first.split("\n").filter((line) => line.startsWith("✗"));
  assert.deepEqual(crosses.map((line) => line.split(":")[0]), ["✗ concurrency"], first);
  for (const tick of ["settings", "credentials", "region", "clock", "store", "role", "layer"]) {
    assert.match(first, new RegExp(`^✓ ${tick}: `, "m"));
  }
  assert.match(first, /✓ function hello: zip on provided\.al2023, 512 MB, 60 s, x86_64, Active/);

  const environment = { LLAMA_OBJECT_STORE: "s3://elsewhere-1/obj/" };
  const { status, stdout } = await account.aws(["doctor"], { environment });
  assert.equal(status, 1);
  assert.match(stdout, /^✗ store: S3 refused PutObject in bucket elsewhere-1/m);
  assert.match(stdout, /^✗ function hello: its LLAMA_OBJECT_STORE is s3:\/\/.*\n {2}large files/m);
});

test("update-function without flags moves a function to the newest layer, and -all every one of the stack", async (account) => {
  await account.bootstrap();
  const { repository } = await account.settings();
  for (const name of ["bye", "hello"]) {
    await account.addFunction(name, "#!/bin/sh\n", { memory: 256 });
    await account.ok("update-function", "-create", "-zip", `images/${name}`, name);
  }
  await account.ok("update-function", "-create", "-image", `${repository}:optipng`, "optipng");
  await account.ok("update-function", "-memory", "1024", "hello");
  const same = await account.ok("update-function", "hello");
  assert.equal(same.stdout, "hello is up to date: nothing changed\n");

  await account.write("runtime.zip", runtime("exec false"));
  await account.bootstrap();
  const { stdout: doctor } = await account.aws(["doctor"]);
  assert.match(
    doctor,
    /^✗ function hello: its runtime is .*\n {2}run `llama update-function hello`/m,
  );
  const alone = await account.ok("update-function", "hello");
  assert.match(
    alone.stdout,
    /^updated hello: layers \S+:llama-runtime:1 -> \S+:llama-runtime:2\n$/,
  );
  const image = await account.aws(["update-function", "optipng"]);
  assert.equal(image.status, 2);
  assert.match(
    image.stderr,
    /optipng is an image, .*\nllama: hint: .*`llama update-function -build DIR optipng`\n/,
  );

  const all = await account.ok("update-function", "-all");
  assert.deepEqual(all.stdout.replaceAll(/arn:\S+:layer:/g, "").trim().split("\n").sort(), [
    "hello is up to date: nothing changed",
    "updated bye: layers llama-runtime:1 -> llama-runtime:2",
  ]);
  assert.match(all.stderr, /optipng is an image, .*\nllama: hint: .* -build DIR optipng`\n/);
  const { Configuration } = JSON.parse(await account.ask("lambda", "/2015-03-31/functions/hello"));
  assert.equal(Configuration.MemorySize, 1024);
  assert.match((await account.aws(["doctor"])).stdout, /^✓ function hello: /m);
});

test("-all continues after a function that cannot be moved", async (account) => {
  await account.bootstrap();
  await account.addFunction("bye", "#!/bin/sh\n");
  await account.addFunction("inside", "#!/bin/sh\n");
  await account.write("work/images/inside/bootstrap", "#!/bin/sh\n", 0o755);
  for (const name of ["bye", "inside"]) {
    await account.ok("update-function", "-create", "-zip", `images/${name}`, name);
  }
  await account.write("runtime.zip", runtime("exec false"));
  await account.bootstrap();
  const all = await account.aws(["update-function", "-all"]);
  assert.equal(all.status, 125);
  assert.match(all.stdout, /^updated bye: layers /);
  assert.match(
    all.stderr,
    /the runtime of inside is not from the layer .*\nllama: hint: deploy its code/,
  );
  const none = await account.aws(["update-function", "-all"], {
    environment: { LLAMA_STACK: "other" },
  });
  assert.deepEqual([none.status, none.stdout], [0, ""]);
  assert.match(none.stderr, /the stack other has no functions in us-west-2/);
});
