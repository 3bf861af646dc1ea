import assert from "node:assert/strict";
import settings from "../deno.json" with { type: "json" };
import { isOlder, version } from "../lib/version.ts";

Deno.test("the version is that of deno.json", () => {
  assert.equal(version, settings.version);
});

Deno.test("versions are ordered by their numbers, and what is not a version is not older", () => {
  const inOrder = ["0.0.9", "0.1.0-rc.1", "0.1.0", "0.1.1", "0.2.0", "0.10.0", "1.0.0", "10.0.0"];
  for (const [index, one] of inOrder.entries()) {
    for (const [other, text] of inOrder.entries()) {
      assert.equal(isOlder(one, text), index < other, `${one} and ${text}`);
    }
  }
  for (const other of ["", "1", "later", "1.0"]) {
    assert(!isOlder("0.1.0", other) && !isOlder(other, "0.1.0"), other);
  }
});
