/** The package can be published as it is. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

Deno.test("deno publish --dry-run has no warnings", async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert.ok(success, text);
  assert.doesNotMatch(text, /^warning/m);
  assert.match(text, /Dry run complete/);
});
