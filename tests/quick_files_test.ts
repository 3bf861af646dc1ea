import assert from "node:assert/strict";
import { join } from "node:path";
import * as quick from "../lib/quick_files.ts";
import { Pace } from "../lib/quick_files.ts";

/** Calls that take so long, and where they were made. */
function callsOf(milliseconds: () => number) {
  let now = 0;
  const pace = new Pace(() => now);
  return async () =>
    await pace.call(() => {
      now += milliseconds();
      return "at once";
    }, () => Promise.resolve("elsewhere"));
}

Deno.test("quick calls are made at once", async () => {
  const call = callsOf(() => 0.1);
  for (let count = 0; count < 1000; count++) assert.equal(await call(), "at once");
});

Deno.test("a single slow call changes nothing", async () => {
  let count = 0;
  const call = callsOf(() => ++count === 100 ? 7 : 0.02);
  for (let made = 0; made < 200; made++) assert.equal(await call(), "at once");
});

Deno.test("where calls are slow they are handed over, and tried again now and then", async () => {
  let milliseconds = 2;
  const call = callsOf(() => milliseconds);
  const places: string[] = [];
  for (let made = 0; made < 1000; made++) places.push(await call());
  const atOnce = places.filter((place) => place === "at once").length;
  assert(atOnce > 5 && atOnce < 50, `${atOnce} of 1,000 at once`);
  // The network is back.
  milliseconds = 0.02;
  for (let made = 0; made < 300; made++) await call();
  for (let made = 0; made < 300; made++) assert.equal(await call(), "at once");
});

Deno.test("what a call throws is thrown, wherever it was made", async () => {
  let now = 0;
  const pace = new Pace(() => now);
  const fail = () => {
    now += 20;
    throw new Error("at once");
  };
  const call = () => pace.call(fail, () => Promise.reject(new Error("elsewhere")));
  await assert.rejects(call, /at once/);
  await assert.rejects(call, /elsewhere/);
});

Deno.test("calls on files do what Deno's do", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "a/b/file");
    await quick.makeDirectories(join(directory, "a/b"));
    await quick.makeDirectories(join(directory, "a/b"));
    await quick.writeNew(path, Uint8Array.of(1, 2, 3));
    await assert.rejects(quick.writeNew(path, Uint8Array.of(4)), Deno.errors.AlreadyExists);
    assert.deepEqual(await quick.readFile(path), Uint8Array.of(1, 2, 3));
    await quick.chmod(path, 0o640);
    const { size, mode } = await quick.stat(path);
    assert.deepEqual([size, (mode ?? 0) & 0o777], [3, 0o640]);
    await Deno.symlink("nowhere", join(directory, "link"));
    assert((await quick.lstat(join(directory, "link"))).isSymlink);
    await assert.rejects(quick.stat(join(directory, "link")), Deno.errors.NotFound);
    await quick.rename(path, join(directory, "renamed"));
    assert.deepEqual(
      (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name).sort(),
      [
        "a",
        "link",
        "renamed",
      ],
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
