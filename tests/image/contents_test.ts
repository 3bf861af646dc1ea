import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { imageState } from "../../lib/image/contents.ts";
import { labelsOf, readLabels } from "../../lib/image/labels.ts";
import { version } from "../../lib/version.ts";
import { bytesOf } from "../helpers.ts";
import { json, ScriptedAws } from "../scripted_aws.ts";

const host = "123456789012.dkr.ecr.us-west-2.amazonaws.com";
const digest = `sha256:${"a".repeat(64)}`;
const plan = {
  programs: [{ path: "/usr/bin/a b", package: "a" }, { path: "/opt/c" }],
  packages: [
    { name: "libc6:amd64", version: "2.36-9+deb12u1", reason: "" },
    { name: "a", version: "1:2=3", reason: "" },
  ],
};

Deno.test("labels are read as they were written", () => {
  const labels = labelsOf(plan, "stack-1");
  assert.deepEqual(readLabels(labels), {
    programs: plan.programs,
    packages: [{ name: "a", version: "1:2=3" }, { name: "libc6:amd64", version: "2.36-9+deb12u1" }],
    stack: "stack-1",
    runtime: version,
  });
  assert.equal(readLabels({ ...labels, "llama.programs": "[1]" }), undefined);
  assert.equal(readLabels({ ...labels, "llama.programs": "no JSON" }), undefined);
  assert.equal(readLabels({ maintainer: "someone" }), undefined);
});

Deno.test("an image in ECR is read by ECR's own API, and its configuration from the URL it gives", async () => {
  const configuration = JSON.stringify({
    architecture: "arm64",
    config: { Labels: labelsOf(plan, "llama") },
  });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      // The URL is signed by its query, and S3 refuses a second signature.
      assert.equal(request.headers.get("authorization"), null);
      return new Response(configuration);
    },
  );
  const config = { digest: `sha256:${sha256(bytesOf(configuration))}` };
  const found = (imageDigest: string) =>
    json({ images: [{ imageId: { imageDigest }, imageManifest: JSON.stringify({ config }) }] });
  await using aws = new ScriptedAws({
    BatchGetImage: [found(digest), json({ images: [], failures: [] })],
    GetDownloadUrlForLayer: [json({ downloadUrl: `http://127.0.0.1:${server.addr.port}/x?sig` })],
  });
  const function_ = { name: "f", image: `${host}/llama@${digest}` };
  const state = await imageState(function_, aws.client, {});
  assert.equal(state?.isThere, true);
  assert.equal(state.tagged, undefined);
  assert.equal(state.architecture, "arm64");
  assert.deepEqual(state.contents?.programs, plan.programs);
  const input = aws.inputOf("GetDownloadUrlForLayer");
  assert.equal(input["layerDigest"], config.digest);
  assert.equal(input["registryId"], "123456789012");
});

Deno.test("an image that ECR no longer has is told, and nothing more is asked", async () => {
  await using aws = new ScriptedAws({
    BatchGetImage: [json({ images: [] }), json({ images: [] })],
  });
  const state = await imageState({ name: "f", image: `${host}/llama@${digest}` }, aws.client, {});
  assert.deepEqual(state, {
    repository: `${host}/llama`,
    digest,
    isThere: false,
    tagged: undefined,
    architecture: undefined,
    contents: undefined,
  });
});
