/** Our client and runtime against S3 servers that others wrote. */

import assert from "node:assert/strict";
import { findAccount } from "../../lib/aws/account.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { openStore } from "../../lib/store/open.ts";
import { ChangedObject } from "../../lib/store/s3_files.ts";
import { openS3Files } from "../../lib/store/s3_open.ts";
import { Workplace } from "../e2e/llama.ts";
import { compressedIn } from "../../lib/store/store.ts";
import { accessLog, noise, TemporaryDirectory } from "../helpers.ts";
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

/** Stores and fetches compressed objects: in memory, and in a temporary file once compressed. */
async function compressesWith(environment: Record<string, string>, url: string) {
  await using directory = new TemporaryDirectory();
  for (const size of [20_000, 9_000_000]) {
    using store = openStore(url, { environment });
    const compressed = compressedIn(store);
    const bytes = accessLog(size);
    const { id, form } = await compressed.put(bytes);
    assert.deepEqual([id, form], [sha256(bytes), "zst"]);
    assert.deepEqual([await compressed.has(id), await store.has(id)], [true, false]);
    assert.equal(sha256((await compressed.get(id)).bytes), id);
    await compressed.getFile(id, directory.join(`log-${size}`));
    assert.equal(sha256(await Deno.readFile(directory.join(`log-${size}`))), id);
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

peerTest("versitygw and strict signatures accept compressed objects", async () => {
  await using gateway = await VersityGw.start();
  await compressesWith(gateway.environment, "s3://bucket/a b+c/ü%/");
  await using aws = await FakeAws.start({});
  await compressesWith(aws.environment, "s3://llama.1606000000/obj/");
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

peerTest("objects of the user's are found, read, written and listed in versitygw", async () => {
  await using gateway = await VersityGw.start(["data"]);
  await using place = new TemporaryDirectory();
  const { signal } = new AbortController();
  using files = openS3Files({
    client: new AwsClient(findAccount(gateway.environment)),
    onDenied: (action) => action,
  });
  const keys = ["plain", "a b+c/ü%", "x=&y?#;:@$,!'()~[]{}|^`\"<>\\", "日本/🙂"];
  const source = await place.write("in", "contents");
  for (const [index, key] of keys.entries()) {
    const url = `s3://data/${key}`;
    await files.write(url, source, { isNew: true, signal });
    const found = await files.find(url);
    const { sha256: hash, etag } = await files.identify(url);
    assert.deepEqual([hash, etag], [sha256("contents"), found.etag]);
    await files.read(url, place.join(`out${index}`), found);
    assert.equal(await Deno.readTextFile(place.join(`out${index}`)), "contents");
    await assert.rejects(
      files.write(url, await place.write("other", "others"), { isNew: true, signal }),
      /exists$/,
      key,
    );
    await files.write(url, await place.write("other", "others"), { signal });
    await assert.rejects(files.read(url, place.join(`not${index}`), found), ChangedObject, key);
  }
  const listed = (await Array.fromAsync(files.list("s3://data/"))).flat().map(({ url }) => url);
  assert.deepEqual(listed.sort(), keys.map((key) => `s3://data/${key}`).sort());
  // In parts.
  const bytes = noise(70_000_001, 1);
  const big = await place.write("big", bytes);
  await files.write("s3://data/big", big, { isNew: true, signal });
  // A hash of the parts' hashes is not that of the bytes.
  assert.equal((await files.identify("s3://data/big")).sha256, undefined);
  await files.write("s3://data/big", big, { isNew: true, signal });
  await files.read("s3://data/big", place.join("big-out"), await files.find("s3://data/big"));
  assert.equal(sha256(await Deno.readFile(place.join("big-out"))), sha256(bytes));
});

peerTest("2,000 objects in versitygw go through functions on this machine", async () => {
  await using gateway = await VersityGw.start(["bucket", "data"]);
  await using place = new Workplace();
  await place.addShell();
  await Deno.mkdir(`${gateway.data("data")}/in`);
  for (let i = 0; i < 2000; i++) {
    Deno.writeTextFileSync(`${gateway.data("data")}/in/${i}`, `${i}\n`);
  }
  const { status, stdout, stderr } = await place.local([
    ...[
      "-store",
      "s3://bucket/obj/",
      "xargs",
      "-n",
      "100",
      "-a",
      "s3://data/in/",
      "any",
      "sh",
      "-c",
    ],
    'out="$1"; shift; cat "$@" >"$out"; echo $#',
    "sh",
    '{{.O (printf "s3://data/out/%d" .Idx)}}',
    "{{.I .Each}}",
  ], { environment: gateway.environment });
  assert.deepEqual([status, stdout, stderr], [0, "100\n".repeat(20), ""]);
  const written = await Array.fromAsync(Deno.readDir(`${gateway.data("data")}/out`));
  assert.equal(written.length, 20);
});
