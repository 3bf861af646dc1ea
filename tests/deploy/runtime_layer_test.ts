import assert from "node:assert/strict";
import { otherRuntimes, publishRuntime, versionOfLayer } from "../../lib/deploy/runtime_layer.ts";
import { runtimeZip } from "../../lib/deploy/runtime_zip.ts";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { zipMembers } from "../../lib/deploy/zip_reader.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { version } from "../../lib/version.ts";
import { bytesOf, TemporaryDirectory } from "../helpers.ts";
import { json, lambdaError, ScriptedAws } from "../scripted_aws.ts";
import { failureOf } from "./failure_of.ts";

const arn = "arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime-arm64:4";
const zip = bytesOf("the zip");
const description = `llama ${version}, sha256 ${sha256(zip)}`;

const versions = (text: string) =>
  json({ LayerVersions: [{ LayerVersionArn: arn, Version: 4, Description: text }] });

Deno.test("an already published runtime is not published again", async () => {
  await using aws = new ScriptedAws({ ListLayerVersions: [versions(description)] });
  const published = await publishRuntime(aws.client, {
    zip,
    architecture: "arm64",
    stack: "llama",
  });
  assert.deepEqual(published, { arn, isNew: false });
  assert.deepEqual(aws.changes, []);
});

Deno.test("a changed runtime becomes the layer's next version", async () => {
  await using aws = new ScriptedAws({
    ListLayerVersions: [versions("llama 0.0.1, sha256 1")],
    PublishLayerVersion: [json({ LayerVersionArn: arn, Version: 4 }, 201)],
  });
  const published = await publishRuntime(aws.client, {
    zip,
    architecture: "arm64",
    stack: "llama",
  });
  assert.deepEqual(published, { arn, isNew: true });
  const input = aws.inputOf("PublishLayerVersion");
  assert.equal(input["Description"], description);
  assert.deepEqual(input["CompatibleArchitectures"], ["arm64"]);
});

Deno.test("a layer's description contains its llama version", () => {
  assert.equal(versionOfLayer(description), version);
  assert.equal(versionOfLayer("something else"), undefined);
});

Deno.test("layers of other stacks are found by their description, and unreadable ones are left", async () => {
  const layer = (name: string, account = "123456789012") =>
    `arn:aws:lambda:us-west-2:${account}:layer:${name}:1`;
  const version = (Description: string) =>
    json({ LayerVersionArn: layer("x"), Version: 1, Description });
  await using aws = new ScriptedAws({
    GetLayerVersion: [
      version(description),
      version("my own java"),
      lambdaError(403, "AccessDeniedException", "not authorized to perform: GetLayerVersion"),
      lambdaError(404, "ResourceNotFoundException", "it was deleted"),
    ],
  });
  const layers = ["two-runtime", "java-runtime", "their-runtime", "gone-runtime"].map((name) =>
    layer(name, name === "their-runtime" ? "210987654321" : undefined)
  );
  const others = await otherRuntimes(aws.client, [
    layer("tools"),
    layer("llama-runtime"),
    ...layers,
  ], [layer("llama-runtime").replace(/1$/, "7")]);
  assert.deepEqual(others, [layers[0], layers[3]]);
});

Deno.test("a compiled runtime is zipped as bootstrap, and a zip is used unchanged", async () => {
  await using directory = new TemporaryDirectory();
  const program = new Uint8Array(64);
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  program[18] = 62;
  const path = await directory.write("bootstrap", program);
  const { signal } = new AbortController();
  const zipFrom = (architecture: "x86_64" | "arm64", named: string) =>
    runtimeZip(architecture, { named, signal });
  const made = await zipFrom("x86_64", path);
  const [member] = zipMembers(made, "made");
  assert.deepEqual([member?.name, member?.mode, member?.bytes], ["bootstrap", 0o100755, 64]);
  assert.deepEqual(await zipFrom("arm64", await directory.write("r.zip", made)), made);
  assert.deepEqual(await failureOf(zipFrom("arm64", path)), [
    `${path} is built for x86_64, not for arm64`,
    "add -runtime FILE with the runtime for that architecture, or its zip",
  ]);
  const closed = zipOf([{ name: "bootstrap", bytes: program, mode: 0o700 }]);
  const [modes] = await failureOf(zipFrom("x86_64", await directory.write("c.zip", closed)));
  assert.match(modes, /c\.zip: bootstrap has mode 0700, so Lambda's user cannot read it$/);
  const [missing] = await failureOf(zipFrom("x86_64", directory.join("none")));
  assert.match(missing, /^cannot read .*none: no such file or directory$/);
  const [script] = await failureOf(zipFrom("x86_64", await directory.write("s", "#!/bin/sh")));
  assert.match(script, /is built for an unknown platform, not for x86_64$/);
});
