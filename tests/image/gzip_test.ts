import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { gzip } from "../../lib/image/gzip.ts";
import { noise } from "../helpers.ts";

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

async function compressed(bytes: Uint8Array, size = 100_003) {
  const parts = [];
  for await (const part of gzip(pieces(bytes, size))) parts.push(part);
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

Deno.test("what is compressed in blocks is one gzip file, whatever its length", async () => {
  const mebibyte = 1024 * 1024;
  const text = new TextEncoder().encode(
    "all work and no play makes jack a dull boy\n".repeat(100_000),
  );
  for (const length of [0, 1, 1000, mebibyte - 1, mebibyte, mebibyte + 1, 4 * mebibyte]) {
    for (const source of [noise(length), text.subarray(0, length)]) {
      const bytes = await compressed(source);
      assert.deepEqual(new Uint8Array(gunzipSync(bytes)), new Uint8Array(source), `${length}`);
    }
  }
  assert((await compressed(text)).length < text.length / 20);
});

Deno.test("the same bytes give the same file, however they come", async () => {
  const bytes = noise(3_000_000);
  const once = await compressed(bytes, 7);
  assert.deepEqual(await compressed(bytes, 1_500_000), once);
});

Deno.test("gzip itself reads it, as one member", async () => {
  const directory = await Deno.makeTempDir({ prefix: "llama-test-" });
  try {
    const bytes = noise(2_500_000);
    await Deno.writeFile(`${directory}/f.gz`, await compressed(bytes));
    const { success, stdout } = await new Deno.Command("gzip", {
      args: ["-dc", `${directory}/f.gz`],
    }).output();
    assert(success);
    assert.deepEqual(stdout, bytes);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a source that fails ends it, and an abort too", async () => {
  async function* broken() {
    yield await Promise.resolve(noise(2_000_000));
    throw new Error("unreadable");
  }
  const read = async (source: AsyncIterable<Uint8Array>, signal?: AbortSignal) => {
    for await (const _ of gzip(source, signal));
  };
  await assert.rejects(read(broken()), /unreadable/);
  await assert.rejects(
    read(pieces(noise(10), 1), AbortSignal.abort(new Error("enough"))),
    /enough/,
  );
});
