/** Compressed objects, in stores of all kinds. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { zstdCompressSync } from "node:zlib";
import { LlamaError } from "../../lib/errors.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { DirectoryStore } from "../../lib/store/directory.ts";
import { LazyStore } from "../../lib/store/lazy.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { openStore } from "../../lib/store/open.ts";
import { compressedIn, type ObjectStore } from "../../lib/store/store.ts";
import { accessLog, bytesOf, noise, TemporaryDirectory } from "../helpers.ts";
import { FakeS3 } from "./fake_s3.ts";

/** A store whose stored bytes can be seen and replaced. */
interface Opened {
  readonly store: ObjectStore;
  readonly keys: () => Promise<string[]>;
  readonly read: (key: string) => Promise<Uint8Array>;
  readonly replace: (key: string, bytes: Uint8Array) => Promise<void>;
  readonly directory: TemporaryDirectory;
}

type Kind = (work: (opened: Opened) => Promise<void>) => Promise<void>;

const inDirectory: Kind = async (work) => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("store");
  await work({
    store: new LazyStore("file:", () => Promise.resolve(new DirectoryStore(`file://${path}`))),
    keys: async () => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name),
    read: (key) => Deno.readFile(`${path}/${key}`),
    replace: (key, bytes) => Deno.writeFile(`${path}/${key}`, bytes),
    directory,
  });
};

const inMemory: Kind = async (work) => {
  await using directory = new TemporaryDirectory();
  const store = new MemoryStore();
  await work({
    store,
    keys: () => Promise.resolve([...store.objects.keys()]),
    read: (key) => Promise.resolve(store.objects.get(key) ?? assert.fail()),
    replace: (key, bytes) => Promise.resolve(void store.objects.set(key, bytes)),
    directory,
  });
};

const inS3: Kind = async (work) => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/obj/", { environment: s3.environment });
  const prefix = "/bucket/obj/";
  await work({
    store,
    keys: () => Promise.resolve([...s3.objects.keys()].map((key) => key.slice(prefix.length))),
    read: (key) => Promise.resolve(s3.objects.get(prefix + key) ?? assert.fail()),
    replace: (key, bytes) => Promise.resolve(void s3.objects.set(prefix + key, bytes)),
    directory,
  });
  assert.deepEqual(s3.unsigned, []);
};

async function refusal(work: Promise<unknown>): Promise<LlamaError> {
  try {
    await work;
  } catch (error) {
    assert(error instanceof LlamaError, String(error));
    return error;
  }
  assert.fail("not refused");
}

const KiB = 1024;
const log = accessLog(9_000_000);
const text = log.subarray(0, 300_000);

for (const [name, withStore] of Object.entries({ inDirectory, inMemory, inS3 })) {
  Deno.test(`objects of any length around the bounds come back, under the id of their own bytes (${name})`, async () => {
    await withStore(async ({ store, keys, read, directory }) => {
      const compressed = compressedIn(store);
      // The last two have more than 1 MiB once compressed.
      const lengths = [16 * KiB - 1, 16 * KiB, 32 * KiB, 32 * KiB + 1, 256 * KiB + 1];
      for (const length of [...lengths, 8_900_000, 9_000_000]) {
        const bytes = log.subarray(0, length);
        const path = await directory.write(`in/${length}`, bytes);
        const source = length % 2 === 0 ? bytes : { path, size: length };
        const { id, form, raw, encoded } = await compressed.put(source);
        assert.equal(id, sha256(bytes));
        assert.equal(form, length < 16 * KiB ? undefined : "zst");
        assert.equal(raw, length);
        const key = form === undefined ? id : `${id}.zst`;
        assert((await keys()).includes(key) && !(await keys()).includes(form ? id : `${id}.zst`));
        assert.equal((await read(key)).length, encoded);
        assert(form === undefined || encoded <= raw * 0.75);
        assert(await compressed.has(id));
        const got = await compressed.get(id);
        assert.equal(got.encoded, encoded);
        assert(Buffer.from(got.bytes).equals(bytes));
        const target = directory.join(`out-${length}`);
        assert.deepEqual(await compressed.getFile(id, target), { raw, encoded });
        assert(Buffer.from(await Deno.readFile(target)).equals(bytes));
        assert.equal(((await Deno.stat(target)).mode ?? 0) & 0o777, 0o600);
      }
    });
  });

  Deno.test(`what does not compress is stored as it is (${name})`, async () => {
    await withStore(async ({ store, keys, directory }) => {
      const compressed = compressedIn(store);
      const early = Buffer.concat([text.subarray(0, 20_000), noise(400_000)]);
      for (const bytes of [noise(300_000), early]) {
        const path = await directory.write("in", bytes);
        const { id, form, raw, encoded } = await compressed.put({ path, size: bytes.length });
        assert.deepEqual([form, raw, encoded], [undefined, bytes.length, bytes.length]);
        assert((await keys()).includes(id));
        // A reader that was told of another form finds it all the same.
        assert(Buffer.from((await compressed.get(id)).bytes).equals(bytes));
        const target = directory.join(`out-${id}`);
        assert.deepEqual(await compressed.getFile(id, target), { raw, encoded: raw });
        assert(Buffer.from(await Deno.readFile(target)).equals(bytes));
      }
      assert(!(await keys()).some((key) => key.endsWith(".zst")));
    });
  });

  Deno.test(`an object that is there in no form is missing (${name})`, async () => {
    await withStore(async ({ store, directory }) => {
      const id = sha256("nothing");
      const compressed = compressedIn(store);
      assert.equal(await compressed.has(id), false);
      const file = directory.join("none");
      for (const read of [() => compressed.get(id), () => compressed.getFile(id, file)]) {
        const { code, message } = await refusal(read());
        assert.equal(code, "missing-object");
        assert(message.startsWith(`object ${id} is not in `));
      }
      for (const id of ["../x", "x".repeat(64), `${sha256("x")}.zst`]) {
        assert.match((await refusal(compressed.get(id))).message, /is not an object id/);
      }
    });
  });

  Deno.test(`damaged objects are refused by name (${name})`, async () => {
    await withStore(async ({ store, keys, read, replace, directory }) => {
      const compressed = compressedIn(store);
      const { id } = await compressed.put(text);
      const key = `${id}.zst`;
      const frame = Buffer.from(await read(key));
      const flipped = Buffer.from(frame);
      flipped[frame.length >> 1] = (flipped[frame.length >> 1] ?? 0) ^ 4;
      const damages: Record<string, [Uint8Array, RegExp]> = {
        truncated: [frame.subarray(0, -5), /the zstd frame is damaged: it is truncated$/],
        empty: [frame.subarray(0, 0), /truncated$/],
        flipped: [flipped, /the zstd frame is damaged: /],
        two: [Buffer.concat([frame, frame]), /more bytes follow it$/],
        other: [zstdCompressSync(text.subarray(1)), /its SHA-256 is [0-9a-f]{64}$/],
        plain: [text, /it does not begin with one$/],
        bomb: [zstdCompressSync(Buffer.alloc(65 * KiB * KiB)), /have more than 67108864 bytes$/],
      };
      for (const [damage, [bytes, words]] of Object.entries(damages)) {
        await replace(key, bytes);
        const file = directory.join(damage);
        for (const read of [() => compressed.get(id), () => compressed.getFile(id, file)]) {
          const { code, message, hint } = await refusal(read());
          assert.equal(code, "store", damage);
          assert(message.startsWith(`object ${key} in `), message);
          assert.match(message, words, damage);
          assert.equal(hint, "remove the object from the store and run again");
        }
      }
      assert.deepEqual(await keys(), [key]);
    });
  });

  Deno.test(`an object with more than the reader's limit is refused (${name})`, async () => {
    await withStore(async ({ store }) => {
      const compressed = compressedIn(store);
      const { id } = await compressed.put(text);
      assert.equal((await refusal(compressed.get(id, undefined, 299_999))).code, "too-large");
      assert.equal((await compressed.get(id, undefined, 300_000)).bytes.length, 300_000);
    });
  });
}

Deno.test("an aborted upload of a compressed object leaves nothing behind", async () => {
  await inDirectory(async ({ store, directory }) => {
    const path = await directory.write("in", log);
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(
      compressedIn(store).put({ path, size: log.length }, signal),
      /^Error: enough$/,
    );
    assert.deepEqual(await directory.list("."), ["./in"]);
  });
});

Deno.test("S3 is asked for a compressed object once, and each form is known apart", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  const open = () =>
    openStore("s3://bucket/obj/", {
      environment: s3.environment,
      noteDirectory: directory.join("notes"),
    });
  const path = await directory.write("in", text);
  const old = new Date(Date.now() - 3_600_000);
  await Deno.utime(path, old, old);
  const id = sha256(text);
  const source = { path, size: text.length };
  {
    using store = open();
    const first = await compressedIn(store).put(source);
    assert.deepEqual(s3.requests.splice(0), [`PUT /bucket/obj/${id}.zst`]);
    // A file that has just been written is hashed again, and its object known.
    assert.deepEqual(await compressedIn(store).put(source), first);
    assert.deepEqual(await compressedIn(store).put(text), first);
    assert.deepEqual(s3.requests, []);
    // A function that does not know this form needs the other.
    assert.equal(await store.putFile(path), id);
    assert.deepEqual(s3.requests.splice(0), [`HEAD /bucket/obj/${id}`, `PUT /bucket/obj/${id}`]);
  }
  {
    using store = open();
    const { form, encoded } = await compressedIn(store).put(source);
    assert.equal(form, "zst");
    assert.equal(encoded, s3.objects.get(`/bucket/obj/${id}.zst`)?.length);
    assert.equal(await store.putFile(path), id);
    assert.deepEqual(s3.requests, []);
    // A reader has missed it, in whatever form.
    store.forget(id);
    await compressedIn(store).put(source);
    await store.putFile(path);
    assert.deepEqual(s3.requests.splice(0), [
      `PUT /bucket/obj/${id}.zst`,
      `HEAD /bucket/obj/${id}`,
    ]);
  }
  assert.deepEqual(s3.unsigned, []);
});

Deno.test("an object that was stored as it is before functions knew more is not stored again", async () => {
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/obj/", { environment: s3.environment });
  const id = await store.put(text);
  s3.requests.splice(0);
  const { form, encoded } = await compressedIn(store).put(text);
  assert.deepEqual([form, encoded, s3.requests], [undefined, text.length, []]);
  assert.equal((await compressedIn(store).get(id)).encoded, text.length);
});

Deno.test("a download that is cut off goes on where it stopped", async () => {
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/obj/", { environment: s3.environment });
  const { id } = await compressedIn(store).put(log);
  const object = s3.objects.get(`/bucket/obj/${id}.zst`) ?? assert.fail();
  s3.requests.splice(0);
  s3.intercept = ({ method }) => {
    if (method !== "GET") return undefined;
    s3.intercept = () => undefined;
    const cut = new ReadableStream({
      start: (controller) => controller.enqueue(object.slice(0, 500_000)),
      pull: (controller) => controller.error(new Error("cut off")),
    });
    return new Response(cut, { headers: { "content-length": String(object.length) } });
  };
  assert(Buffer.from((await compressedIn(store).get(id)).bytes).equals(log));
  assert.equal(s3.requests.length, 2);
  assert.match(s3.requests[1] ?? "", /^GET .*\.zst bytes=\d+-$/);
});

Deno.test("an object that is removed while it is read is missing", async () => {
  await using directory = new TemporaryDirectory();
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/obj/", { environment: s3.environment });
  const { id } = await compressedIn(store).put(log);
  const object = s3.objects.get(`/bucket/obj/${id}.zst`) ?? assert.fail();
  s3.intercept = ({ method }) => {
    if (method !== "GET") return undefined;
    s3.intercept = () => undefined;
    s3.objects.clear();
    const cut = new ReadableStream({
      start: (controller) => controller.enqueue(object.slice(0, 500_000)),
      pull: (controller) => controller.error(new Error("cut off")),
    });
    return new Response(cut, { headers: { "content-length": String(object.length) } });
  };
  const { code, message } = await refusal(
    compressedIn(store).getFile(id, directory.join("out")),
  );
  assert.equal(code, "missing-object", message);
});

Deno.test("concurrent uploads of one compressed object send it once", async () => {
  await using s3 = new FakeS3();
  using store = openStore("s3://bucket/obj/", { environment: s3.environment });
  const stored = await Promise.all(
    Array.from({ length: 20 }, () => compressedIn(store).put(log)),
  );
  assert.equal(new Set(stored.map(({ id }) => id)).size, 1);
  assert.equal(s3.requests.filter((request) => request.startsWith("PUT")).length, 1);
});

Deno.test("a store of a kind without compressed objects says so", () => {
  const store: ObjectStore = {
    url: "other:",
    put: () => Promise.resolve(""),
    putFile: () => Promise.resolve(""),
    get: () => Promise.resolve(bytesOf("")),
    getFile: () => Promise.resolve(),
    has: () => Promise.resolve(false),
    forget: () => {},
    [Symbol.dispose]: () => {},
  };
  assert.throws(() => compressedIn(store), /other: is a kind of store without compressed objects/);
});
