import assert from "node:assert/strict";
import { shellQuote } from "../../lib/text/shell_quote.ts";

Deno.test("words are quoted only if a shell needs it", () => {
  assert.equal(shellQuote(["optipng", "a.png", "-out", "x/a.png"]), "optipng a.png -out x/a.png");
  assert.equal(shellQuote(["a b", "it's", "", "$x", "é"]), `'a b' 'it'\\''s' '' '$x' 'é'`);
});

Deno.test("a shell reads back the same words, and they stay on one line", async () => {
  const words = ["a\nb", "tab\there", "\u0001'\\", "${x}", "*", "a\r", "\u001b[31m", "c1\u0085"];
  const quoted = shellQuote(words);
  assert(!quoted.includes("\n") && !quoted.includes("\u001b"));
  const { stdout } = await new Deno.Command("bash", {
    env: { LC_ALL: "C.UTF-8" },
    args: ["-c", `printf '%s\\0' ${quoted}`],
  }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\0").slice(0, -1), words);
});
