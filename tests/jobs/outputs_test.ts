import assert from "node:assert/strict";
import { checkOutputs, writeOutputs } from "../../lib/jobs/outputs.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { bytesOf, noise, TemporaryDirectory } from "../helpers.ts";

const noStore = () => {
  throw new Error("the store must not be asked for");
};
const succeeded = { succeeded: true, store: noStore };

Deno.test("outputs are written with their modes, and their directories created", async () => {
  await using directory = new TemporaryDirectory();
  const local = directory.join("a/b/out");
  const { written, errors } = await writeOutputs(
    [{ remote: "out", local }],
    { out: { s: "result", m: 0o755 } },
    succeeded,
  );
  assert.deepEqual([written, errors], [[local], []]);
  assert.equal(await Deno.readTextFile(local), "result");
  assert.equal(((await Deno.stat(local)).mode ?? 0) & 0o777, 0o755 & ~Deno.umask());
  assert.deepEqual(await directory.list(), ["a", "a/b", "a/b/out"]);
});

Deno.test("an output that the command did not create is an error, and the existing file stays", async () => {
  await using directory = new TemporaryDirectory();
  const local = await directory.write("out", "old");
  for (const answer of [{}, { out: { e: "was not made by the command" } }]) {
    const { written, errors } = await writeOutputs([{ remote: "out", local }], answer, succeeded);
    assert.deepEqual(written, []);
    assert.equal(errors.length, 1);
    assert.match(errors[0]?.message ?? "", /^output ".*out": the command did not create it$/);
  }
  assert.equal(await Deno.readTextFile(local), "old");
});

Deno.test("an output that is requested twice is written once, and reported once if missing", async () => {
  await using directory = new TemporaryDirectory();
  const local = directory.join("out");
  const wanted = [{ remote: "out", local }, { remote: "out", local }];
  const { written } = await writeOutputs(wanted, { out: { s: "result" } }, succeeded);
  assert.deepEqual(written, [local]);
  const { errors } = await writeOutputs(wanted, {}, succeeded);
  assert.equal(errors.length, 1);
  const below = [{ remote: "d/", local: directory.join("d/") }];
  const both = await writeOutputs([...below, ...below], { "d/x": { s: "1" } }, succeeded);
  assert.deepEqual(both.written, [directory.join("d/x")]);
});

Deno.test("an incomplete output leaves the existing file", async () => {
  await using directory = new TemporaryDirectory();
  const local = await directory.write("out", "old");
  const store = new MemoryStore();
  const id = await store.put(noise(10));
  store.objects.delete(id);
  const { errors } = await writeOutputs([{ remote: "out", local }], { out: { r: id } }, {
    succeeded: true,
    store: () => store,
  });
  assert.equal(errors[0]?.code, "missing-object");
  assert.equal(await Deno.readTextFile(local), "old");
  assert.deepEqual(await directory.list(), ["out"]);
});

Deno.test("a command that failed has its outputs written, but replaces no input", async () => {
  await using directory = new TemporaryDirectory();
  const input = await directory.write("inout", "old");
  const log = directory.join("log");
  const answer = { inout: { s: "half" }, log: { s: "why" } };
  const wanted = [
    { remote: "inout", local: input, onlyOnSuccess: true },
    { remote: "log", local: log },
  ];
  const failed = await writeOutputs(wanted, answer, { succeeded: false, store: noStore });
  assert.deepEqual([failed.written, failed.errors], [[log], []]);
  assert.equal(await Deno.readTextFile(input), "old");
  await writeOutputs(wanted, answer, succeeded);
  assert.equal(await Deno.readTextFile(input), "half");
});

Deno.test("an input is one however it was named, and half a result does not replace it", async () => {
  await using directory = new TemporaryDirectory();
  const single = await directory.write("single", "old");
  const inDirectory = await directory.write("dir/file", "old");
  const inputs = [
    { remote: "in", source: directory.join("dir/../single") },
    { remote: "d/file", source: inDirectory },
    { remote: "text", source: bytesOf("text") },
  ];
  const wanted = [
    { remote: "out", local: single },
    { remote: "d/", local: directory.join("dir/") },
  ];
  const answer = { out: { s: "half" }, "d/file": { s: "half" }, "d/new": { s: "new" } };
  const failed = await writeOutputs(wanted, answer, { succeeded: false, inputs, store: noStore });
  assert.deepEqual([failed.written, failed.errors], [[directory.join("dir/new")], []]);
  assert.equal(await Deno.readTextFile(single), "old");
  assert.equal(await Deno.readTextFile(inDirectory), "old");
  const { written } = await writeOutputs(wanted, answer, { ...succeeded, inputs });
  assert.equal(written.length, 3);
  assert.equal(await Deno.readTextFile(single), "half");
});

Deno.test("two outputs of one job do not overwrite one another", () => {
  assert.throws(() => checkOutputs([{ remote: "b", local: "a" }, { remote: "c", local: "./a" }]), {
    code: "output",
    message: 'cannot write two outputs to "./a": "b" and "c"',
    hint: "give one of them another local name with -o LOCAL:REMOTE",
  });
  assert.throws(() => checkOutputs([{ remote: "b/", local: "a/" }, { remote: "c", local: "a" }]), {
    message: 'cannot write two outputs to "a": "b/" and "c"',
  });
  checkOutputs([{ remote: "a", local: "a" }, { remote: "a", local: "a", onlyOnSuccess: true }]);
  checkOutputs([{ remote: "b/", local: "a/" }, { remote: "c/", local: "a/" }]);
});

Deno.test("a directory brings back everything below it, and nothing from elsewhere", async () => {
  await using directory = new TemporaryDirectory();
  const { errors } = await writeOutputs([{ remote: "d/", local: directory.join("here/") }], {
    "d/a": { s: "a" },
    "d/sub/b": { s: "b" },
    "d/../escape": { s: "!" },
    "d//escape": { s: "!" },
    "other": { s: "!" },
  }, succeeded);
  assert.deepEqual(errors.map(({ message }) => message.slice(message.indexOf("/here/"))).sort(), [
    '/here/../escape": its name leads out of the requested directory',
    '/here//escape": its name leads out of the requested directory',
  ]);
  assert.deepEqual(await directory.list(), ["here", "here/a", "here/sub", "here/sub/b"]);
});

Deno.test("a directory is put into one, whether or not its name here ends in a slash", async () => {
  await using directory = new TemporaryDirectory();
  const wanted = [{ remote: "d/", local: directory.join("here") }];
  const { written } = await writeOutputs(wanted, { "d/a": { s: "a" } }, succeeded);
  assert.deepEqual(written, [directory.join("here/a")]);
  assert.deepEqual(await directory.list(), ["here", "here/a"]);
});

Deno.test("a runtime that knows no directories says so", async () => {
  const { errors } = await writeOutputs([{ remote: "d/", local: "here/" }], {
    "d/": { e: "read d/: is a directory" },
  }, succeeded);
  assert.equal(errors[0]?.message, 'output "here/": read d/: is a directory');
});

Deno.test("a link is written through, and a device is written to", async () => {
  await using directory = new TemporaryDirectory();
  const file = await directory.write("file", "old");
  await Deno.symlink("file", directory.join("link"));
  const { errors } = await writeOutputs(
    [
      { remote: "a", local: directory.join("link") },
      { remote: "b", local: "/dev/null" },
    ],
    { a: { s: "new" }, b: { s: "gone" } },
    succeeded,
  );
  assert.deepEqual(errors, []);
  assert.equal(await Deno.readTextFile(file), "new");
  assert((await Deno.lstat(directory.join("link"))).isSymlink);
  assert((await Deno.stat("/dev/null")).isCharDevice);
});

Deno.test("a directory in the place of an output is an error", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("out/file", "x");
  const { errors } = await writeOutputs(
    [{ remote: "out", local: directory.join("out") }],
    { out: { s: "x" } },
    succeeded,
  );
  assert.match(errors[0]?.message ?? "", /is a directory$/);
});

Deno.test("an abort leaves no partial file", async () => {
  await using directory = new TemporaryDirectory();
  const controller = new AbortController();
  const store = new MemoryStore();
  const id = await store.put(bytesOf("x"));
  store.getFile = async (_id, path) => {
    await Deno.writeTextFile(path, "half");
    controller.abort(new Error("enough"));
    controller.signal.throwIfAborted();
  };
  await assert.rejects(
    writeOutputs([{ remote: "out", local: directory.join("out") }], { out: { r: id } }, {
      succeeded: true,
      store: () => store,
      signal: controller.signal,
    }),
    /enough/,
  );
  assert.deepEqual(await directory.list(), []);
});
