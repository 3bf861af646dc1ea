import assert from "node:assert/strict";
import { templateFunctions } from "../../lib/jobs/template_functions.ts";
import { LineTemplates } from "../../lib/jobs/expand.ts";
import { LlamaError } from "../../lib/errors.ts";
import { BUILTINS } from "../../lib/template/functions.ts";

function expand(template: string, line: string | readonly string[] = "", index = 0): string {
  const [text = ""] = new LineTemplates([template]).expand(line, index).args;
  return text;
}

// From Go 1.27's path.Base, path.Dir and path.Ext.
const paths: readonly (readonly [path: string, base: string, dir: string, ext: string])[] = [
  ["", ".", ".", ""],
  ["/", "/", "/", ""],
  ["a", "a", ".", ""],
  ["a/", "a", "a", ""],
  ["a/b.c", "b.c", "a", ".c"],
  ["/a", "a", "/", ""],
  ["//a//b//", "b", "/a/b", ""],
  ["a/.bashrc", ".bashrc", "a", ".bashrc"],
  ["a.b/c", "c", "a.b", ""],
  ["x.tar.gz", "x.tar.gz", ".", ".gz"],
  ["a.", "a.", ".", "."],
  ["./a", "a", ".", ""],
  ["../a/..", "..", "../a", "."],
  [".", ".", ".", "."],
  ["..", "..", ".", "."],
  ["a/../b.txt", "b.txt", ".", ".txt"],
];

Deno.test("base, dir and ext return what Go's path package does", () => {
  for (const [path, ...wanted] of paths) {
    const parts = ["base", "dir", "ext"].map((name) => expand(`{{${name} .Line}}`, path));
    assert.deepEqual(parts, wanted, path);
  }
});

Deno.test("functions of text take the text as their last argument, as in a pipeline", () => {
  const cases: [template: string, line: string, wanted: string][] = [
    ['{{.Line | trimSuffix ".png"}}.webp', "a.png", "a.webp"],
    ['{{.Line | trimPrefix "in/"}}', "in/in/a", "in/a"],
    ['{{trimSuffix ".jpg" .Line}}', "a.png", "a.png"],
    ['{{.Line | replace "a" "$&b"}}', "aXa", "$&bX$&b"],
    ['{{.Line | replace "" "-"}}', "ab", "-a-b-"],
    ["{{lower .Line}} {{upper .Line}}", "Äb", "äb ÄB"],
    ['{{.Line | split "," | join "+"}}', "a,,b", "a++b"],
    ['{{index (split "," .Line) 1}}', "a,b", "b"],
    ['{{.Line | split "" | len}}', "aé", "2"],
    ["{{.Line | base | trimSuffix (ext .Line)}}", "in/a.tar.gz", "a.tar"],
    ["{{.O (.Line | base | upper)}}", "in/a", "A"],
  ];
  for (const [template, line, wanted] of cases) {
    assert.equal(expand(template, line), wanted, template);
  }
  assert.equal(expand('{{.Lines | join "|"}}', ["a", "b c"]), "a|b c");
});

Deno.test("add and sub calculate with the job's number and with numbers in lines", () => {
  assert.equal(expand("{{add .Idx 1}}", "x", 41), "42");
  assert.equal(expand('{{add .Line 10 (sub "7" 2)}}', "-007"), "8");
  assert.equal(expand('{{printf "%03d" (add .Idx 1)}}', "x", 6), "007");
  assert.equal(expand("{{sub .Line 1}}", "-9223372036854775807"), "-9223372036854775808");
});

Deno.test("a function that cannot use a line fails the job, not the run", () => {
  const refusals: [template: string, line: string, message: RegExp][] = [
    ["{{add .Line 1}}", "x1", /error calling add: "x1" is not an integer$/],
    ["{{add .Line 1}}", "9223372036854775807", /9223372036854775808 is not within 64 bits$/],
    ["{{sub .Line 1}}", "9223372036854775808", /9223372036854775808 is not within 64 bits$/],
    ["{{add 1.5 1}}", "", /1.5 is not an integer$/],
  ];
  for (const [template, line, message] of refusals) {
    assert.throws(() => expand(template, line), (error) => {
      assert(error instanceof LlamaError);
      assert.match(error.message, message);
      assert.equal(error.affectsAll, !template.includes(".Line"), template);
      return true;
    });
  }
});

Deno.test("a wrong call is reported as Go would, and ends the run", () => {
  const refusals: [template: string, message: RegExp][] = [
    ["{{base}}", /at <base>: wrong number of args for base: want 1 got 0$/],
    ["{{base .Idx}}", /at <\.Idx>: wrong type for value; expected string; got int$/],
    ['{{trimSuffix 1 "a"}}', /at <1>: expected string; found 1$/],
    ['{{join "," .Line}}', /error calling join: the last argument is not a list$/],
  ];
  for (const [template, message] of refusals) {
    assert.throws(() => expand(template), { message, affectsAll: true });
  }
});

Deno.test("names that bytes cannot spell as UTF-8 pass through the functions", () => {
  const stray = "caf\udce9";
  const [input] = new LineTemplates(['{{.Line | replace "x" "y" | .AsFile}}'])
    .expand(`x/${stray}`, 0).inputs;
  assert.deepEqual(input?.source, Uint8Array.of(...new TextEncoder().encode("y/caf"), 0xe9, 10));
});

Deno.test("none of llama's functions has the name of one of Go's", () => {
  for (const name of Object.keys(templateFunctions)) assert(!BUILTINS.has(name), name);
});

Deno.test("the examples of docs/templates.md are right", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/templates.md", import.meta.url));
  const rows = [...page.matchAll(/^\| `(\w+) .*\| `(\{\{.*\}\})` +\| `([^`]*)` +\|$/gm)];
  for (const [, , template = "", wanted] of rows) {
    assert.equal(expand(template.replaceAll("\\|", "|"), "in/a.png"), wanted, template);
  }
  assert.deepEqual(rows.map(([, name]) => name), Object.keys(templateFunctions));
});
