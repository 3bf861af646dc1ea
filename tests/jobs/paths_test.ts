import assert from "node:assert/strict";
import { cleanPath, isInside } from "../../lib/jobs/paths.ts";

Deno.test("a path is cleaned as Go's path.Clean does", () => {
  const cases = {
    "a/b.png": "a/b.png",
    "./a": "a",
    "a//b/./c": "a/b/c",
    "a/../b": "b",
    "dir/": "dir",
    ".": ".",
    "..a": "..a",
    "a b\n": "a b\n",
  };
  for (const [path, clean] of Object.entries(cases)) assert.equal(cleanPath(path), clean, path);
});

Deno.test("a path that leads out of the directory is refused in the original's words", () => {
  assert.throws(() => cleanPath("/etc/passwd"), {
    message: 'Cannot pass absolute path: "/etc/passwd"',
  });
  for (const path of ["../x", "a/../../x"]) {
    assert.throws(() => cleanPath(path), {
      message: 'Cannot pass path outside working directory: "../x"',
    });
  }
  assert.throws(() => cleanPath(".."), {
    message: 'Cannot pass path outside working directory: ".."',
  });
});

Deno.test("a path that is not UTF-8 is refused instead of changed", () => {
  assert.throws(() => cleanPath("a\udcff"), /not UTF-8/);
});

Deno.test("a path from the wire stays inside, or is refused", () => {
  for (const path of ["a", "a/b", "a.b/..c"]) assert(isInside(path), path);
  for (const path of ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\0b"]) {
    assert(!isInside(path), path);
  }
});
