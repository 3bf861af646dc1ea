import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { DirectoryResults } from "../../lib/memo/directory.ts";
import { DirectoryStore } from "../../lib/store/directory.ts";
import { TemporaryDirectory } from "../helpers.ts";

Deno.test("an object that is kept again replaces a damaged copy, and renews a whole one", async () => {
  await using directory = new TemporaryDirectory();
  const store = new DirectoryStore(pathToFileURL(directory.join("store")).href);
  const r = await store.put(new TextEncoder().encode("contents"));
  const results = new DirectoryResults(directory.join("act"));
  const copy = directory.join("act/objects", r);
  await results.keepObject(store, { r });
  assert.equal(await Deno.readTextFile(copy), "contents");

  await Deno.utime(copy, 1, 1);
  const { ino } = await Deno.stat(copy);
  await results.keepObject(store, { r });
  const renewed = await Deno.stat(copy);
  assert.equal(renewed.ino, ino);
  assert((renewed.mtime?.getTime() ?? 0) > 1000);

  await Deno.writeTextFile(copy, "damaged!");
  await results.keepObject(store, { r });
  assert.equal(await Deno.readTextFile(copy), "contents");
});

Deno.test("what has expired is removed, once a day, and nothing else", async () => {
  await using directory = new TemporaryDirectory();
  const path = directory.join("act");
  const key = (digit: string) => digit.repeat(64);
  const write = (digit: string) =>
    new DirectoryResults(path).write(key(digit), new TextEncoder().encode(digit));
  await write("1");
  const old = new Date(Date.now() - 32 * 86_400_000);
  await Deno.utime(directory.join("act", key("1")), old, old);
  await Deno.writeTextFile(directory.join("act/other"), "");
  await Deno.utime(directory.join("act/other"), old, old);
  await write("2");
  const names = async () => (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort();
  assert.deepEqual(await names(), [key("1"), key("2"), "other", "swept"]);
  await Deno.utime(directory.join("act/swept"), old, old);
  await write("3");
  assert.deepEqual(await names(), [key("2"), key("3"), "other", "swept"]);
});
