/** User errors and AWS error responses during setup: each is one line with a hint. */

import assert from "node:assert/strict";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { shellQuote } from "../../lib/text/shell_quote.ts";
import { bytesOf, textOf, until } from "../helpers.ts";
import {
  events,
  json,
  lambdaError,
  noStack,
  noUpdates,
  query,
  type Script,
  ScriptedAws,
  stack,
  stackId,
} from "../scripted_aws.ts";
import { denoDirectory, type Ended, exists, program, Workplace } from "./llama.ts";

const identity = query(
  "GetCallerIdentity",
  "<Arn>arn:aws:iam::123456789012:user/a</Arn><Account>123456789012</Account>",
  { date: new Date().toUTCString() },
);
const outputs = {
  Bucket: "llama-bucket-1",
  BucketKind: "generated",
  Role: "arn:aws:iam::123456789012:role/llama-Role-1",
  Repository: "123456789012.dkr.ecr.us-west-2.amazonaws.com/llama",
};
const settings = {
  region: "us-west-2",
  store: "s3://llama-bucket-1/obj/",
  role: outputs.Role,
  layer: "arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime:1",
  repository: outputs.Repository,
  stack: "llama",
};
const noFunction = lambdaError(404, "ResourceNotFoundException", "Function not found");

/** Runs a test in a directory with settings and the runtime's zip, with scripted AWS responses. */
async function work(
  script: Script,
  run: (
    llama: (...args: string[]) => Promise<Ended>,
    place: Workplace,
    aws: ScriptedAws,
  ) => Promise<void>,
): Promise<void> {
  await using place = new Workplace();
  await using aws = new ScriptedAws({ GetCallerIdentity: [identity], ...script });
  const zip = zipOf([{ name: "bootstrap", bytes: bytesOf("#!/bin/sh\n"), mode: 0o755 }]);
  await place.write("work/runtime.zip", zip);
  await run((...args) => place.run(args, { environment: aws.environment }), place, aws);
}

/** Returns the exit status and the lines on standard error. */
function said({ status, stdout, stderr }: Ended): [number, ...string[]] {
  assert.equal(stdout, "");
  return [status, ...stderr.trimEnd().split("\n").map((line) => line.replace(/^llama: /, ""))];
}

Deno.test("settings are shown, set, unset and printed for a shell", async () => {
  await work({}, async (llama, place) => {
    const empty = await place.run(["config"]);
    assert.equal(empty.stdout, "");
    assert.match(
      empty.stderr,
      /nothing is set in .*settings\/config\.json\nllama: hint: `llama boot/,
    );
    assert.equal((await llama("config", "store", "s3://a-b/c/")).status, 0);
    assert.equal((await llama("config", "store")).stdout, "s3://a-b/c/\n");
    assert.match(
      (await llama("config", "region", "eu-west-1")).stderr,
      /variable AWS_REGION overrides it: us-w/,
    );
    assert.equal(
      (await place.run(["config"])).stdout,
      "region      eu-west-1\nstore       s3://a-b/c/\n",
    );
    assert.equal(
      (await llama("config", "-shell")).stdout,
      "export AWS_REGION=us-west-2\nexport LLAMA_OBJECT_STORE=s3://a-b/c/\n",
    );
    assert.equal((await llama("config", "-unset", "store")).status, 0);
    assert.deepEqual(said(await llama("config", "store")), [1, "store is not set"]);
    assert.deepEqual(said(await llama("config", "store", "here")), [
      2,
      "llama config: store: must be s3://BUCKET/PREFIX/ or file:///DIRECTORY",
    ]);
  });
});

Deno.test("invoke takes region and store from the settings, and the environment wins", async () => {
  const script: Script = {
    HeadObject: [() => new Response(null, { status: 404 })],
    PutObject: [() => new Response()],
    Invoke: [json({ status: 0, stdout: {}, stderr: {}, outputs: {} })],
  };
  await work(script, async (_llama, place, aws) => {
    await place.write("settings/config.json", JSON.stringify({ ...settings, region: "eu-west-1" }));
    await place.write("work/big", new Uint8Array(2_000_000));
    const { AWS_REGION: _, ...environment } = aws.environment;
    const args = ["invoke", "-f", "big", "hello"];
    assert.equal((await place.run(args, { environment })).status, 0);
    assert.match(String(aws.inputOf("PutObject")["path"]), /^\/llama-bucket-1\/obj\/[0-9a-f]{64}$/);
    assert.equal(aws.calls.at(-1)?.region, "eu-west-1");

    const other = { ...aws.environment, LLAMA_OBJECT_STORE: "s3://other-1/x/" };
    assert.equal((await place.run(args, { environment: other })).status, 0);
    assert.match(String(aws.inputOf("PutObject")["path"]), /^\/other-1\/x\/[0-9a-f]{64}$/);
    assert.equal(aws.calls.at(-1)?.region, "us-west-2");
  });
});

Deno.test("the bucket of llama's stack must belong to the account of its role", async () => {
  const script: Script = {
    HeadObject: [() => new Response(null, { status: 404 })],
    PutObject: [() => new Response()],
    Invoke: [json({ status: 0, stdout: {}, stderr: {}, outputs: {} })],
  };
  await work(script, async (_llama, place, aws) => {
    await place.write("work/big", new Uint8Array(2_000_000));
    const { stack: _, ...byHand } = settings;
    const cases: [object, Record<string, string>, string | null][] = [
      [settings, {}, "123456789012"],
      [settings, { LLAMA_BUCKET_OWNER: "any" }, null],
      [settings, { LLAMA_OBJECT_STORE: "s3://other-1/x/" }, null],
      [byHand, {}, null],
      [byHand, { LLAMA_BUCKET_OWNER: "999999999999" }, "999999999999"],
    ];
    for (const [file, environment, owner] of cases) {
      await place.write("settings/config.json", JSON.stringify(file));
      aws.calls.length = 0;
      const { status, stderr } = await place.run(["invoke", "-f", "big", "hello"], {
        environment: { ...aws.environment, LLAMA_OBJECT_NOTE: "0", ...environment },
      });
      assert.equal(status, 0, stderr);
      const puts = aws.calls.filter(({ action }) => action === "PutObject");
      assert.deepEqual(puts.map((call) => call.owner), [owner]);
      assert(!aws.calls.some(({ action }) => action === "GetCallerIdentity"));
    }
  });
});

Deno.test("invalid settings are an error in every command except -local and help", async () => {
  await work({}, async (llama, place) => {
    await place.write("settings/config.json", '{"stoer": 1}');
    const [status, message, hint] = said(await llama("invoke", "hello"));
    assert.equal(status, 2);
    assert.match(message ?? "", /config\.json: unknown setting "stoer"$/);
    assert.equal(hint, "hint: did you mean store?");
    const sick = await llama("doctor");
    assert.equal(sick.status, 1);
    assert.match(
      sick.stdout,
      /^✗ settings: .*unknown setting "stoer"\n {2}did you mean store\?\n✓ llama: /,
    );
    assert.match(sick.stdout, /^✓ credentials: account 123456789012, /m);
    assert.match(
      sick.stdout,
      /^- not checked \(needs the settings\): store, role, layer, functions\n$/m,
    );
    await place.addFunction("hello", "#!/bin/sh\necho hello\n");
    assert.equal((await place.local(["invoke", "hello"])).stdout, "hello\n");
  });
});

Deno.test("a failed bootstrap gives the reason, and says that nothing is left", async () => {
  const script: Script = {
    DescribeStacks: [noStack, stack("DELETE_COMPLETE")],
    CreateStack: [query("CreateStack", `<StackId>${stackId}</StackId>`)],
    DescribeStackEvents: [events([
      ["Repository", "AWS::ECR::Repository", "", "CREATE_FAILED", "llama already exists"],
    ])],
  };
  await work(script, async (llama, place) => {
    assert.deepEqual(said(await llama("bootstrap", "-runtime", "runtime.zip")), [
      125,
      "account 123456789012, region us-west-2, as arn:aws:iam::123456789012:user/a",
      "CREATE_FAILED Repository (AWS::ECR::Repository): llama already exists",
      "the stack llama could not be created: " +
      "Repository (AWS::ECR::Repository): llama already exists",
      "hint: everything that was created has been removed",
    ]);
    assert(!exists(place.join("settings/config.json")));
  });
});

Deno.test("an interrupted bootstrap says that CloudFormation continues", async () => {
  const script: Script = {
    DescribeStacks: [noStack, stack("CREATE_IN_PROGRESS")],
    CreateStack: [query("CreateStack", `<StackId>${stackId}</StackId>`)],
    DescribeStackEvents: [events([])],
  };
  await work(script, async (_llama, place, aws) => {
    const child = place.start(["bootstrap", "-runtime", "runtime.zip"], {
      environment: aws.environment,
    });
    const isWatching = () => aws.calls.some(({ action }) => action === "DescribeStackEvents");
    await until(isWatching, "the stack is watched");
    child.kill("SIGINT");
    await child.stdin.close();
    const { code, stderr } = await child.output();
    assert.equal(code, 130);
    assert.match(
      textOf(stderr),
      /llama: interrupted\nllama: CloudFormation is still working on the stack llama: run this again, or/,
    );
  });
});

/** A bootstrap of a stack that is up to date and has no layer yet, until it uploads the layer. */
const untilUpload: Script = {
  DescribeStacks: [stack("CREATE_COMPLETE", outputs)],
  DescribeStackEvents: [events([])],
  UpdateStack: [noUpdates],
  ListLayerVersions: [json({ LayerVersions: [] })],
  HeadObject: [() => new Response(null, { status: 404 })],
};

Deno.test("a layer that is rejected leaves the stack, and the message says so", async () => {
  const denied = "User: a is not authorized to perform: lambda:PublishLayerVersion on resource: b";
  const script: Script = {
    ...untilUpload,
    PutObject: [() => new Response()],
    PublishLayerVersion: [lambdaError(403, "AccessDeniedException", denied)],
  };
  await work(script, async (llama, place) => {
    const { status, stderr } = await llama("bootstrap", "-runtime", "runtime.zip");
    assert.equal(status, 125);
    assert.match(
      stderr,
      /llama: Lambda refused PublishLayerVersion: AccessDeniedException: User: a/,
    );
    assert.match(
      stderr,
      /hint: the credentials need lambda:PublishLayerVersion; the stack is complete: run/,
    );
    const written = JSON.parse(await Deno.readTextFile(place.join("settings/config.json")));
    assert.equal(written.store, "s3://llama-bucket-1/obj/");
    assert.equal(written.layer, undefined);
  });
});

Deno.test("without a runtime nothing is created", async () => {
  await work({}, async (llama, _place, aws) => {
    const [status, message] = said(await llama("bootstrap", "-runtime", "none.zip"));
    assert.equal(status, 125);
    assert.equal(message, "cannot read none.zip: no such file or directory");
    assert.deepEqual(aws.calls, []);
  });
});

Deno.test("without a place for the settings nothing is created", async () => {
  await work({}, async (_llama, place, aws) => {
    await place.write("file", "");
    const run = (environment: Record<string, string>) =>
      place.run(["bootstrap", "-runtime", "runtime.zip"], {
        environment: { ...aws.environment, DENO_DIR: denoDirectory, ...environment },
      });
    assert.deepEqual(said(await run({ HOME: "", LLAMA_DIR: "" })), [
      2,
      "cannot locate llama's settings: HOME is not set",
      "hint: set LLAMA_DIR to a directory of your own",
    ]);
    const [status, message, hint] = said(await run({ LLAMA_DIR: place.join("file/settings") }));
    assert.equal(status, 125);
    assert.match(message ?? "", /^cannot write .*\/file\/settings\/config\.json: /);
    assert.equal(hint, "hint: set LLAMA_DIR to a directory of your own");
    assert.deepEqual(aws.calls, []);
  });
});

Deno.test("bootstrap with a stack without its bucket says to run teardown first", async () => {
  const gone = "<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>";
  const script: Script = {
    ...untilUpload,
    PutObject: [() => new Response(gone, { status: 404 })],
    HeadBucket: [() => new Response(null, { status: 404 })],
  };
  await work(script, async (llama) => {
    const { status, stderr } = await llama("bootstrap", "-runtime", "runtime.zip");
    assert.equal(status, 2);
    assert.match(
      stderr,
      /llama: the stack llama exists, but its bucket llama-bucket-1 does not\nllama: hint: run `llama teardown` first, then `llama bootstrap` again\n$/,
    );
  });
});

Deno.test("code that cannot become a function is rejected before anything is sent", async () => {
  await work({ GetFunction: [noFunction] }, async (llama, place, aws) => {
    await place.write("settings/config.json", JSON.stringify(settings));
    await place.addFunction("hello", "#!/bin/sh\n");
    await place.write("work/images/plain/hello.sh", "#!/bin/sh\n", 0o755);
    await place.write("work/images/mode/run", "#!/bin/sh\n", 0o644);
    await place.write("work/images/mode/function.json", '{"handler": "run"}');
    await place.write("work/images/typo/function.json", '{"handler": "x", "timout": 5}');
    await place.write("work/images/typo/x", "#!/bin/sh\n", 0o755);
    await place.write("work/no.zip", "no zip");
    const create = (...args: string[]) => llama("update-function", "-create", ...args, "hello");
    const cases: [string[], number, string, string][] = [
      [
        ["-zip", "images/hello", "-handler", "handlr"],
        2,
        "the handler handlr is not in images/hello",
        "hint: did you mean -handler handler?",
      ],
      [
        ["-zip", "images/plain"],
        2,
        "no handler for hello",
        "hint: name the program in the zip that the function runs: -handler FILE",
      ],
      [
        ["-zip", "images/mode"],
        2,
        "the handler run in images/mode is not executable",
        "hint: run `chmod +x run` and zip it again",
      ],
      [
        ["-zip", "images/typo"],
        2,
        'images/typo/function.json: unknown field "timout"',
        'hint: did you mean "timeout"?',
      ],
      [
        ["-zip", "no.zip"],
        125,
        "no.zip is not a complete zip file",
        "hint: create it again, or pass the folder that it is made from",
      ],
      [
        ["-zip", "images/hello", "-arch", "arm64"],
        2,
        "no layer with llama's runtime for arm64",
        "hint: run `llama bootstrap -arch arm64` to publish it",
      ],
      [
        ["-build", "images/plain"],
        125,
        "cannot build an image from images/plain: Dockerfile: no such file or directory",
        "hint: use -build for a folder with a Dockerfile, -zip for a folder with a handler",
      ],
    ];
    for (const [args, status, message, hint] of cases) {
      assert.deepEqual(said(await create(...args)), [status, message, hint]);
    }
    await place.write("work/images/plain/Dockerfile", "FROM scratch\n");
    const noDocker = await create("-build", "images/plain", "-container-tool", "no-docker");
    assert.deepEqual(said(noDocker), [
      2,
      "building images/plain: cannot run no-docker: no such file or directory",
      "hint: install Docker, or use another tool: -container-tool podman",
    ]);
    assert.deepEqual(aws.changes, []);
  });
});

Deno.test("an interrupted update says that Lambda may continue", async () => {
  const function_ = (state: string) => ({
    FunctionName: "hello",
    FunctionArn: "arn:aws:lambda:us-west-2:123456789012:function:hello",
    PackageType: "Zip",
    Role: settings.role,
    MemorySize: 512,
    Timeout: 60,
    CodeSha256: "x",
    LastModified: "2026-11-24T12:00:00.000+0000",
    State: state,
  });
  const script: Script = {
    GetFunction: [noFunction, json({ Configuration: function_("Pending") })],
    CreateFunction: [json(function_("Pending"), 201)],
  };
  await work(script, async (_llama, place, aws) => {
    await place.write("settings/config.json", JSON.stringify(settings));
    await place.addFunction("hello", "#!/bin/sh\n");
    const child = place.start(
      ["update-function", "-create", "-zip", "images/hello", "hello"],
      { environment: aws.environment },
    );
    const looks = () => aws.calls.filter(({ action }) => action === "GetFunction").length;
    await until(() => looks() >= 2, "the function is waited for");
    child.kill("SIGINT");
    await child.stdin.close();
    const { code, stderr } = await child.output();
    assert.equal(code, 130);
    assert.equal(
      textOf(stderr),
      "llama: waiting until hello is ready\nllama: interrupted\n" +
        "llama: Lambda may still be changing the function: see llama functions\n",
    );
  });
});

Deno.test("a failed teardown says what was removed, and how to remove the rest", async () => {
  const denied = "User: a is not authorized to perform: lambda:DeleteLayerVersion on resource: b";
  const versions = json({
    LayerVersions: [{ LayerVersionArn: settings.layer, Version: 1, Description: "llama" }],
  });
  const script: Script = {
    DescribeStacks: [stack("CREATE_COMPLETE", outputs)],
    ListFunctions: [json({ Functions: [] })],
    ListLayerVersions: [versions, json({ LayerVersions: [] })],
    DeleteLayerVersion: [lambdaError(403, "AccessDeniedException", denied)],
  };
  await work(script, async (llama, place) => {
    await place.write("settings/config.json", JSON.stringify(settings));
    assert.deepEqual(said(await llama("teardown", "-yes")), [
      125,
      "not everything was removed: run llama teardown again to remove the rest",
      `Lambda refused DeleteLayerVersion: AccessDeniedException: ${denied}`,
      "hint: the credentials need lambda:DeleteLayerVersion",
    ]);
    assert(exists(place.join("settings/config.json")));
  });
});

Deno.test("logs that may not be changed are reported, and the rest is done", async () => {
  const denied = (action: string) => () =>
    Response.json({
      __type: "AccessDeniedException",
      message: `User: a is not authorized to perform: logs:${action} on resource: b`,
    }, { status: 400 });
  const hello = {
    FunctionName: "hello",
    FunctionArn: "arn:aws:lambda:us-west-2:123456789012:function:hello",
    PackageType: "Image",
    Role: settings.role,
    MemorySize: 512,
    Timeout: 60,
  };
  const script: Script = {
    DescribeStacks: [noStack],
    ListFunctions: [json({ Functions: [hello] })],
    GetFunction: [noFunction, json({ Configuration: hello, Tags: { llama: "llama" } })],
    CreateFunction: [json(hello, 201)],
    DescribeLogGroups: [denied("DescribeLogGroups")],
    ListLayerVersions: [json({ LayerVersions: [] })],
    DeleteFunction: [() => new Response(null, { status: 204 })],
    DeleteLogGroup: [denied("DeleteLogGroup")],
  };
  await work(script, async (llama, place) => {
    await place.write("settings/config.json", JSON.stringify(settings));
    const made = await llama("update-function", "-create", "-image", "a/b:c", "hello");
    assert.equal(made.status, 0, made.stderr);
    assert.match(
      made.stderr,
      /the logs of hello will not expire: CloudWatch Logs refused DescribeLogGroups: .*\nllama: hint: the credentials need logs:DescribeLogGroups\n/,
    );
    const removed = await llama("teardown", "-yes");
    assert.equal(removed.status, 0, removed.stderr);
    assert.match(
      removed.stderr,
      /left: the log group \/aws\/lambda\/hello: CloudWatch Logs refused DeleteLogGroup: .*\nllama: hint: the credentials need logs:DeleteLogGroup\n/,
    );
  });
});

Deno.test("-local is rejected by the commands for AWS", async () => {
  await work({}, async (llama, _place, aws) => {
    for (
      const args of [["bootstrap", "-runtime", "runtime.zip"], ["teardown", "-yes"], ["functions"]]
    ) {
      assert.deepEqual(said(await llama("-local", ...args)), [
        2,
        "-local cannot be used with a command that works in AWS",
        "hint: omit -local",
      ]);
    }
    assert.deepEqual(aws.calls, []);
  });
});

Deno.test("without settings the hint is to run bootstrap", async () => {
  await work({ GetFunction: [noFunction] }, async (llama, place) => {
    await place.addFunction("hello", "#!/bin/sh\n");
    assert.deepEqual(
      said(await llama("update-function", "-create", "-zip", "images/hello", "hello")),
      [
        2,
        "no execution role for the function",
        "hint: run `llama bootstrap`, or set one: llama config role ARN",
      ],
    );
  });
});

/** Runs llama in a pseudoterminal, by util-linux's script, and returns the output. */
async function onTerminal(
  place: Workplace,
  args: readonly string[],
  typed: string,
  environment: Record<string, string>,
): Promise<string> {
  const command = shellQuote([...program, ...args]);
  const child = new Deno.Command("script", {
    args: ["-qec", command, "/dev/null"],
    cwd: place.here(),
    clearEnv: true,
    env: { ...place.environment(), ...environment },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  let shown = "";
  let isAsked = false;
  const stdin = child.stdin.getWriter();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    if (isAsked || !shown.includes("[y/N] ")) continue;
    isAsked = true;
    await stdin.write(bytesOf(typed));
  }
  await stdin.close().catch(() => {});
  await child.status;
  return shown;
}

const ignore = Deno.build.os !== "linux";
Deno.test({
  name: "a teardown that is not confirmed removes nothing",
  ignore,
  fn: async () => {
    const script: Script = {
      DescribeStacks: [stack("CREATE_COMPLETE", outputs)],
      ListFunctions: [json({ Functions: [] })],
      ListLayerVersions: [json({ LayerVersions: [] })],
    };
    await work(script, async (_llama, place, aws) => {
      for (const no of ["\n", "\x04", "nein\n"]) {
        const shown = await onTerminal(place, ["teardown"], no, aws.environment);
        assert.match(shown, /\? \[y\/N\] .*\r\nllama: nothing was removed\r\n$/);
      }
      const interrupted = await onTerminal(place, ["teardown"], "\x03", aws.environment);
      assert.match(interrupted, /llama: interrupted\r\n$/);
      const asked = await onTerminal(place, ["teardown"], "n\n", aws.environment);
      assert.match(
        asked,
        /From account 123456789012, region us-west-2, remove llama's objects in the bucket llama-bucket-1; the stack llama with its role, repository and images\? \[y\/N\] /,
      );
      assert.match(asked, /llama: nothing was removed/);
      assert.deepEqual(aws.changes, []);
    });
  },
});
