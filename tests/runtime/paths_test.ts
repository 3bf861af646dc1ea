import assert from "node:assert/strict";
import { JobError } from "../../lib/runtime/job_error.ts";
import { checkPath, planDirectories } from "../../lib/runtime/paths.ts";

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert(error instanceof JobError);
    assert.equal(error.type, "Llama.BadRequest");
    return error.message;
  }
  throw new Error("nothing was refused");
}

Deno.test("remote paths lose their dots and doubled slashes", () => {
  assert.equal(checkPath("files", "a/b.txt"), "a/b.txt");
  assert.equal(checkPath("files", "./a//./b.txt"), "a/b.txt");
  assert.equal(checkPath("files", "..a/b..c/..."), "..a/b..c/...");
  assert.equal(checkPath("outputs", "out//", { directory: true }), "out/");
  assert.equal(checkPath("outputs", "./", { directory: true }), "./");
  assert.equal(checkPath("outputs", ".", { directory: true }), "./");
});

Deno.test("remote paths that could lead out of the job's directory are refused by name", () => {
  for (const path of ["..", "../a", "a/..", "a/../b", "a/../../b"]) {
    assert.match(refusal(() => checkPath("files", path)), /^files: ".*" contains "\.\."/);
  }
  assert.match(
    refusal(() => checkPath("outputs", "/etc/passwd")),
    /"\/etc\/passwd" is an absolute/,
  );
});

Deno.test("remote paths that do not name a file are refused", () => {
  assert.match(refusal(() => checkPath("files", "")), /is an empty path/);
  assert.match(refusal(() => checkPath("files", "a/")), /names a directory/);
  assert.match(refusal(() => checkPath("files", ".")), /names a directory/);
  assert.match(refusal(() => checkPath("files", "a\0b")), /NUL/);
  assert.match(refusal(() => checkPath("files", "a\ud800")), /is not Unicode text/);
});

Deno.test("the directories of a job are those of its files and of its outputs", () => {
  assert.deepEqual(
    planDirectories(["a", "in/b", "in/deep/c"], ["out/d", "tree/", "./", "e"]).toSorted(),
    ["in", "in/deep", "out", "tree"],
  );
});

Deno.test("a path cannot be a file and a directory", () => {
  assert.match(
    refusal(() => planDirectories(["a", "a/b"], [])),
    /"a" is a file, but "a\/b" needs a directory/,
  );
  assert.match(refusal(() => planDirectories(["x/y/z", "x"], [])), /"x" is a file/);
  assert.match(refusal(() => planDirectories(["out"], ["out/b"])), /"out" is a file/);
  assert.match(refusal(() => planDirectories(["a", "a"], [])), /"a" is named twice/);
});
