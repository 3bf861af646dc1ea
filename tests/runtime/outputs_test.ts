import assert from "node:assert/strict";
import { join } from "node:path";
import { findOutputs } from "../../lib/runtime/outputs.ts";
import { isRoot, runChild } from "../child.ts";
import { TemporaryDirectory } from "../helpers.ts";

async function withTree(work: (top: string) => Promise<void>): Promise<void> {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "llama-test-" }));
  const top = join(root, "job");
  try {
    Deno.mkdirSync(join(top, "out/deep"), { recursive: true });
    Deno.writeTextFileSync(join(root, "job-secret"), "secret");
    Deno.writeTextFileSync(join(top, "a"), "a", { mode: 0o640 });
    Deno.writeTextFileSync(join(top, "out/b"), "bb", { mode: 0o755 });
    Deno.writeTextFileSync(join(top, "out/deep/c"), "");
    Deno.symlinkSync("../a", join(top, "out/inside"));
    Deno.symlinkSync("../../job-secret", join(top, "out/outside"));
    Deno.symlinkSync("/nowhere/at/all", join(top, "broken"));
    Deno.symlinkSync("loop", join(top, "loop"));
    Deno.symlinkSync(root, join(top, "up"));
    assert(new Deno.Command("mkfifo", { args: [join(top, "out/fifo")] }).outputSync().success);
    await work(top);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("outputs are regular files inside the job's directory; others have a reason", async () => {
  await withTree(async (top) => {
    const { found, refused } = await findOutputs(top, [
      "a",
      "./out//b",
      "out/inside",
      "out/outside",
      "up/job-secret",
      "out/fifo",
      "out",
      "broken",
      "loop",
      "none",
      "a/none",
      "a",
    ]);
    assert.deepEqual(found.map(({ remote, mode, source }) => [remote, mode, source.size]), [
      ["a", 0o640, 1],
      ["./out//b", 0o755, 2],
      ["out/inside", 0o640, 1],
    ]);
    assert.deepEqual(Object.fromEntries(refused), {
      "out/outside": "a symbolic link out of the job's directory",
      "up/job-secret": "a symbolic link out of the job's directory",
      "out/fifo": "not a regular file",
      "out": "is a directory (ask for out/)",
      "broken": "a symbolic link to nothing",
      "loop": "too many levels of symbolic links",
      "none": "was not made by the command",
      "a/none": "was not made by the command",
    });
  });
});

Deno.test("an output directory returns all regular files, and names what it leaves out", async () => {
  await withTree(async (top) => {
    const { found, refused, leftOut } = await findOutputs(top, [
      "out/",
      "out/b",
      "up/",
      "a/",
      "none/",
    ]);
    assert.deepEqual(found.map(({ remote }) => remote), ["out/b", "out/deep/c"]);
    assert.deepEqual(Object.fromEntries(refused), {
      "up/": "a symbolic link out of the job's directory",
      "a/": "not a directory",
      "none/": "was not made by the command",
    });
    assert.deepEqual(leftOut, [
      "left out out/fifo: not a regular file",
      "left out out/inside: a symbolic link",
      "left out out/outside: a symbolic link",
    ]);
  });
});

Deno.test("a file of a directory that cannot be sent is missing from it, by name", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await withTree(async (top) => {
    const script = `cd "$1" && printf x > "$(printf 'caf\\351')" && mkdir "$(printf '\\377d')" &&
      printf x > "$(printf '\\377d')/inside" && printf x > "$(printf 'line\\nbreak')" &&
      printf x > "$(printf 'U+FFFD \\357\\277\\275')"`;
    const args = ["-c", script, "sh", join(top, "out/deep")];
    assert((await new Deno.Command("sh", { args }).output()).success);
    const { found, refused } = await findOutputs(top, ["out/deep/", "out/b"]);
    assert.deepEqual(found.map(({ remote }) => remote), [
      "out/deep/U+FFFD \uFFFD",
      "out/deep/c",
      "out/deep/line\nbreak",
      "out/b",
    ]);
    assert.deepEqual(Object.fromEntries(refused), {
      "out/deep/": "left out out/deep/\\xffd: its name is not UTF-8; " +
        "out/deep/caf\\xe9: its name is not UTF-8",
    });
  });
});

Deno.test("the first ten of many files that cannot be sent are named", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await withTree(async (top) => {
    const script = `cd "$1" && for i in $(seq 10 34); do : > "$(printf '\\377')$i"; done`;
    const args = ["-c", script, "sh", join(top, "out")];
    assert((await new Deno.Command("sh", { args }).output()).success);
    const { refused } = await findOutputs(top, ["out/"]);
    const message = refused.get("out/") ?? "";
    assert.match(message, /^left out out\/\\xff10: .*; out\/\\xff19: [^;]*; and 15 more$/);
  });
});

Deno.test({
  name: "an unreadable file or directory is reported as missing by name",
  ignore: !isRoot,
  async fn() {
    await using directory = new TemporaryDirectory();
    await directory.write("job/out/fine", "x");
    await directory.write("job/out/secret", "x", 0o000);
    await directory.write("job/out/closed/file", "x");
    await Deno.chmod(directory.join("job/out/closed"), 0o700);
    await Deno.chmod(directory.path, 0o755);
    const script = `
      const { found, refused } = await outputs.findOutputs(${
      JSON.stringify(Deno.realPathSync(directory.join("job")))
    }, ["out/"]);
      tell([found.map(({ remote }) => remote), [...refused]]);`;
    const modules = {
      outputs: "../lib/runtime/outputs.ts",
      // What is loaded on demand, while it can be read.
      onDemand: "../lib/runtime/output_directory.ts",
    };
    assert.deepEqual(await runChild(script, { modules, unprivileged: true }), [[
      ["out/fine"],
      [["out/", "left out out/closed: permission denied; out/secret: permission denied"]],
    ]]);
  },
});

Deno.test("the job's whole directory can be an output", async () => {
  await withTree(async (top) => {
    const { found } = await findOutputs(top, ["./"]);
    assert.deepEqual(found.map(({ remote }) => remote), ["./a", "./out/b", "./out/deep/c"]);
  });
});

Deno.test({
  name: "an unreadable output does not affect other outputs, by name and in a directory",
  // Root may read everything.
  ignore: Deno.uid() === 0,
  async fn() {
    await withTree(async (top) => {
      Deno.chmodSync(join(top, "out/b"), 0o300);
      Deno.mkdirSync(join(top, "out/closed"), { mode: 0o300 });
      const { found, refused } = await findOutputs(top, ["out/b", "a", "out/"]);
      assert.deepEqual(found.map(({ remote }) => remote), ["a", "out/deep/c"]);
      assert.deepEqual(Object.fromEntries(refused), {
        "out/b": "permission denied",
        "out/": "left out out/b: permission denied; out/closed: permission denied",
      });
      Deno.chmodSync(join(top, "out/closed"), 0o700);
    });
  },
});
