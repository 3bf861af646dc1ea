import assert from "node:assert/strict";
import { libc, workingDirectory } from "../../lib/system/libc.ts";
import { printableBytes } from "../../lib/text/printable_bytes.ts";
import { bytesOf, TemporaryDirectory, textOf } from "../helpers.ts";

const ignore = Deno.build.os !== "linux";

function library() {
  const library = libc();
  assert(library);
  return library;
}

Deno.test({
  name: "a directory is listed with names that are not UTF-8",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    const script =
      `cd "$1" && touch "$(printf 'caf\\351')" plain .hidden && mkdir sub && ln -s x link`;
    const shell = new Deno.Command("sh", { args: ["-c", script, "sh", directory.path] });
    assert((await shell.output()).success);
    await Deno.writeTextFile(directory.join("n".repeat(255)), "");
    const entries = library().list(directory.path)
      .map(({ name, kind }) => `${kind} ${printableBytes(name)}`).sort();
    assert.deepEqual(entries, [
      "directory sub",
      "file .hidden",
      "file caf\\xe9",
      `file ${"n".repeat(255)}`,
      "file plain",
      "link link",
    ]);
  },
});

Deno.test({
  name: "10,000 entries are all listed",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    const names = Array.from({ length: 10_000 }, (_, i) => `file-${i}`).sort();
    for (const name of names) Deno.writeTextFileSync(directory.join(name), "");
    assert.deepEqual(library().list(directory.path).map(({ name }) => textOf(name)).sort(), names);
  },
});

Deno.test({
  name: "opening does not follow links or wait for pipes, and fails like Deno",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    await directory.write("file", "text");
    await Deno.mkdir(directory.join("sub"));
    await Deno.symlink("file", directory.join("link"));
    await Deno.symlink("sub", directory.join("sublink"));
    const { success } = await new Deno.Command("mkfifo", { args: [directory.join("pipe")] })
      .output();
    assert(success);
    const calls = library();
    const top = calls.openAt(workingDirectory, directory.path, { directory: true });
    try {
      const opened = [calls.openAt(top, "file"), calls.openAt(top, "sub", { directory: true })];
      // With O_NONBLOCK a reader is there at once, without a writer.
      opened.push(calls.openAt(top, "pipe"));
      opened.push(calls.openAt(top, "new", { write: true, createMode: 0o600 }));
      for (const descriptor of opened) calls.close(descriptor);
      assert.deepEqual(await Deno.readTextFile(`/proc/self/fd/${top}/file`), "text");
      assert.deepEqual(((await Deno.stat(directory.join("new"))).mode ?? 0) & 0o777, 0o600);
      assert.throws(() => calls.openAt(top, "link"), Deno.errors.FilesystemLoop);
      assert.throws(
        () => calls.openAt(top, "sublink", { directory: true }),
        Deno.errors.NotADirectory,
      );
      assert.throws(
        () => calls.openAt(top, "file", { directory: true }),
        Deno.errors.NotADirectory,
      );
      assert.throws(() => calls.openAt(top, "absent"), Deno.errors.NotFound);
      assert.throws(
        () => calls.openAt(top, "file", { createMode: 0o600 }),
        Deno.errors.AlreadyExists,
      );
      assert.throws(() => calls.openAt(top, "a\0b"), TypeError);
      assert.throws(() => calls.list(directory.join("absent")), Deno.errors.NotFound);
      assert.throws(() => calls.list(directory.join("file")), Deno.errors.NotADirectory);
    } finally {
      calls.close(top);
    }
  },
});

Deno.test({
  name: "an unreadable directory can be opened as a place, and chmod takes names in bytes",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    await directory.write("sub/file", "text");
    await Deno.symlink("sub", directory.join("link"));
    const calls = library();
    const top = calls.openAt(workingDirectory, directory.path, { directory: true, place: true });
    try {
      assert.throws(
        () => calls.openAt(top, "link", { directory: true, place: true }),
        Deno.errors.NotADirectory,
      );
      const sub = calls.openAt(top, "sub", { directory: true, place: true });
      assert.equal(await Deno.readTextFile(`/proc/self/fd/${sub}/file`), "text");
      calls.close(sub);
    } finally {
      calls.close(top);
    }
    const script = `cd "$1" && mkdir "$(printf 'd\\377')" && : > "$(printf 'd\\377/f\\376')"`;
    const shell = new Deno.Command("sh", { args: ["-c", script, "sh", directory.path] });
    assert((await shell.output()).success);
    const inner = new Uint8Array([...bytesOf(directory.join("d")), 0xff]);
    calls.chmod(inner, 0o700);
    assert.deepEqual(calls.list(inner).map(({ name }) => printableBytes(name)), ["f\\xfe"]);
    assert.throws(() => calls.chmod(bytesOf(directory.join("none")), 0o700), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "errors have the same codes as Deno's",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    await directory.write("file", "");
    const calls = library();
    for (const path of ["none", "file/none", "n".repeat(300)]) {
      const codes = [];
      for (
        const open of [
          () => Deno.openSync(directory.join(path)).close(),
          () => calls.close(calls.openAt(workingDirectory, directory.join(path))),
        ]
      ) {
        try {
          open();
        } catch (error) {
          codes.push(error instanceof Error && "code" in error ? error.code : error);
        }
      }
      assert.equal(codes.length, 2);
      assert.equal(codes[0], codes[1]);
    }
  },
});

Deno.test({
  name: "reaping one child does not affect others",
  ignore,
  fn() {
    assert.deepEqual(library().reap(Deno.pid), true, "no child of this process");
    assert.throws(() => library().reap(-1), RangeError);
    assert.throws(() => library().reap(0), RangeError);
  },
});
