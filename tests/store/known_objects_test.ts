import assert from "node:assert/strict";
import { dirname } from "node:path";
import { findAccount } from "../../lib/aws/account.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { noteDirectory } from "../../lib/store/known_objects.ts";
import { S3Store } from "../../lib/store/s3.ts";
import { noise, TemporaryDirectory } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { Llama } from "../../lib/llama.ts";
import { FakeS3 } from "./fake_s3.ts";

const day = 86_400_000;
/** So much later than now that a file that was just written is at rest. */
const later = 10_000;

/** A store as each new process opens it. */
function open(s3: FakeS3, directory: TemporaryDirectory, after = later): S3Store {
  return new S3Store("s3://bucket/obj/", new AwsClient(findAccount(s3.environment)), {
    concurrency: 4,
    lifetimeMilliseconds: 31 * day,
    noteDirectory: directory.join("notes"),
    now: () => Date.now() + after,
  });
}

/** Puts a file as a process of its own. */
async function putFile(s3: FakeS3, directory: TemporaryDirectory, path: string): Promise<string> {
  using store = open(s3, directory);
  return await store.putFile(path);
}

async function notePath(directory: TemporaryDirectory): Promise<string> {
  const [note, ...more] = await Array.fromAsync(Deno.readDir(directory.join("notes")));
  assert.deepEqual(more, []);
  return directory.join(`notes/${note?.name}`);
}

Deno.test("an input that the process before has sent costs neither a request nor a hash", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const path = await directory.write("input", noise(300_000));
  const id = await putFile(s3, directory, path);
  assert.equal(s3.requests.splice(0).length, 2);

  const note = await notePath(directory);
  assert.equal(((await Deno.stat(note)).mode ?? 0) & 0o777, 0o600);
  // Other bytes with the same times cannot be: that these are not found shows that none are read.
  const text = await Deno.readTextFile(note);
  const other = "0".repeat(64);
  await Deno.writeTextFile(note, text.replaceAll(id, other));
  assert.equal(await putFile(s3, directory, path), other);
  assert.deepEqual(s3.requests, []);
});

/** What lets others write a note; undefined for what only root can arrange. */
const openings: Readonly<Record<string, (note: string) => Promise<void>>> = {
  "its group may write to it": (note) => Deno.chmod(note, 0o620),
  "all may write to it": (note) => Deno.chmod(note, 0o602),
  "its group may write to its directory": (note) => Deno.chmod(dirname(note), 0o770),
  "all may write to its directory": (note) => Deno.chmod(dirname(note), 0o1777),
  ...(Deno.uid() === 0
    ? {
      "it is somebody else's": (note: string) => Deno.chown(note, 12_345, null),
      "its directory is somebody else's": (note: string) => Deno.chown(dirname(note), 12_345, null),
    }
    : {}),
};

for (const [what, open] of Object.entries(openings)) {
  Deno.test(`a note is not believed if ${what}`, async () => {
    await using s3 = new FakeS3();
    await using directory = new TemporaryDirectory();
    const path = await directory.write("input", noise(300_000));
    const id = await putFile(s3, directory, path);
    s3.requests.length = 0;
    const note = await notePath(directory);
    const text = await Deno.readTextFile(note);
    await Deno.writeTextFile(note, text.replaceAll(id, "0".repeat(64)));
    await open(note);
    assert.equal(await putFile(s3, directory, path), id);
    assert.notDeepEqual(s3.requests, []);
  });
}

Deno.test("a file that has changed is hashed and sent, whatever its size", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const bytes = noise(300_000);
  const path = await directory.write("input", bytes);
  await Deno.utime(path, 1000, 1000);
  await putFile(s3, directory, path);
  bytes[7] = (bytes[7] ?? 0) ^ 1;
  await Deno.writeFile(path, bytes);
  assert.equal(await putFile(s3, directory, path), sha256(bytes));
  assert.equal(s3.objects.size, 2);
});

Deno.test("all that tells a file must be as it was", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const path = await directory.write("input", noise(300_000));
  const id = await putFile(s3, directory, path);
  const note = await notePath(directory);
  const text = (await Deno.readTextFile(note)).replaceAll(id, "0".repeat(64));
  const fields = /^file (\w+) (\d+) (\d+) (\d+) (\d+) (\d+) (.*)$/m.exec(text)?.slice(1) ?? [];
  assert.equal(fields.length, 7);
  // Device, inode, size, time of change, time of change of the inode, name.
  for (const index of [1, 2, 3, 4, 5, 6]) {
    const line = fields.map((field, at) => at === index ? `${field}1` : field).join(" ");
    await Deno.writeTextFile(note, text.replace(/^file .*$/m, () => `file ${line}`));
    assert.equal(await putFile(s3, directory, path), id);
  }
  await Deno.writeTextFile(note, text);
  assert.equal(await putFile(s3, directory, path), "0".repeat(64));
});

Deno.test("a file that was changed a moment ago is hashed each time", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const path = await directory.write("input", noise(300_000));
  for (const _ of [1, 2]) {
    using store = open(s3, directory, 0);
    await store.putFile(path);
  }
  assert.equal(s3.requests.length, 2);
  assert.doesNotMatch(await Deno.readTextFile(await notePath(directory)), /^file /m);
});

Deno.test("an object that was not found is sent again, and the next process knows that", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const path = await directory.write("input", noise(300_000));
  const id = await putFile(s3, directory, path);
  s3.objects.clear();
  {
    using store = open(s3, directory);
    assert.equal(await store.putFile(path), id);
    store.forget(id);
    assert.equal(s3.objects.size, 0);
    assert.equal(await store.putFile(path), id);
    assert.equal(s3.objects.size, 1);
    store.forget(id);
  }
  s3.requests.length = 0;
  assert.equal(await putFile(s3, directory, path), id);
  assert.equal(s3.requests.length, 1);
});

Deno.test("a note is believed for half the time that the bucket keeps an object", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const bytes = noise(1000);
  for (const [after, requests] of [[0, 1], [14 * day, 1], [16 * day, 2]] as const) {
    using store = open(s3, directory, after);
    await store.put(bytes);
    assert.equal(s3.requests.length, requests);
  }
});

Deno.test("a damaged note, or one of another store, is ignored", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const path = await directory.write("input", noise(300_000));
  const id = await putFile(s3, directory, path);
  const note = await notePath(directory);
  const text = await Deno.readTextFile(note);
  const wrong = [
    "",
    "\0".repeat(1000),
    text.slice(0, text.indexOf("object ") + 20),
    text.replace("/bucket/", "/another/"),
    text.replace(/^(object \w+) \d+$/m, `$1 ${Date.now() + 100 * day}`),
    text.replace(/^(object \w+) \d+$/m, "$1 -1"),
  ];
  for (const each of wrong) {
    s3.objects.clear();
    await Deno.writeTextFile(note, each);
    assert.equal(await putFile(s3, directory, path), id);
    assert.equal(s3.objects.size, 1, each);
  }
  s3.objects.clear();
  await Deno.remove(note);
  await Deno.mkdir(note);
  assert.equal(await putFile(s3, directory, path), id);
  assert.deepEqual([...Deno.readDirSync(directory.join("notes"))].length, 1);
});

Deno.test("notes that several processes write at once are merged", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const stores = [1, 2, 3].map(() => open(s3, directory));
  const inputs = [noise(1000), noise(2000), noise(3000)];
  for (const [index, store] of stores.entries()) await store.put(inputs[index] ?? noise(1));
  for (const store of stores) store[Symbol.dispose]();
  s3.requests.length = 0;
  using store = open(s3, directory);
  for (const input of inputs) await store.put(input);
  assert.deepEqual(s3.requests, []);
});

Deno.test("notes are in llama's own directory or the user's cache, unless they are not wanted", () => {
  const HOME = "/home/a";
  assert.equal(noteDirectory({ LLAMA_DIR: "/l", XDG_CACHE_HOME: "/c", HOME }), "/l");
  assert.equal(noteDirectory({ XDG_CACHE_HOME: "/c", HOME }), "/c/llama");
  assert.equal(noteDirectory({ XDG_CACHE_HOME: "relative", HOME }), "/home/a/.cache/llama");
  assert.equal(noteDirectory({}), undefined);
  assert.equal(noteDirectory({ LLAMA_OBJECT_NOTE: "0", HOME }), undefined);
});

Deno.test("a known input that is gone is sent again, and the job retried", async () => {
  await using s3 = new FakeS3();
  await using directory = new TemporaryDirectory();
  const path = await directory.write("input", noise(300_000));
  const isThere = (id: string) => [...s3.objects.keys()].some((key) => key.endsWith(id));
  await using stub = new InvokeStub(({ files }) => {
    const objects = Object.values(files).map(({ r = "" }) => r);
    if (objects.every(isThere)) return { status: 0 };
    const missing = { errorType: "Llama.MissingObject", errorMessage: "not there", objects };
    return Response.json(missing, { headers: { "x-amz-function-error": "Unhandled" } });
  });
  const environment = { ...stub.environment, ...s3.environment };
  const run = async () => {
    await using llama = new Llama({
      store: "s3://bucket/obj/",
      environment: { ...environment, LLAMA_DIR: directory.join("notes") },
    });
    const { status } = await llama.invoke("f", [], { files: [{ local: path, remote: "in" }] });
    assert.equal(status, 0);
    return [s3.requests.splice(0).length, stub.requests.splice(0).length];
  };
  assert.deepEqual(await run(), [2, 1]);
  assert.deepEqual(await run(), [0, 1]);
  s3.objects.clear();
  assert.deepEqual(await run(), [2, 2]);
  assert.deepEqual(await run(), [0, 1]);
});
