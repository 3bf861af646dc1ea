/** Hostile text from outside, in everything that llama prints. */

import assert from "node:assert/strict";
import { echo, functionError, InvokeStub, logHeader, type StubAnswer } from "../invoke_stub.ts";
import { json, lambdaError, queryError, ScriptedAws } from "../scripted_aws.ts";
import { type Ended, type RunOptions, Workplace } from "./llama.ts";

/** Text that moves the cursor, sets the title and colors, rings, and reorders and ends lines. */
const controls =
  "\x07\b\r\x1b[2J\x1b]0;title\x07\x7f\x85\x9b31m\u061c\u2028\u2029\u202e\u2066\u200f";
/** The same text, with an attempt to forge a line of llama's. */
const hostile = `evil${controls}\nllama: forged`;

const raw =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Checks that the text is in the output, but only escaped. */
function assertPrintable(text: string, what: string): void {
  assert.doesNotMatch(text, raw, what);
  assert.doesNotMatch(text, /^llama: forged/m, what);
  assert.match(text, /evil/, what);
}

/** A workplace whose runs talk to a stub. */
class Place extends Workplace {
  async against(
    answer: StubAnswer,
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<Ended> {
    await using stub = new InvokeStub(answer);
    const environment = { ...stub.environment, ...options.environment };
    return await this.run(args, { ...options, environment });
  }
}

/** The part of the text that an XML document may contain. */
const inXml = "evil\x7f\x85\x9b31m\u061c\u2028\u2029\u202e\u2066\u200f\nllama: forged";

const stored = { r: "0".repeat(64) };
const s3Error = `<Error><Code>${hostile}</Code><Message>${hostile}</Message></Error>`;

/** Responses whose text ends up in an error, each by another way. */
const answers: Readonly<Record<string, StubAnswer>> = {
  "a function's error": () => functionError(`Type.${hostile}`, hostile),
  "a function's error that is not JSON": () =>
    new Response(hostile, { headers: { "x-amz-function-error": "Unhandled" } }),
  "a refusal": lambdaError(400, "\x9b31mType", hostile),
  "a refusal that is a page": () => new Response(`<html>${hostile}`, { status: 400 }),
  "an answer that is not JSON": () => new Response(hostile),
  "an answer of another shape": () => ({ status: 0, outputs: { [hostile]: { s: 1 } } }),
  "the names of the emulator's functions": () =>
    new Response("{}", {
      status: 404,
      headers: {
        "x-amzn-errortype": "ResourceNotFoundException",
        "x-llama-functions": encodeURIComponent(hostile),
        "x-llama-functions-from": encodeURIComponent(hostile),
      },
    }),
  "why there is no output": () => ({ status: 0, outputs: { o: { e: hostile } } }),
  "an output in the store": () => ({ status: 0, outputs: { o: stored } }),
  "standard output in the store": () => ({ status: 0, stdout: stored }),
};

for (const [what, answer] of Object.entries(answers)) {
  Deno.test(`${what} reaches no terminal raw`, async () => {
    await using place = new Place();
    await using s3 = new ScriptedAws({ GetObject: [() => new Response(s3Error, { status: 400 })] });
    const environment = { AWS_ENDPOINT_URL_S3: s3.url, LLAMA_OBJECT_STORE: "s3://bucket/" };
    const options = { environment };
    const once = await place.against(answer, ["invoke", "-o", "o", "f"], options);
    assertPrintable(once.stderr, "invoke");
    assert.notEqual(once.status, 0);
    const many = await place.against(
      answer,
      ["xargs", "-summary", "f", "{{.Line}}{{.O `o`}}", ":::", "a"],
      options,
    );
    assertPrintable(many.stderr, "xargs");
    const records = await place.against(
      answer,
      ["xargs", "-json", "f", "{{.Line}}{{.O `o`}}", ":::", "a"],
      options,
    );
    assert.doesNotMatch(records.stdout, raw);
    assertPrintable(records.stderr, "xargs -json");
  });
}

Deno.test("file names that a function chose reach no terminal raw", async () => {
  await using place = new Place();
  const file = hostile.replaceAll("/", "");
  const answer = () => ({ status: 0, outputs: { [`o/${file}`]: { e: "no" } } });
  const { stderr } = await place.against(answer, ["invoke", "-o", "o/", "f"]);
  assertPrintable(stderr, "invoke -o o/");
});

Deno.test("-logs shows lines and tabs of a log, with control characters escaped", async () => {
  await using place = new Place();
  const log = `START\tone\r\nevil${controls.replace(/[^]/g, (c) => c < "\xff" ? c : "")}\nEND`;
  const answers: StubAnswer[] = [
    () => Response.json({ status: 0 }, { headers: logHeader(log) }),
    () => {
      const { headers } = functionError("T");
      for (const [name, value] of Object.entries(logHeader(log))) headers.set(name, value);
      return Response.json({ errorType: "T", errorMessage: "m" }, { headers });
    },
  ];
  for (const answer of answers) {
    for (const command of [["invoke", "-logs", "f"], ["xargs", "-logs", "f", ":::", "1"]]) {
      const { stderr } = await place.against(answer, command);
      assertPrintable(stderr, command.join(" "));
      assert.match(stderr, /^START\tone\nevil\\x07.*\nEND\n/);
    }
  }
});

Deno.test("lines reach no terminal raw: as tags, names or commands, and in dry runs", async () => {
  await using place = new Place();
  // The lines end in NUL, so that they may contain line feeds.
  await place.write("work/lines", `${hostile}\0`);
  const all = ["-0", "-a", "lines"];
  const failing = () => ({ status: 3 });
  const tagged = await place.against(echo, ["xargs", ...all, "-tag", "f", "out"]);
  assertPrintable(tagged.stdout, "-tag");
  assert.match(tagged.stdout, /^evil\\x07\\x08\\r.* llama: forged\tout\n$/);
  const runs: readonly (readonly string[])[] = [
    ["xargs", ...all, "f", "{{.Line}}"],
    ["xargs", ...all, "-json", "f", "{{.Line}}"],
    ["xargs", ...all, "f", "{{.I .Line}}"],
    ["xargs", ...all, "f", "{{index .Line 99999}}"],
    ["-debug-aws", "xargs", ...all, "f", "{{.Line}}"],
    ["xargs", ...all, "-dry-run", "f", "{{.I .Line}}{{.O .Line}}"],
    ["xargs", ...all, "-dry-run", "-json", "f", "{{.I .Line}}{{.O .Line}}"],
  ];
  for (const args of runs) {
    const { stdout, stderr } = await place.against(failing, args);
    assert.doesNotMatch(stdout, raw, args.join(" "));
    assertPrintable(stderr, args.join(" "));
  }
});

Deno.test("names and contents of files reach no terminal raw", async () => {
  await using place = new Place();
  const name = hostile.replaceAll("/", "");
  await place.write(`work/${name}`, "x");
  const runs: readonly (readonly string[])[] = [
    ["xargs", "-dry-run", "f", "{{.I .Line}}{{.O .Line}}", ":::", name],
    ["invoke", "-f", `${name}/none`, "f"],
    ["xargs", "-a", `${name}/none`, "f"],
    ["xargs", "-joblog", `${name}/none`, "f", ":::", "1"],
    ["xargs", "-results", name, "f", ":::", "1"],
    ["report", name],
    ["-store", hostile, "invoke", "f"],
    ["-region", hostile, "invoke", "f"],
    ["-profile", hostile, "invoke", "f"],
    ["invoke", "-f", `/${name}:/${name}`, "f"],
    [hostile],
    [`-${hostile}`],
    ["xargs", `-${hostile}`],
    ["config", hostile],
  ];
  for (const args of runs) {
    const { stdout, stderr } = await place.against(echo, args);
    assertPrintable(stdout + stderr, JSON.stringify(args));
  }
});

Deno.test("a service's headers reach no terminal raw with -debug-aws", async () => {
  await using place = new Place();
  const headers = { "x-amzn-requestid": "evil\x9b31m" };
  const answer = () => Response.json({ status: 0 }, { headers });
  const { stderr } = await place.against(answer, ["-debug-aws", "invoke", "f"]);
  assertPrintable(stderr, "-debug-aws");
});

Deno.test("names and descriptions of functions in AWS reach no terminal raw", async () => {
  await using place = new Place();
  const settings = {
    FunctionName: hostile,
    FunctionArn: `arn:aws:lambda:us-west-2:123456789012:function:${hostile}`,
    Runtime: "provided.al2023",
    Role: hostile,
    Handler: hostile,
    Description: hostile,
    Timeout: 60,
    MemorySize: 512,
    LastModified: hostile,
    Version: "$LATEST",
    State: hostile,
    StateReason: hostile,
    LastUpdateStatus: hostile,
    PackageType: "Zip",
    Architectures: ["x86_64"],
  };
  await using aws = new ScriptedAws({
    ListFunctions: [json({ Functions: [settings] })],
    GetFunction: [json({ Configuration: settings, Tags: { llama: hostile } })],
    GetCallerIdentity: [queryError(403, inXml, inXml)],
    DescribeStacks: [queryError(400, inXml, inXml)],
    DeleteFunction: [lambdaError(403, "AccessDeniedException", hostile)],
  });
  for (
    const args of [["functions"], ["doctor"], ["delete-function", "f"], ["teardown", "-yes"]]
  ) {
    const { stdout, stderr } = await place.run(args, { environment: aws.environment });
    assertPrintable(stdout + stderr, args.join(" "));
  }
});

Deno.test("names of local functions reach no terminal raw, and invalid ones are not completed", async () => {
  await using place = new Place();
  const write = (folder: string, definition: unknown) =>
    place.write(`work/images/${folder}/function.json`, JSON.stringify(definition));
  await write("good", { command: [], description: hostile });
  await write("bad", { name: "$(touch owned)", command: [] });
  await write("worse", { name: hostile, command: [] });
  await write("evil`touch owned`", { command: [] });
  const { stdout } = await place.run(["completion", "-line", "llama -local invoke "]);
  assertPrintable(stdout, "completion");
  assert.match(stdout, /^good\tevil\\x07.*\\nllama: forged\n$/);
  for (const name of ["worse", hostile]) {
    const { stderr } = await place.local(["invoke", name]);
    assertPrintable(stderr, "invoke");
  }
});
