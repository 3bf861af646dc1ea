import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { sha256 } from "../../lib/files/hash.ts";
import { Layer } from "../../lib/image/layer.ts";
import type { LayerEntry } from "../../lib/image/entry.ts";
import { bytesOf, noise, TemporaryDirectory, textOf } from "../helpers.ts";

const directory = (path: string): LayerEntry => ({
  ...{ path, kind: "directory", mode: 0o755, mtimeSeconds: 0, size: 0 },
});
const link = (path: string, target: string): LayerEntry => ({
  ...{ path, kind: "link", mode: 0o777, mtimeSeconds: 0, size: 0, target },
});
const file = (path: string, source: Uint8Array, more: Partial<LayerEntry> = {}): LayerEntry => ({
  ...{ path, kind: "file", mode: 0o644, mtimeSeconds: 0, size: source.length, source },
  ...more,
});

async function bytesOfLayer(layer: Layer, temporary: string) {
  using compressed = await layer.compress(temporary);
  const bytes = await compressed.read(0, compressed.size);
  assert.equal(compressed.digest, `sha256:${sha256(bytes)}`);
  const tar = gunzipSync(bytes);
  assert.equal(await layer.diffId(), `sha256:${sha256(tar)}`);
  return { bytes, tar };
}

Deno.test("GNU tar finds in a layer what was put into it", async () => {
  await using place = new TemporaryDirectory();
  const long = `/${"d".repeat(90)}/${"f".repeat(120)}`;
  const big = await place.write("big", noise(3_000_000));
  const layer = new Layer([
    directory("/usr"),
    file("/usr/run", bytesOf("#!/bin/sh\n"), { mode: 0o755, mtimeSeconds: 1_700_000_000 }),
    file("/usr/empty", new Uint8Array()),
    link("/bin", "usr/bin"),
    link("/far", "x".repeat(150)),
    directory(`/${"d".repeat(90)}`),
    file(long, bytesOf("deep")),
    file("/名前 with space", bytesOf("named")),
    { ...file("/big", new Uint8Array(), {}), size: 3_000_000, source: big },
  ]);
  const { bytes } = await bytesOfLayer(layer, place.path);
  const packed = await place.write("layer.tar.gz", bytes);
  await Deno.mkdir(place.join("root"));
  const tar = async (...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command("tar", {
      args: [...args, "-f", packed, "--numeric-owner"],
      cwd: place.join("root"),
      env: { TZ: "UTC", LC_ALL: "C.UTF-8" },
    }).output();
    assert(success, textOf(stderr));
    return textOf(stdout).trimEnd().split("\n");
  };
  await tar("-xz");
  const listed = await tar("-tvz", "--full-time");
  assert.deepEqual(
    listed.map((line) => line.replace(/ +/g, " ")),
    [
      "-rw-r--r-- 0/0 3000000 1970-01-01 00:00:00 big",
      "lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 bin -> usr/bin",
      `drwxr-xr-x 0/0 0 1970-01-01 00:00:00 ${"d".repeat(90)}/`,
      `-rw-r--r-- 0/0 4 1970-01-01 00:00:00 ${long.slice(1)}`,
      `lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 far -> ${"x".repeat(150)}`,
      "drwxr-xr-x 0/0 0 1970-01-01 00:00:00 usr/",
      "-rw-r--r-- 0/0 0 1970-01-01 00:00:00 usr/empty",
      "-rwxr-xr-x 0/0 10 2023-11-14 22:13:20 usr/run",
      "-rw-r--r-- 0/0 5 1970-01-01 00:00:00 名前 with space",
    ],
  );
  assert.deepEqual(await Deno.readFile(place.join("root/big")), new Uint8Array(noise(3_000_000)));
  assert.equal(await Deno.readTextFile(place.join("root", long)), "deep");
  // What was compressed had no name, and is gone.
  assert.deepEqual(
    await place.list().then((names) => names.filter((name) => /llama-layer/.test(name))),
    [],
  );
});

Deno.test("the same entries in another order are the same layer", async () => {
  await using place = new TemporaryDirectory();
  const entries = Array.from({ length: 50 }, (_, i) => file(`/f${i}`, noise(i * 1000, i + 1)));
  const [one, other] = [new Layer(entries), new Layer(entries.toReversed())];
  assert.deepEqual(
    (await bytesOfLayer(one, place.path)).bytes,
    (await bytesOfLayer(other, place.path)).bytes,
  );
  const changed = new Layer([...entries.slice(1), file("/f0", bytesOf("x"))]);
  assert.notEqual(await changed.diffId(), await one.diffId());
});

Deno.test("many entries and a big file stay out of memory", async () => {
  await using place = new TemporaryDirectory();
  const path = place.join("big");
  {
    using big = await Deno.open(path, { write: true, createNew: true });
    await big.truncate(300_000_000);
  }
  const entries: LayerEntry[] = Array.from(
    { length: 20_000 },
    (_, i) => file(`/f${i}`, new Uint8Array(100)),
  );
  entries.push({ ...file("/big", new Uint8Array()), size: 300_000_000, source: path });
  const before = Deno.memoryUsage().rss;
  using compressed = await new Layer(entries).compress(place.path);
  assert(compressed.size < 5_000_000, `${compressed.size}`);
  const grown = (Deno.memoryUsage().rss - before) / 1e6;
  assert(grown < 150, `${grown} MB`);
});

Deno.test("a file that changes while it is packed, or cannot be read, is named", async () => {
  await using place = new TemporaryDirectory();
  const path = await place.write("f", "12345");
  const layerOf = (size: number, source = path) =>
    new Layer([{ ...file("/x/f", new Uint8Array()), size, source }]);
  for (const size of [4, 6]) {
    await assert.rejects(layerOf(size).diffId(), {
      code: "input",
      message: '"/x/f" was changed while it was being packed',
    });
  }
  await assert.rejects(layerOf(5, place.join("absent")).diffId(), {
    code: "input",
    message: 'cannot read "/x/f": no such file or directory',
  });
  const layer = layerOf(5);
  await layer.diffId();
  await Deno.writeTextFile(path, "54321");
  await assert.rejects(layer.compress(place.path), { code: "input", message: /was changed while/ });
  await assert.rejects(layerOf(5).compress(place.join("no")), {
    code: "config",
    message: /cannot keep a layer in/,
  });
});

Deno.test("an abort ends it, with its reason", async () => {
  await using place = new TemporaryDirectory();
  const entries = Array.from({ length: 100 }, (_, i) => file(`/f${i}`, noise(100_000, i + 1)));
  const controller = new AbortController();
  const compressing = new Layer(entries).compress(place.path, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(compressing, /enough/);
  assert.deepEqual(await place.list(), []);
});
