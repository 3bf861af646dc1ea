import assert from "node:assert/strict";
import {
  createWhole,
  isTemporaryName,
  temporaryName,
  umask,
  writeWhole,
} from "../../lib/files/whole.ts";
import { DirectoryStore } from "../../lib/store/directory.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import type { ObjectStore } from "../../lib/store/store.ts";
import { isRoot, nobody, runChild } from "../child.ts";
import { bytesOf, TemporaryDirectory } from "../helpers.ts";

const day = 24 * 60 * 60 * 1000;
const hours = (count: number) => new Date(Date.now() - count * 60 * 60 * 1000);

/** Has a process that ends leave unfinished files in a directory; gives their names. */
async function leave(directory: string): Promise<string[]> {
  const script = `
    for (const name of ["out", "a"]) {
      const path = files.temporaryName(${JSON.stringify(directory)} + "/" + name);
      Deno.writeTextFileSync(path, "half");
      tell(path.slice(path.lastIndexOf("/") + 1));
    }
    const path = files.temporaryName(${JSON.stringify(directory)} + "/7");
    Deno.mkdirSync(path);
    Deno.writeTextFileSync(path + "/stdout", "half");
    tell(path.slice(path.lastIndexOf("/") + 1));`;
  return (await runChild(script, { modules: { files: "../lib/files/whole.ts" } })).map(String);
}

const write = (path: string) => writeWhole(path, (file) => Deno.writeTextFile(file, "whole"));

Deno.test("leftovers of a dead run are removed by the next one that writes there, once", async () => {
  await using directory = new TemporaryDirectory();
  const left = await leave(directory.path);
  assert.equal(left.filter(isTemporaryName).length, 3);
  await write(directory.join("out"));
  assert.deepEqual(await directory.list(), ["out"]);
  // A directory is looked through once per run, or many jobs would take long over many files.
  const again = await leave(directory.path);
  await write(directory.join("more"));
  assert.deepEqual(
    (await directory.list()).filter((name) => !name.includes("/")),
    [...again, "more", "out"].sort(),
  );
});

Deno.test("files of a running process are left alone, however old", async () => {
  await using directory = new TemporaryDirectory();
  const path = temporaryName(directory.join("out"));
  await Deno.writeTextFile(path, "half");
  await Deno.utime(path, hours(48), hours(48));
  await write(directory.join("other"));
  assert.equal(await Deno.readTextFile(path), "half");
});

Deno.test("leftovers of another host or container are removed after a day", async () => {
  const name = temporaryName("").replace(/-\d+-\d+-\d+-/, "-4194305-5-NAMESPACE-");
  const namespace = /-\d+-\d+-(\d+)-/.exec(temporaryName(""))?.[1] ?? "";
  const otherHost = name.replace(/^\.llama-[^-]*/, ".llama-other.host").replace(
    "NAMESPACE",
    namespace,
  );
  const otherContainer = name.replace("NAMESPACE", "123");
  const older = ".llama-9fb1c7ac-3d2f-4b30-8c38-0ca1ab1e7c52";
  for (const each of [otherHost, otherContainer, older]) {
    for (const [age, isLeft] of [[23, true], [25, false]] as const) {
      await using directory = new TemporaryDirectory();
      const path = await directory.write(each, "half");
      await Deno.utime(path, hours(age), hours(age));
      await write(directory.join("out"));
      assert.deepEqual(await directory.list(), isLeft ? [each, "out"] : ["out"], `${each} ${age}`);
    }
  }
});

Deno.test("names that llama does not create are never removed", async () => {
  await using directory = new TemporaryDirectory();
  const names = [
    ".llama",
    ".llama-",
    ".llama-notes",
    ".llama-lock",
    ".llama-host-1-1-1-",
    ".llama-host-1-1-1-12345678-1234.txt",
    "x.llama-host-1-1-1-12345678-1234",
    `${temporaryName("")}x`,
    `.llama-host-x-1-1-12345678-1234`,
  ];
  for (const name of names) {
    assert(!isTemporaryName(name), name);
    const path = await directory.write(name, "mine");
    await Deno.utime(path, new Date(Date.now() - 2 * day), new Date(Date.now() - 2 * day));
  }
  await write(directory.join("out"));
  assert.deepEqual(await directory.list(), ["out", ...names].sort());
});

Deno.test("a link with a temporary name is removed, and its target is not", async () => {
  await using directory = new TemporaryDirectory();
  const [file = "", , tree = ""] = await leave(directory.path);
  await directory.write("victim/file", "precious");
  for (const name of [file, tree]) {
    await Deno.remove(directory.join(name), { recursive: true });
    await Deno.symlink("victim", directory.join(name));
  }
  await write(directory.join("out"));
  assert.deepEqual(await directory.list(), ["out", "victim", "victim/file"]);
});

Deno.test({
  name: "leftovers of another user's run are not removed",
  ignore: !isRoot,
  async fn() {
    await using directory = new TemporaryDirectory();
    const left = await leave(directory.path);
    for (const name of left) await Deno.chown(directory.join(name), nobody, nobody);
    await write(directory.join("out"));
    const names = (await directory.list()).filter((name) => !name.includes("/"));
    assert.deepEqual(names, [...left, "out"].sort());
  },
});

Deno.test("a file from a store is private until its mode is set", async () => {
  await using directory = new TemporaryDirectory();
  const stores: ObjectStore[] = [
    new MemoryStore(),
    new DirectoryStore(`file://${directory.join("store")}`),
  ];
  for (const [index, store] of stores.entries()) {
    const path = directory.join(String(index));
    await store.getFile(await store.put(bytesOf("x")), path);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600, store.url);
  }
});

Deno.test("the umask is the one that the process was started with", async () => {
  for (const mask of [0o000, 0o027, 0o077]) {
    const script = "tell([files.umask(), files.umask(), Deno.umask()]);";
    const options = { modules: { files: "../lib/files/whole.ts" }, umask: mask };
    assert.deepEqual(await runChild(script, options), [[mask, mask, mask]]);
  }
  assert.equal(umask(), Deno.umask());
});

const create = (path: string) =>
  createWhole(path, (file) => Deno.writeTextFile(file, "new"), 0o640);

Deno.test("a new file is created whole, with its mode, and leaves nothing else", async () => {
  await using directory = new TemporaryDirectory();
  assert.equal(await create(directory.join("in/it/out")), true);
  assert.deepEqual(await directory.list(), ["in", "in/it", "in/it/out"]);
  const { mode, nlink } = await Deno.stat(directory.join("in/it/out"));
  assert.equal((mode ?? 0) & 0o777, 0o640 & ~umask());
  assert.equal(nlink, 1);
});

Deno.test("what has the name of a new file stays as it is", async () => {
  await using directory = new TemporaryDirectory();
  await Deno.writeTextFile(directory.join("file"), "old");
  await Deno.symlink("nowhere", directory.join("broken"));
  await Deno.mkdir(directory.join("directory"));
  for (const name of ["file", "broken", "directory", "file/in", "file/in/it"]) {
    assert.equal(await create(directory.join(name)), false, name);
  }
  assert.deepEqual(await directory.list(), ["broken", "directory", "file"]);
  assert.equal(await Deno.readTextFile(directory.join("file")), "old");
  assert.equal(await Deno.readLink(directory.join("broken")), "nowhere");
});

Deno.test("a file is created on a file system without hard links, too", async () => {
  await using directory = new TemporaryDirectory();
  const { linkSync } = Deno;
  Deno.linkSync = () => {
    throw new Deno.errors.PermissionDenied("Operation not permitted (os error 1)");
  };
  try {
    assert.equal(await create(directory.join("out")), true);
    assert.equal(await create(directory.join("out")), false);
  } finally {
    Deno.linkSync = linkSync;
  }
  assert.deepEqual(await directory.list(), ["out"]);
  assert.equal(await Deno.readTextFile(directory.join("out")), "new");
});

Deno.test("a new file that cannot be written leaves nothing", async () => {
  await using directory = new TemporaryDirectory();
  const failing = createWhole(directory.join("out"), async (file) => {
    await Deno.writeTextFile(file, "half");
    throw new Error("full");
  }, 0o644);
  await assert.rejects(failing, /full/);
  assert.deepEqual(await directory.list(), []);
});
