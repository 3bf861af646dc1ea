import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { expandOnce, LineTemplates } from "../../lib/jobs/expand.ts";

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
  assert.match(mapped('{{.O "../x/y"}}') ?? "", /"\.\.\/x\/y:y", and write y in/);
  assert.match(mapped('{{.I ".."}}') ?? "", /"\.\.:NAME", and write NAME in/);
});

Deno.test("where nothing is known nothing is said", () => {
  assert.equal(mapped('{{index "abc" 9}}'), undefined);
  assert.equal(mapped("{{.Zzzzzz}}"), undefined);
  assert.equal(mapped("{{zzzzzz}}"), undefined);
});
