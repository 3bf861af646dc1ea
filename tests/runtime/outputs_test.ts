import assert from "node:assert/strict";
import { join } from "node:path";
import { findOutputs } from "../../lib/runtime/outputs.ts";

function withTree(work: (top: string) => void): void {
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
    work(top);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("outputs are regular files inside the job's directory, and others have a reason", () => {
  withTree((top) => {
    const { found, refused } = findOutputs(top, [
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

Deno.test("a directory brings all regular files below it, and names what it leaves out", () => {
  withTree((top) => {
    const { found, refused, leftOut } = findOutputs(top, ["out/", "out/b", "up/", "a/", "none/"]);
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

Deno.test("the job's whole directory can be asked for", () => {
  withTree((top) => {
    const { found } = findOutputs(top, ["./"]);
    assert.deepEqual(found.map(({ remote }) => remote), ["./a", "./out/b", "./out/deep/c"]);
  });
});

Deno.test({
  name: "an output that cannot be read costs itself alone, by name and in a directory",
  // Root may read everything.
  ignore: Deno.uid() === 0,
  fn() {
    withTree((top) => {
      Deno.chmodSync(join(top, "out/b"), 0o300);
      Deno.mkdirSync(join(top, "out/closed"), { mode: 0o300 });
      const { found, refused, leftOut } = findOutputs(top, ["out/b", "a", "out/"]);
      assert.deepEqual(found.map(({ remote }) => remote), ["a", "out/deep/c"]);
      assert.deepEqual(Object.fromEntries(refused), { "out/b": "permission denied" });
      assert.deepEqual(leftOut.slice(0, 2), [
        "left out out/b: permission denied",
        "left out out/closed: permission denied",
      ]);
      Deno.chmodSync(join(top, "out/closed"), 0o700);
    });
  },
});
