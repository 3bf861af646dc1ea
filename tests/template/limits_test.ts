import assert from "node:assert/strict";
import { type ExecuteOptions, Template, TemplateError } from "../../lib/template/mod.ts";

function failure(text: string, data?: unknown, options?: ExecuteOptions): string {
  try {
    Template.parse("t", text).execute(data, options);
  } catch (error) {
    assert.ok(error instanceof TemplateError, String(error));
    return error.message;
  }
  assert.fail("ran");
}

Deno.test("template calls nest at most 100,000 deep", () => {
  assert.match(failure('{{template "t"}}'), /exceeded maximum template depth \(100000\)$/);
  const text = '{{define "r"}}{{if .}}x{{template "r" (slice . 1)}}{{end}}{{end}}' +
    '{{template "r" (printf "%05000d" 0)}}';
  assert.equal(Template.parse("t", text).execute(null), "x".repeat(5000));
});

Deno.test("an endless loop fails", () => {
  const options = { maxSteps: 10_000 };
  const expected = /exceeded maximum number of steps \(10000\)$/;
  for (
    const text of [
      "{{range 1000000000000}}{{end}}",
      "{{range 1000000000000}}x{{end}}",
      "{{range 1000000}}{{range 1000000}}{{end}}{{end}}",
      '{{define "a"}}{{range 10}}{{template "a"}}{{end}}{{end}}{{template "a"}}',
      '{{range 1000000}}{{$x := printf "%1000000d" 1}}{{end}}',
    ]
  ) assert.match(failure(text, null, options), expected, text);
});

Deno.test("the length of output and text is limited", () => {
  const expected = /exceeded maximum length of output \(1000\)$/;
  const options = { maxOutput: 1000 };
  assert.match(failure("{{range 1000}}xx{{end}}", null, options), expected);
  assert.match(
    failure('{{$x := "ab"}}{{range 20}}{{$x = print $x $x}}{{end}}', null, options),
    expected,
  );
});

Deno.test("nesting too deep to parse is an error", () => {
  const text = "{{" + "(".repeat(20_000) + "1" + ")".repeat(20_000) + "}}";
  assert.equal(failure(text), "template: t:1: max expression depth exceeded");
  assert.match(failure("{{if 1}}".repeat(200_000)), /max expression depth exceeded$/);
});

Deno.test("printing data that contains itself fails", () => {
  const list: unknown[] = [];
  list.push(list);
  assert.match(failure("{{.}}", list), /exceeded a limit of JavaScript/);
});
