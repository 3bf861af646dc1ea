import assert from "node:assert/strict";
import settings from "../deno.json" with { type: "json" };
import { version } from "../lib/version.ts";

Deno.test("the version is that of deno.json", () => {
  assert.equal(version, settings.version);
});
