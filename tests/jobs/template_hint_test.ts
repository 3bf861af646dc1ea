import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { expandOnce, LineTemplates } from "../../lib/jobs/expand.ts";
import type { JobInput } from "../../lib/jobs/job_input.ts";

function hintOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof LlamaError);
    return error.hint;
  }
  assert.fail("no error");
}

const invoked = (text: string) => hintOf(() => expandOnce([text]));
const mapped = (text: string) => hintOf(() => new LineTemplates([text]).expand("a line", 0));

Deno.test("a refused template gets a hint with what to write instead", () => {
  assert.equal(mapped("{{Line}}"), "write {{.Line}}, with a dot");
  assert.equal(mapped('{{I "x"}}'), 'write {{.I "PATH"}}, with a dot');
  assert.equal(mapped('{{pritnf "x"}}'), "did you mean printf?");
  assert.equal(mapped("{{.Lien}}"), "did you mean .Line?");
  assert.equal(mapped("{{.Lines}}"), "only llama xargs -n has {{.Lines}}");
  assert.equal(mapped("{{.I}}"), 'write {{.I "PATH"}}');
  assert.equal(invoked("{{.Line}}"), "only llama xargs has {{.Line}}");
  assert.equal(invoked('{{.Ouput "x"}}'), "did you mean .Output?");
  assert.equal(invoked("{{.I"), 'write a literal {{ as {{"{{"}}');
  assert.deepEqual(expandOnce(['{{"{{"}}.I']).args, ["{{.I"]);
});

Deno.test("a path that the job's directory has no place for is answered with a name that it has", () => {
  const hint = 'map it into the job\'s directory with -f or -o "/etc/hosts:hosts", ' +
    "and write hosts in the argument";
  assert.equal(invoked('{{.I "/etc/hosts"}}'), hint);
  assert.match(invoked('{{.I ".."}}') ?? "", /"\.\.:NAME", and write NAME in/);
});

Deno.test("under xargs, such a path is answered with a directory to run llama in", () => {
  assert.equal(mapped('{{.O "../x/y"}}'), 'run llama in "../x", where this path is "y"');
  assert.equal(
    mapped('{{.I "/data/a.png"}}'),
    'run llama in "/data", where this path is "a.png"; ' +
      'or send one file to all jobs with -f "/data/a.png:a.png", and write a.png in the argument',
  );
});

Deno.test("a blank line and a NUL byte are named where they stand for a file", () => {
  const refusal = (text: string, line: JobInput) => {
    try {
      new LineTemplates([text]).expand(line, 0);
    } catch (error) {
      assert(error instanceof LlamaError);
      return [error.message.replace(/^.*error calling \w+: /, ""), error.hint];
    }
    assert.fail("no error");
  };
  assert.deepEqual(refusal("{{.I .Line}}", ""), [
    "Cannot pass an empty path",
    "the line is blank: remove it, as with grep .",
  ]);
  const blank = "the line is blank: remove it, as with grep .";
  assert.equal(refusal('{{.O (print .Line "/")}}', "")?.[1], blank);
  assert.equal(refusal("{{.IO .Each}}", ["a", "", "b"])?.[1], blank);
  assert.match(refusal("{{.O `/`}}", "a")?.[1] ?? "", /^run llama in/);
  assert.match(refusal("{{.O `` }}", "a")?.[1] ?? "", /^name a file/);
  const [message, hint] = refusal("{{.I .Line}}", "a\0b") ?? [];
  assert.equal(message, 'Cannot pass a path with a NUL byte: "a\\x00b"');
  assert.match(hint ?? "", /find -print0, need -0$/);
  assert.match(refusal("{{.Line}}", "a\0b")?.[0] ?? "", /^arg-0 produces an argument with a NUL/);
});

Deno.test("names of llama's own functions are suggested", () => {
  assert.equal(mapped("{{bse .Line}}"), "did you mean base?");
  assert.equal(mapped('{{trimsuffix ".x" .Line}}'), "did you mean trimSuffix?");
  assert.equal(mapped("{{basename .Line}}"), "write base");
  assert.equal(mapped('{{join "," .Line}}')?.startsWith("write a list such as .Lines"), true);
  assert.equal(mapped("{{.Colums}}"), "did you mean .Columns?");
});

Deno.test("where nothing is known nothing is said", () => {
  assert.equal(mapped('{{index "abc" 9}}'), undefined);
  assert.equal(mapped("{{.Zzzzzz}}"), undefined);
  assert.equal(mapped("{{zzzzzz}}"), undefined);
});
