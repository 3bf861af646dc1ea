import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { unzipSync } from "npm:fflate@0.8.3";
import { sha256 } from "../../lib/files/hash.ts";
import { root } from "../../scripts/shell.ts";
import { TemporaryDirectory, testWith, textOf } from "../helpers.ts";

/** LLAMA_TEST_DENO is the Deno that has made the programs of dist/. */
const needs = ["LLAMA_TEST_BIN", "LLAMA_TEST_DENO"];

interface LayerVersion {
  Description: string;
  Content: { S3Bucket?: string; S3Key?: string; ZipFile?: string };
  CompatibleRuntimes: string[];
  CompatibleArchitectures: string[];
}

/** S3 and Lambda on one address: what was stored, and what was published. */
function startAws() {
  const objects = new Map<string, Uint8Array>();
  const published: [layer: string, version: LayerVersion][] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const [, layer] = /^\/2018-10-31\/layers\/([^/]+)\/versions$/.exec(pathname) ?? [];
      if (layer !== undefined && request.method === "POST") {
        published.push([layer, await request.json()]);
        const arn = `arn:aws:lambda:us-west-2:123456789012:layer:${layer}:${published.length}`;
        return Response.json({ LayerVersionArn: arn, Version: published.length }, { status: 201 });
      }
      if (layer !== undefined) return Response.json({ LayerVersions: [] });
      if (request.method === "PUT") objects.set(pathname, await request.bytes());
      return new Response(null, { status: objects.has(pathname) ? 200 : 404 });
    },
  );
  return { server, objects, published };
}

testWith(needs, "publish-runtime prints the ARN alone, and its zip holds the runtime", async () => {
  await using directory = new TemporaryDirectory();
  const { server, objects, published } = startAws();
  await Deno.symlink(Deno.env.get("LLAMA_TEST_DENO") ?? "", directory.join("deno"));
  const publish = async (args: string[], store: string, region?: string) => {
    const { code, stdout, stderr } = await new Deno.Command(join(root, "scripts/publish-runtime"), {
      args,
      cwd: directory.path,
      env: {
        PATH: `${directory.path}:${Deno.env.get("PATH")}`,
        AWS_ENDPOINT_URL: `http://127.0.0.1:${server.addr.port}`,
        LLAMA_DIR: directory.join("settings"),
        ...(region === undefined ? {} : { AWS_REGION: region }),
        AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY: "secret",
        LLAMA_OBJECT_STORE: store,
      },
    }).output();
    assert.equal(code, 0, textOf(stderr));
    return textOf(stdout);
  };
  try {
    const arn = "arn:aws:lambda:us-west-2:123456789012:layer";
    assert.equal(await publish([], "s3://bucket/obj/", "us-west-2"), `${arn}:llama-runtime:1\n`);
    const [[path = "", zip = new Uint8Array()] = []] = objects;
    assert.equal(path, `/bucket/obj/code/${sha256(zip)}`);
    const [[, { Content, ...version }] = assert.fail("nothing is published")] = published;
    assert.deepEqual(Content, { S3Bucket: "bucket", S3Key: `obj/code/${sha256(zip)}` });
    assert.deepEqual(
      [version.CompatibleRuntimes, version.CompatibleArchitectures],
      [["provided.al2023"], ["x86_64"]],
    );
    await checkZip(zip, "linux-x86_64");

    const arm = await publish(["-arch", "arm64", "-region", "us-west-2"], "");
    assert.equal(arm, `${arn}:llama-runtime-arm64:2\n`);
    const direct = published[1]?.[1];
    assert.deepEqual(direct?.CompatibleArchitectures, ["arm64"]);
    await checkZip(Buffer.from(direct?.Content.ZipFile ?? "", "base64"), "linux-arm64");

    const settings = { region: "us-west-2", store: "s3://other/obj/", stack: "second" };
    await directory.write("settings/config.json", JSON.stringify(settings));
    assert.equal(await publish([], ""), `${arn}:second-runtime:3\n`);
    assert.equal(published[2]?.[1].Content.S3Bucket, "other");
  } finally {
    await server.shutdown();
  }
});

async function checkZip(zip: Uint8Array, target: string): Promise<void> {
  assert(zip.length < 40_000_000, `${zip.length} bytes`);
  const files = unzipSync(zip);
  assert.deepEqual(Object.keys(files), ["bootstrap"]);
  const program = await Deno.readFile(join(root, "dist", `bootstrap-${target}`));
  assert.equal(sha256(files["bootstrap"] ?? ""), sha256(program));
}
