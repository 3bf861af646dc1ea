/** The bucket of a set-up is one of versitygw's; what else is of AWS answers as a script says. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { zipOf } from "../../lib/deploy/zip_writer.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { Workplace } from "../e2e/llama.ts";
import { noise } from "../helpers.ts";
import {
  events,
  json,
  noUpdates,
  query,
  type Script,
  ScriptedAws,
  stack,
} from "../scripted_aws.ts";
import { peerTest, VersityGw } from "./servers.ts";

const layer = "arn:aws:lambda:us-west-2:123456789012:layer:llama-runtime:1";
const complete = stack("CREATE_COMPLETE", {
  Bucket: "llama-bucket-1",
  BucketKind: "generated",
  Role: "arn:aws:iam::123456789012:role/llama-Role-1",
  Repository: "123456789012.dkr.ecr.us-west-2.amazonaws.com/llama",
});
const noLayers = json({ LayerVersions: [] });
const script: Script = {
  GetCallerIdentity: [
    query("GetCallerIdentity", "<Arn>arn:aws:iam::123456789012:user/a</Arn><Account>1</Account>"),
  ],
  DescribeStacks: [complete, complete, stack("DELETE_COMPLETE")],
  DescribeStackEvents: [events([])],
  UpdateStack: [noUpdates],
  DeleteStack: [query("DeleteStack")],
  GetRole: [
    query("GetRole", "<Role><Arn>arn:aws:iam::123456789012:role/llama-Role-1</Arn></Role>"),
  ],
  DescribeRepositories: [json({ repositories: [] })],
  ListFunctions: [json({ Functions: [] })],
  ListLayerVersions: [
    noLayers,
    json({ LayerVersions: [{ LayerVersionArn: layer, Version: 1, Description: "llama" }] }),
    noLayers,
  ],
  PublishLayerVersion: [json({ LayerVersionArn: layer, Version: 1 }, 201)],
  DeleteLayerVersion: [() => new Response(null, { status: 204 })],
};

peerTest(
  "the layer goes through versitygw's bucket, from which teardown removes only llama's objects",
  async () => {
    await using gateway = await VersityGw.start(["llama-bucket-1"]);
    await using aws = new ScriptedAws(script);
    await using place = new Workplace();
    const zip = zipOf([{ name: "bootstrap", bytes: noise(30_000_000), mode: 0o755 }]);
    const path = await place.write("runtime.zip", zip);
    const environment = { ...aws.environment, ...gateway.environment };
    const bucket = gateway.data("llama-bucket-1");
    await Deno.writeTextFile(join(bucket, "notes.txt"), "mine");

    const made = await place.run(["bootstrap", "-runtime", path], { environment });
    assert.equal(made.status, 0, made.stderr);
    const { Content } = aws.inputOf("PublishLayerVersion");
    assert.deepEqual(Content, { S3Bucket: "llama-bucket-1", S3Key: `obj/code/${sha256(zip)}` });
    assert.deepEqual(
      await Deno.readFile(join(bucket, "obj/code", sha256(zip))),
      new Uint8Array(zip),
    );

    const removed = await place.run(["teardown", "-yes"], { environment });
    assert.equal(removed.status, 0, removed.stderr);
    assert.equal(
      removed.stdout,
      "deleted the layer llama-runtime, version 1\ndeleted the stack llama\n",
    );
    const left = [...Deno.readDirSync(bucket)].filter(({ isFile }) => isFile);
    assert.deepEqual(left.map(({ name }) => name), ["notes.txt"]);
    await assert.rejects(Deno.stat(join(bucket, "obj/code", sha256(zip))), Deno.errors.NotFound);
  },
);
