import assert from "node:assert/strict";
import { getFunction } from "../../lib/aws/api/lambda_functions.ts";
import type { FunctionWork } from "../../lib/deploy/function.ts";
import { RuntimeLayers, updateRuntime } from "../../lib/deploy/runtime_update.ts";
import type { Settings } from "../../lib/settings.ts";
import { version } from "../../lib/version.ts";
import { type Answer, json, lambdaError, type Script, ScriptedAws } from "../scripted_aws.ts";
import { failureOf } from "./failure_of.ts";

const arn = "arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime";
const own = "arn:aws:lambda:us-west-2:123456789012:layer:fonts:7";
const settings: Settings = { layer: `${arn}:3` };

const layer = (number: number, runtime: string) => ({
  LayerVersionArn: `${arn}:${number}`,
  Version: number,
  Description: `llama ${runtime}, sha256 0`,
});
const layerOf = (number: number, runtime: string): Answer => json(layer(number, runtime));
const gone = lambdaError(404, "ResourceNotFoundException", "none");

const configuration = (changes: object = {}) => ({
  FunctionName: "hello",
  FunctionArn: "arn:aws:lambda:us-west-2:123456789012:function:hello",
  PackageType: "Zip",
  Description: "mine",
  Role: "arn:aws:iam::123456789012:role/mine",
  MemorySize: 3008,
  Timeout: 10,
  EphemeralStorage: { Size: 1024 },
  Environment: { Variables: { LLAMA_OBJECT_STORE: "s3://bucket/obj/", A_B: "kept" } },
  Runtime: "provided.al2023",
  Handler: "hello.sh",
  Layers: [{ Arn: own }, { Arn: `${arn}:2` }],
  ...changes,
});

/** Moves the function, and returns the changes and the requests. */
async function move(script: Script, changes: object = {}, inForce: Settings = settings) {
  await using aws = new ScriptedAws({
    GetFunction: [json({ Configuration: configuration(changes), Tags: { llama: "llama" } })],
    UpdateFunctionConfiguration: [json(configuration())],
    ...script,
  });
  const work: FunctionWork = {
    client: aws.client,
    pause: () => Promise.resolve(),
    onWait: () => {},
  };
  const found = await getFunction(aws.client, "hello");
  assert(found);
  const words = await updateRuntime(work, new RuntimeLayers(aws.client, inForce), found, "llama")
    .catch(async (error) => await failureOf(Promise.reject(error)));
  return { words, changes: aws.changes, sent: aws.calls.at(-1)?.input };
}

Deno.test("a function gets this llama's version of the layer, and nothing else changes", async () => {
  const { words, sent } = await move({
    GetLayerVersion: [layerOf(3, version), layerOf(2, "0.0.1")],
  });
  assert.deepEqual(words, [`layers ${own} ${arn}:2 -> ${own} ${arn}:3`]);
  const { FunctionName: _, FunctionArn: _arn, PackageType: _type, Layers: _layers, ...settings } =
    configuration();
  assert.deepEqual(sent, { ...settings, Layers: [own, `${arn}:3`] });
});

Deno.test("a function that has this llama's runtime is not changed", async () => {
  const { words, changes } = await move(
    { GetLayerVersion: [layerOf(3, version)] },
    { Layers: [{ Arn: `${arn}:3` }] },
  );
  assert.deepEqual([words, changes], [[], []]);
});

Deno.test("a layer version that another user published is found", async () => {
  const { sent } = await move({
    GetLayerVersion: [layerOf(3, "0.0.2"), layerOf(2, "0.0.1")],
    ListLayerVersions: [
      json({ LayerVersions: [layer(5, "1000.0.0"), layer(4, version), layer(3, "0.0.2")] }),
    ],
  });
  assert.deepEqual(sent?.["Layers"], [own, `${arn}:4`]);
});

Deno.test("without this llama's runtime in the layer, the hint is to run bootstrap", async () => {
  const { words, changes } = await move({
    GetLayerVersion: [layerOf(3, "0.0.2")],
    ListLayerVersions: [json({ LayerVersions: [layer(3, "0.0.2")] })],
  });
  assert.deepEqual(words, [
    `no version of the layer llama-runtime contains the runtime of this llama, ${version}`,
    "run `llama bootstrap` to publish it",
  ]);
  assert.deepEqual(changes, []);
  const arm = await move({}, { Architectures: ["arm64"] });
  assert.match(String(arm.words[1]), /^run `llama bootstrap -arch arm64`/);
});

Deno.test("a runtime that is newer than this llama is not replaced by an older one", async () => {
  const { words, changes } = await move({
    GetLayerVersion: [layerOf(3, version), layerOf(4, "1000.0.0")],
  }, { Layers: [{ Arn: `${arn}:4` }] });
  assert.deepEqual(words, [
    `the runtime of hello, 1000.0.0, is newer than this llama, ${version}`,
    "update llama",
  ]);
  assert.deepEqual(changes, []);
});

Deno.test("a layer version that was deleted is replaced", async () => {
  const { words } = await move({ GetLayerVersion: [layerOf(3, version), gone] });
  assert.equal(words.length, 1);
});

Deno.test("a function that contains the runtime is an error with a hint how to rebuild it", async () => {
  const image = await move({}, { PackageType: "Image" });
  assert.deepEqual(image.words, [
    "hello is an image, which contains the runtime",
    "for programs, run `llama update-function -program PROGRAM hello`; for a Dockerfile, " +
    "run `docker build -t llama .` in this llama's source tree, then " +
    "`llama update-function -build DIR hello`",
  ]);
  const zip = await move({ GetLayerVersion: [layerOf(3, version)] }, { Layers: [{ Arn: own }] });
  assert.match(
    String(zip.words[0]),
    /^the runtime of hello is not from the layer .*:llama-runtime$/,
  );
  assert.match(String(zip.words[1]), /: llama update-function -zip PATH hello$/);
  assert.deepEqual([...image.changes, ...zip.changes], []);
});
