/** Our client and runtime against S3 servers that others wrote. */

import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { openStore } from "../../lib/store/open.ts";
import { Workplace } from "../e2e/llama.ts";
import { noise, TemporaryDirectory } from "../helpers.ts";
import { FakeAws, peerTest, VersityGw } from "./servers.ts";

const prefixes = ["", "obj/", "a b+c/ü%/", "x=&y?#;:@$,!'()*~[]{}|^`\"<>\\/", "日本/🙂/"];

/** Sends, finds and fetches objects: small ones, one that is asked for first, one in parts. */
async function worksWith(environment: Record<string, string>, url: string, sizes: number[]) {
  await using directory = new TemporaryDirectory();
  for (const size of sizes) {
    using store = openStore(url, { environment });
    const bytes = noise(size, size + 1);
    const path = await directory.write(`in-${size}`, bytes);
    const id = await store.putFile(path);
    assert.equal(id, sha256(bytes));
    assert.equal(await store.has(id), true);
    store.forget(id);
    assert.equal(await store.putFile(path), id);
    assert.equal(sha256(await store.get(id)), id);
    await store.getFile(id, directory.join(`out-${size}`));
    assert.equal(sha256(await Deno.readFile(directory.join(`out-${size}`))), id);
  }
}

peerTest("versitygw accepts signed requests for any prefix and bucket name", async () => {
  await using gateway = await VersityGw.start(["bucket", "llama.1606000000"]);
  for (const bucket of ["bucket", "llama.1606000000"]) {
    for (const prefix of prefixes) {
      await worksWith(gateway.environment, `s3://${bucket}/${prefix}`, [0, 1, 300_000]);
    }
  }
});

peerTest("versitygw accepts and returns an object in parts", async () => {
  await using gateway = await VersityGw.start();
  await worksWith(gateway.environment, "s3://bucket/a b+c/ü%/", [20_000_000, 70_000_001]);
});

peerTest("strict signatures pass, with and without a session token", async () => {
  for (const token of [undefined, "FwoGZXIvYXdzE/+a==b"]) {
    await using aws = await FakeAws.start({}, token === undefined ? [] : ["-session-token", token]);
    const environment = {
      ...aws.environment,
      ...(token === undefined ? {} : { AWS_SESSION_TOKEN: token }),
    };
    for (const prefix of prefixes) {
      await worksWith(environment, `s3://llama.1606000000/${prefix}`, [0, 1, 300_000]);
    }
    const refused = Object.keys(await aws.requests()).filter((kind) => / 40[03]$/.test(kind));
    assert.deepEqual(refused, []);
  }
});

peerTest("20 jobs that name the same file send it once", async () => {
  await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
  await using place = new Workplace();
  await Deno.writeFile(place.here("big"), noise(1_000_000));
  const lines = Array.from({ length: 20 }, (_, line) => `${line}\n`).join("");
  const { status, stderr } = await place.run(
    ["xargs", "-j", "20", "echo", '{{.I "big"}}', "{{.Line}}"],
    { stdin: lines, environment: { ...aws.environment, LLAMA_OBJECT_STORE: "s3://bucket/obj/" } },
  );
  assert.deepEqual([status, stderr], [0, ""]);
  const { "s3.PUT": puts, "s3.HEAD": heads, "lambda.invoke": invocations } = await aws.requests();
  assert.deepEqual([puts, heads, invocations], [1, 1, 20]);
});
