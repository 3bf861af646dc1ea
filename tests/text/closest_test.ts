import assert from "node:assert/strict";
import { closest, editDistance } from "../../lib/text/closest.ts";

Deno.test("editDistance counts insertions, deletions, replacements and swaps", () => {
  const cases: [string, string, number][] = [
    ["", "", 0],
    ["same", "same", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["xarg", "xargs", 1],
    ["logs", "lgos", 1],
    ["kitten", "sitting", 3],
    ["ca", "abc", 3],
    ["\u{1f999}", "a", 1],
  ];
  for (const [from, to, distance] of cases) {
    assert.equal(editDistance(from, to), distance, `${from} to ${to}`);
    assert.equal(editDistance(to, from), distance, `${to} to ${from}`);
  }
});

Deno.test("closest finds a slightly misspelled name", () => {
  const names = ["invoke", "xargs", "local", "help", "version"];
  assert.equal(closest("xarg", names), "xargs");
  assert.equal(closest("invkoe", names), "invoke");
  assert.equal(closest("HELP", names), "help");
  assert.equal(closest("versoin", names), "version");
});

Deno.test("closest finds the only name that begins with the input", () => {
  assert.equal(closest("prof", ["region", "profile"]), "profile");
  assert.equal(closest("fun", ["functions", "function"]), undefined);
});

Deno.test("closest prefers the nearest of several near names", () => {
  assert.equal(closest("function", ["functions", "function"]), "function");
});

Deno.test("closest returns undefined if no name is similar", () => {
  assert.equal(closest("optipng", ["invoke", "xargs"]), undefined);
  assert.equal(closest("", ["invoke", "j"]), undefined);
  assert.equal(closest("n", ["j", "0"]), undefined);
  assert.equal(closest("xargs", []), undefined);
});
