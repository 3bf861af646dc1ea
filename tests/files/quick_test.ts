import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import * as quick from "../../lib/files/quick.ts";
import { Pace } from "../../lib/files/quick.ts";

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

/** How many of so many calls are made at once. */
async function atOnce(call: () => Promise<string>, calls: number): Promise<number> {
  const places: string[] = [];
  for (let made = 0; made < calls; made++) places.push(await call());
  return places.filter((place) => place === "at once").length;
}

Deno.test("fast calls are synchronous", async () => {
  const count = await atOnce(callsOf(() => 0.05), 10_000);
  assert(count > 9900, `${count} of 10,000 at once`);
});

Deno.test("a single slow call changes almost nothing", async () => {
  let made = 0;
  const count = await atOnce(callsOf(() => ++made === 100 ? 7 : 0.02), 500);
  assert(count > 495, `${count} of 500 at once`);
});

Deno.test("slow calls become asynchronous, and synchronous ones are tried again now and then", async () => {
  let milliseconds = 2;
  const call = callsOf(() => milliseconds);
  const slow = await atOnce(call, 1000);
  assert(slow > 5 && slow < 50, `${slow} of 1,000 at once`);
  // The network is back.
  milliseconds = 0.02;
  await atOnce(call, 300);
  const quick = await atOnce(call, 1000);
  assert(quick > 990, `${quick} of 1,000 at once`);
});

Deno.test("many calls do not starve everything else", async () => {
  let now = 0;
  const pace = new Pace(() => now);
  const turns = [0];
  let isOver = false;
  const turn = () => {
    turns.push(now);
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const worker = async () => {
    const elsewhere = () => Promise.reject(new Error("elsewhere"));
    for (let made = 0; made < 1000; made++) await pace.call(() => void (now += 0.1), elsewhere);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  isOver = true;
  const longest = Math.max(...turns.map((turn, index) => turn - (turns[index - 1] ?? 0)));
  assert(longest < 12, `${longest} ms without a turn`);
});

Deno.test("waiting for a pipe does not block everything else", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "pipe");
    await new Deno.Command("mkfifo", { args: [path] }).output();
    const bytes = quick.readFile(path);
    await Deno.writeTextFile(path, "from a pipe");
    assert.equal(new TextDecoder().decode(await bytes), "from a pipe");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a call's error is thrown, synchronous or not", async () => {
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

Deno.test("file operations do the same as Deno's", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "a/b/file");
    await quick.makeDirectories(join(directory, "a/b"));
    await quick.makeDirectories(join(directory, "a/b"));
    await quick.writeNew(path, Uint8Array.of(1, 2, 3));
    await assert.rejects(quick.writeNew(path, Uint8Array.of(4)), Deno.errors.AlreadyExists);
    assert.deepEqual(await quick.readFile(path), Uint8Array.of(1, 2, 3));
    const big = new Uint8Array(300_000).fill(7);
    await quick.writeNew(`${path}-big`, big);
    assert.deepEqual(await quick.readFile(`${path}-big`), big);
    await Deno.remove(`${path}-big`);
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

Deno.test("a call is retried for about ten seconds while descriptors are lacking", async () => {
  const none = Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" });
  let calls = 0;
  let slept = 0;
  const sleep = (milliseconds: number) => Promise.resolve(slept += milliseconds);
  const fails = (count: number, error: Error) => () =>
    calls++ < count ? Promise.reject(error) : Promise.resolve("done");
  assert.equal(await quick.withDescriptor(fails(3, none), sleep), "done");
  assert.deepEqual([calls, slept], [4, 5 + 10 + 20]);
  calls = slept = 0;
  await assert.rejects(quick.withDescriptor(fails(Infinity, none), sleep), none);
  assert(slept > 8000 && slept < 12_000, `${slept} ms`);
  calls = slept = 0;
  const other = new Deno.errors.NotFound("not there");
  await assert.rejects(quick.withDescriptor(fails(1, other), sleep), other);
  assert.deepEqual([calls, slept], [1, 0]);
});

Deno.test("small files are opened, read and written as soon as there is a descriptor", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const script = `
    const quick = await import(Deno.args[0]);
    const path = Deno.args[1];
    await quick.writeNew(path, new Uint8Array(3));
    for (const call of [() => quick.open(path), () => quick.readFile(path),
      () => quick.writeNew(path + "2", new Uint8Array(100_000))]) {
      const held = [];
      try { for (;;) held.push(Deno.openSync("/dev/null")); } catch { /* There are no more. */ }
      const called = call();
      const isDone = await Promise.race([called.then(() => true), new Promise((resolve) =>
        setTimeout(() => resolve(false), 30))]);
      for (const file of held) file.close();
      const result = await called;
      result?.close?.();
      console.log(isDone, result?.length);
    }
  `;
  const directory = await Deno.makeTempDir();
  try {
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: [
        ...["-c", 'ulimit -n 100; exec "$@"', "sh", Deno.execPath(), "eval", "--quiet", script],
        ...[new URL("../../lib/files/quick.ts", import.meta.url).href, join(directory, "file")],
      ],
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.equal(
      text,
      "false undefined\nfalse 3\nfalse undefined\n",
      `${new TextDecoder().decode(stderr)}`,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
