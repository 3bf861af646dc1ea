import assert from "node:assert/strict";
import { Template, TemplateError, TemplateSet } from "../../lib/template/mod.ts";

const set = () =>
  new TemplateSet({
    rep: {
      parameters: ["int", "string"],
      call: (count: bigint, text: string) => text.repeat(Number(count)),
    },
    any: { parameters: ["...interface {}"], call: (...args: unknown[]) => `${args.length}` },
    bad: {
      parameters: [],
      call: () => {
        throw new Error("no good");
      },
    },
    len: { parameters: [], call: () => "mine" },
    and: { parameters: ["bool", "bool"], call: () => "and" },
  });

const at = (column: number, node: string) =>
  `template: t:1:${column}: executing "t" at <${node}>: `;

// As Go answers with the same functions in a FuncMap.
const cases: [template: string, output: string | undefined, error?: string][] = [
  ['{{"ab"|rep 3}}', "ababab"],
  ['{{(rep 2 "a")|rep 2}}', "aaaa"],
  ["{{any}}", "0"],
  ["{{any 1 .}}", "2"],
  ["{{len}}", "mine"],
  ["{{and true false}}", "and"],
  ["{{rep}}", undefined, at(2, "rep") + "wrong number of args for rep: want 2 got 0"],
  ['{{rep "a" "b"}}', undefined, at(6, '"a"') + 'expected integer; found "a"'],
  ["{{1|rep 2}}", undefined, at(8, "2") + "wrong type for value; expected string; got int"],
  ["{{bad}}", undefined, at(2, "bad") + "error calling bad: no good"],
  ['{{len "a"}}', undefined, at(2, "len") + "wrong number of args for len: want 0 got 1"],
];

for (const [text, output, error] of cases) {
  Deno.test(`a set's own functions: ${text}`, () => {
    const template = Template.parse("t", text, set());
    if (error === undefined) assert.equal(template.execute({ X: 1n }), output);
    else assert.throws(() => template.execute({ X: 1n }), { message: error });
  });
}

Deno.test("a function belongs to its set alone, and no property of objects is one", () => {
  for (const text of ['{{rep 1 "a"}}', "{{toString}}"]) {
    assert.throws(() => Template.parse("t", text), TemplateError);
  }
  assert.throws(() => Template.parse("t", "{{toString}}", set()), TemplateError);
});

Deno.test("a template knows which fields it names", () => {
  const names = (text: string) => Template.parse("t", text).names(new Set(["Each"]));
  assert(names("{{.I .Each}}"));
  assert(names('{{define "d"}}{{$.Each}}{{end}}x{{template "d" .}}'));
  assert(!names("{{.}} {{$}} {{.Line}} Each"));
});
