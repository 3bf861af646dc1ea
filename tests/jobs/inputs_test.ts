import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { expandInputs } from "../../lib/jobs/input_directory.ts";
import { encodeInputs, findInputs } from "../../lib/jobs/inputs.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { bytesOf, noise, TemporaryDirectory } from "../helpers.ts";

function refused(message: RegExp) {
  return (error: unknown) => {
    assert(error instanceof LlamaError, String(error));
    assert.equal(error.code, "input");
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("files go on the wire with their modes", async () => {
  await using directory = new TemporaryDirectory();
  const script = await directory.write("run.sh", "#!/bin/sh\n", 0o755);
  const found = await findInputs([
    { remote: "bin/run.sh", source: script },
    { remote: "llama/tmp.0", source: bytesOf("text\n") },
  ]);
  const { files } = await encodeInputs(found, undefined, 0, { store: undefined });
  assert.deepEqual(files, {
    "bin/run.sh": { s: "#!/bin/sh\n", m: 0o755 },
    "llama/tmp.0": { s: "text\n" },
  });
});

Deno.test("standard input is a blob next to the files, and stored if big", async () => {
  const store = new MemoryStore();
  const { files, stdin } = await encodeInputs([], noise(300_000), 0, { store });
  assert.deepEqual(files, {});
  assert.deepEqual(store.objects.get(stdin?.r ?? ""), noise(300_000));
});

Deno.test("all files that cannot be sent are named at once", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("dir/file", "x");
  const inputs = ["missing", "dir", "dir/file", "gone"].map((name) => ({
    remote: name,
    source: directory.join(name),
  }));
  await assert.rejects(findInputs(inputs), (error) => {
    refused(/missing": no such file or directory/)(error);
    refused(/dir": is a directory/)(error);
    refused(/gone": no such file or directory/)(error);
    return true;
  });
});

Deno.test("a file that is named twice is sent once, and two files do not share a name", async () => {
  await using directory = new TemporaryDirectory();
  const a = await directory.write("a", "a");
  const b = await directory.write("b", "b");
  const dotted = await expandInputs([{ local: directory.join(".", "a"), remote: "./x//a" }]);
  const found = await findInputs([...dotted, { remote: "x/a", source: a }]);
  assert.deepEqual(found.map(({ remote }) => remote), ["x/a"]);
  await assert.rejects(
    findInputs([{ remote: "x", source: a }, { remote: "x", source: b }]),
    refused(/^cannot send two files as "x": ".*\/a" and ".*\/b"$/),
  );
  const shared = new Map([["x", { remote: "x", source: a }]]);
  assert.equal((await findInputs([{ remote: "x", source: a }], shared)).length, 1);
  await assert.rejects(
    findInputs([{ remote: "x", source: b }], shared),
    refused(/^cannot send two files as "x": ".*\/a" and ".*\/b"$/),
  );
});

Deno.test("anything but a regular file is refused, and not opened", async () => {
  await assert.rejects(
    findInputs([{ remote: "null", source: "/dev/null" }]),
    refused(/is not a regular file/),
  );
});

Deno.test("a directory stands for the regular files and the empty directories below it", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("tree/b", "b", 0o600);
  await directory.write("tree/a/deep", "deep");
  await Deno.mkdir(directory.join("tree/empty"));
  await Deno.symlink("b", directory.join("tree/link"));
  await Deno.symlink("a", directory.join("tree/z"));
  const local = directory.join("tree");
  const names = (inputs: { remote: string }[]) => inputs.map(({ remote }) => remote);
  assert.deepEqual(names(await expandInputs([{ local, remote: "t" }])), [
    "t/a/deep",
    "t/b",
    "t/empty",
    "t/link",
    "t/z/deep",
  ]);
  assert.deepEqual(names(await expandInputs([{ local: local + "/", remote: "t/x/" }])), [
    "t/x/a/deep",
    "t/x/b",
    "t/x/empty",
    "t/x/link",
    "t/x/z/deep",
  ]);
  assert.deepEqual(names(await expandInputs([{ local, remote: "." }])), [
    "a/deep",
    "b",
    "empty",
    "link",
    "z/deep",
  ]);
});

Deno.test("a link out of a directory, a dead one and a circular one are refused by name", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("secret", "x");
  await directory.write("tree/file", "x");
  const link = directory.join("tree/link");
  for (
    const [target, message] of [
      ["../secret", /tree\/link: the link points outside the directory/],
      ["nowhere", /tree\/link: the link is broken/],
      [".", /tree\/link: the link points to a directory that contains it/],
    ] as const
  ) {
    await Deno.symlink(target, link);
    const mapping = [{ local: directory.join("tree"), remote: "t" }];
    await assert.rejects(expandInputs(mapping), refused(message));
    await Deno.remove(link);
  }
});

Deno.test("a missing path is named", async () => {
  const mapping = [{ local: "/nowhere/x", remote: "x" }];
  await assert.rejects(
    expandInputs(mapping).then(findInputs),
    refused(/^cannot read "\/nowhere\/x": no such file/),
  );
});

Deno.test("a link to a sibling whose name starts with the directory's is refused", async () => {
  await using place = new TemporaryDirectory();
  await place.write("dir-other/secret", "x");
  await place.write("dir/file", "x");
  await Deno.symlink("../dir-other/secret", place.join("dir/link"));
  await assert.rejects(
    expandInputs([{ local: place.join("dir"), remote: "dir" }]),
    /the link points outside the directory/,
  );
});
