import assert from "node:assert/strict";
import { Template, TemplateError, TemplateSet } from "../../lib/template/mod.ts";

function refusal(text: string): string {
  try {
    Template.parse("t", text);
  } catch (error) {
    assert.ok(error instanceof TemplateError);
    assert.equal(error.phase, "parse");
    return error.message;
  }
  assert.fail("was parsed");
}

Deno.test("parse errors have Go's message, with the line", () => {
  const expected: Record<string, string> = {
    "a\n{{": "template: t:2: unclosed action",
    "{{\n\n": "template: t:3: unclosed action started at t:1",
    '{{"a\n"}}': "template: t:1: unterminated quoted string",
    "{{1 | 2}}": "template: t:1: non executable command in pipeline stage 2",
    "{{nil.x}}": 'template: t:1: unexpected . after term "nil"',
    "{{range 1}}{{block `b` .}}{{break}}{{end}}{{end}}":
      "template: t:1: {{break}} outside {{range}}",
    "{{define `a`}}x{{else}}{{end}}": "template: t:1: unexpected {{else}} in define clause",
    "{{$a, $b := 1}}": "template: t:1: too many declarations in command",
    "{{+0_.e9+i}}": "template: t:1: syntax error scanning complex number",
    "{{0x1e+2i}}": 'template: t:1: strconv.ParseFloat: parsing "0x1e": invalid syntax',
  };
  for (const [text, message] of Object.entries(expected)) {
    assert.equal(refusal(text), message, text);
  }
});

Deno.test("an error has its phase, template and line as fields", () => {
  assert.throws(
    () => Template.parse("t", "a\n{{nope}}"),
    (error) =>
      error instanceof TemplateError && error.line === 2 && error.template === "t" &&
      error.column === undefined,
  );
});

Deno.test("templates parsed into one set can call each other's definitions", () => {
  const set = new TemplateSet();
  const first = Template.parse("a", '{{define "d"}}D{{.}}{{end}}', set);
  assert.equal(Template.parse("b", '{{template "d" 1}}', set).execute(null), "D1");
  assert.equal(Template.parse("c", '{{template "d" 2}}', first).execute(null), "D2");
  assert.deepEqual([...set.keys()].sort(), ["a", "b", "c", "d"]);
  assert.equal(first.lookup("b")?.name, "b");
});

Deno.test("a plain Map serves as a set", () => {
  const set = new Map<string, Template>();
  Template.parse("a", "A", set);
  assert.equal(Template.parse("b", '{{template "a"}}', set).execute(null), "A");
});

Deno.test("an empty definition does not replace an existing one", () => {
  const set = new TemplateSet();
  Template.parse("a", '{{define "d"}}one{{end}}', set);
  Template.parse("b", '{{define "d"}} {{/* nothing */}} {{end}}', set);
  assert.equal(set.get("d")?.execute(null), "one");
  Template.parse("c", '{{define "d"}}two{{end}}', set);
  assert.equal(set.get("d")?.execute(null), "two");
});

Deno.test("a text with a syntax error defines nothing", () => {
  const set = new TemplateSet();
  assert.throws(() => Template.parse("a", '{{define "d"}}x{{end}}{{', set), TemplateError);
  assert.equal(set.size, 0);
});

Deno.test("a text may define a template with its own name", () => {
  assert.equal(Template.parse("a", '{{define "a"}}own{{end}}').execute(null), "own");
});
