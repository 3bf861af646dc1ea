import assert from "node:assert/strict";
import { decodeBlob, decodeBlobToFile, encodeBlobs, inlineBlob } from "../../lib/store/blob.ts";
import { LlamaError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/files/hash.ts";
import type { Blob } from "../../lib/protocol.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { bytesOf, noise, TemporaryDirectory } from "../helpers.ts";

const noStore = () => {
  throw new Error("the store must not be asked for");
};

Deno.test("a blob is text or base64, whichever is shorter as JSON, and empty is {}", () => {
  assert.deepEqual(inlineBlob(bytesOf("héllo")).blob, { s: "héllo" });
  assert.deepEqual(inlineBlob(new Uint8Array([0xff, 0xfe])).blob, { b: "//4=" });
  assert.deepEqual(inlineBlob(new Uint8Array(30)).blob, { b: "A".repeat(40) });
  assert.deepEqual(inlineBlob(new Uint8Array()).blob, {});
});

Deno.test("an inlined blob's cost is the JSON that its contents take", () => {
  for (const bytes of [bytesOf('a"b\\\n\u0001é😀'), noise(100), new Uint8Array(50)]) {
    const { blob, cost } = inlineBlob(bytes);
    assert.equal(cost, bytesOf(JSON.stringify(blob)).length);
  }
});

Deno.test("every byte comes back, a byte order mark too", async () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (const bytes of [all, bytesOf("\uFEFFtext"), new Uint8Array(), noise(10_000)]) {
    const [blob = {}] = await encodeBlobs([bytes], { store: undefined });
    const wire: Blob = JSON.parse(JSON.stringify(blob));
    assert.deepEqual(new Uint8Array(await decodeBlob(wire, noStore)), bytes);
  }
});

Deno.test("blobs that fit are inlined without access to the store", async () => {
  const store = new MemoryStore();
  const blobs = await encodeBlobs([bytesOf("a"), noise(256 * 1024)], { store });
  assert.deepEqual(blobs.map((blob) => blob.r), [undefined, undefined]);
  assert.equal(store.objects.size, 0);
});

Deno.test("a blob of more than 256 KiB is stored", async () => {
  const store = new MemoryStore();
  const bytes = noise(256 * 1024 + 1);
  const [blob] = await encodeBlobs([bytes], { store });
  assert.deepEqual(blob, { r: sha256(bytes) });
  assert.deepEqual(await decodeBlob(blob ?? {}, () => store), bytes);
});

Deno.test("a message stays under 1 MiB: the largest blobs are stored first", async () => {
  const store = new MemoryStore();
  const sizes = [100_000, 250_000, 200_000, 150_000, 240_000, 220_000];
  const blobs = await encodeBlobs(sizes.map((size, i) => noise(size, i + 1)), { store });
  assert(bytesOf(JSON.stringify(blobs)).length < 1024 * 1024);
  const stored = sizes.filter((_, i) => blobs[i]?.r !== undefined);
  assert.deepEqual(stored, [250_000, 240_000]);
});

Deno.test("the rest of the message counts towards the limit", async () => {
  const store = new MemoryStore();
  const [blob] = await encodeBlobs([noise(1000)], { store, reservedBytes: 1024 * 1024 - 1000 });
  assert(blob?.r);
});

Deno.test("without a store all is inlined up to Lambda's limit, and more is refused", async () => {
  const [blob] = await encodeBlobs([noise(4_000_000)], { store: undefined });
  assert(blob?.b);
  await assert.rejects(encodeBlobs([noise(5_000_000)], { store: undefined }), (error) => {
    assert(error instanceof LlamaError);
    assert.equal(error.code, "too-large");
    assert.match(error.message, /^5000000 bytes .* no object store$/);
    return true;
  });
});

Deno.test("files become blobs like bytes do", async () => {
  await using directory = new TemporaryDirectory();
  const store = new MemoryStore();
  const small = await directory.write("small", "text");
  const big = await directory.write("big", noise(300_000));
  const blobs = await encodeBlobs([
    { path: small, size: 4 },
    { path: big, size: 300_000 },
  ], { store });
  assert.deepEqual(blobs, [{ s: "text" }, { r: sha256(noise(300_000)) }]);
});

Deno.test("a file that cannot be read is named", async () => {
  const missing = [{ path: "/nowhere/x", size: 1 }];
  await assert.rejects(encodeBlobs(missing, { store: undefined }), {
    message: 'cannot read "/nowhere/x": no such file or directory',
  });
  const big = [{ path: "/nowhere/x", size: 1e6 }];
  await assert.rejects(encodeBlobs(big, { store: new MemoryStore() }), {
    message: 'cannot read "/nowhere/x": no such file or directory',
  });
});

Deno.test("broken base64 is refused", async () => {
  for (const b of ["A", "AA", "A===", "AB*D", "AAAA\n"]) {
    await assert.rejects(decodeBlob({ b }, noStore), /not base64/, b);
  }
});

Deno.test("a blob with an error has no bytes", async () => {
  await assert.rejects(decodeBlob({ e: "was not made" }, noStore), /^LlamaError: was not made/);
});

Deno.test("a blob goes into a new file, from the message or from the store", async () => {
  await using directory = new TemporaryDirectory();
  const store = new MemoryStore();
  const id = await store.put(bytesOf("stored"));
  await decodeBlobToFile({ s: "inline" }, directory.join("a"), noStore);
  await decodeBlobToFile({ r: id }, directory.join("b"), () => store);
  await decodeBlobToFile({}, directory.join("c"), noStore);
  assert.equal(await Deno.readTextFile(directory.join("a")), "inline");
  assert.equal(await Deno.readTextFile(directory.join("b")), "stored");
  assert.equal(await Deno.readTextFile(directory.join("c")), "");
});
