import assert from "node:assert/strict";
import { xargsCommand } from "../../lib/commands/spec/xargs.ts";
import { manualFile, manualPage, referenceFile, referencePage } from "../../scripts/reference.ts";
import { textOf } from "../helpers.ts";

const message = "run: deno task reference";

Deno.test("docs/reference.md has the commands and flags that there are", async () => {
  assert.equal(await Deno.readTextFile(referenceFile), await referencePage(), message);
});

Deno.test("docs/llama.1 has the commands and flags that there are", async () => {
  assert.equal(await Deno.readTextFile(manualFile), await manualPage(), message);
});

function hasGroff(): boolean {
  try {
    return new Deno.Command("groff", { args: ["--version"] }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "groff sets the manual page without a warning, and its commands can be copied (groff)",
  ignore: !hasGroff(),
  async fn() {
    const child = new Deno.Command("groff", {
      args: ["-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=200n"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.output();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(await manualPage()));
    await writer.close();
    const { stdout, stderr } = await output;
    assert.equal(textOf(stderr), "");
    const lines = textOf(stdout).split("\n").map((line) => line.trim());
    for (const { command } of await xargsCommand.examples?.() ?? []) {
      for (const line of command.split("\n")) assert(lines.includes(line.trim()), line);
    }
  },
});
