import assert from "node:assert/strict";
import { expandOnce, type Expansion, jobOf, LineTemplates } from "../../lib/jobs/expand.ts";
import { readLines } from "../../lib/jobs/lines.ts";
import { LlamaError } from "../../lib/errors.ts";
import { bytesOf, textOf } from "../helpers.ts";
import type { Case, Expect } from "../template/corpus.ts";

const corpus: Case[] = JSON.parse(
  await Deno.readTextFile(new URL("../testdata/go-template.json", import.meta.url)),
);

/**
 * What ours does otherwise on purpose: `{{.}}` prints the context, `..` alone and the empty path are
 * refused, and there are functions such as `upper`.
 */
const otherwise = new Set([
  ...corpus.filter(({ template }) => template === '{{.I ""}}').map(({ id }) => id),
  ...corpus.filter(({ expect }) => expect?.error?.endsWith('function "upper" not defined'))
    .map(({ id }) => id),
  ...corpus.filter(({ expect }) => expect?.output?.includes("{{ } ")).map(({ id }) => id),
  ...corpus.filter(({ expect }) =>
    expect?.inputs?.includes("..") || expect?.outputs?.includes("..")
  )
    .map(({ id }) => id),
]);

function expansionOf({ args, inputs, outputs }: Expansion): Expect {
  const files = inputs.filter(({ source }) => source instanceof Uint8Array);
  return {
    args,
    inputs: inputs.filter(({ source }) => typeof source === "string").map(({ remote }) => remote),
    outputs: outputs.map(({ remote }) => remote),
    files: Object.fromEntries(files.map(({ remote, source }) => [
      remote,
      source instanceof Uint8Array ? textOf(source) : "",
    ])),
  };
}

function attempt(work: () => Expansion): Expect {
  try {
    return expansionOf(work());
  } catch (error) {
    assert(error instanceof LlamaError, String(error));
    assert.equal(error.code, "template");
    return { error: error.message };
  }
}

function agree(actual: Expect, expected: Expect, id: string): void {
  if (expected.error !== undefined) {
    assert.equal(actual.error, expected.error.replace(/\s*\n\s*/g, "; "), id);
    return;
  }
  const { args = [], inputs = [], outputs = [], files = {} } = expected;
  assert.deepEqual(actual, { args, inputs, outputs, files }, id);
}

for (const { id, kind, args = [], stdin, expect, jobs } of corpus) {
  if (!id.startsWith("commands-") || kind === "xargs-early" || otherwise.has(id)) continue;
  Deno.test(`${id}: ${kind} ${args.join(" ").slice(0, 60)}`, async () => {
    if (kind === "invoke") {
      agree(attempt(() => expandOnce(args)), expect ?? {}, id);
      return;
    }
    if (expect) {
      agree(attempt(() => new LineTemplates(args).expand("", 0)), expect, id);
      return;
    }
    const templates = new LineTemplates(args);
    // The original drops what follows the last newline; ours takes it as a line.
    const whole = (stdin ?? "").replace(/[^\n]*$/, "");
    const lines = await Array.fromAsync(readLines(ReadableStream.from([bytesOf(whole)])));
    assert.equal(lines.length, jobs?.length, id);
    for (const [index, line] of lines.entries()) {
      agree(attempt(() => templates.expand(line, index)), jobs?.[index] ?? {}, id);
    }
  });
}

Deno.test("every template case without test data of its own holds in a job's context", () => {
  let held = 0;
  for (const { id, kind, template, context = {}, expect } of corpus) {
    if (template === undefined || kind === "xargs-early" || context.X !== undefined) continue;
    // Arguments that are not UTF-8 are refused; the template's own test has these cases.
    if (otherwise.has(id) || expect?.output_b64 !== undefined) continue;
    const actual = attempt(() =>
      kind === "invoke"
        ? expandOnce([template])
        : new LineTemplates([template]).expand(context.Line ?? "", Number(context.Idx ?? 0))
    );
    if (expect?.error === undefined) {
      agree(actual, { ...expect, args: [expect?.output ?? ""] }, id);
    } else {
      assert(
        actual.error?.endsWith(expect.error.replace(/\s*\n\s*/g, "; ")),
        `${id}: ${actual.error}`,
      );
    }
    held++;
  }
  assert(held > 300, `${held} cases`);
});

Deno.test("an argument that is not UTF-8 is refused by name", () => {
  assert.throws(() => new LineTemplates(["{{.Line}}"]).expand("a\udcff", 0), {
    message: 'arg-0 produces an argument that is not UTF-8: "a\\xff"',
  });
});

Deno.test("AsFile keeps bytes that are not UTF-8", () => {
  const { inputs } = new LineTemplates(["{{.AsFile .Line}}"]).expand("a\udcff", 0);
  assert.deepEqual(inputs, [{ remote: "llama/tmp.0", source: new Uint8Array([0x61, 0xff, 10]) }]);
});

Deno.test("a job knows which of its outputs replace an input", () => {
  const { outputs } = expandOnce(['{{.IO "a"}}', '{{.O "b"}}']);
  assert.deepEqual(outputs, [
    { remote: "a", local: "a", onlyOnSuccess: true },
    { remote: "b", local: "b", onlyOnSuccess: false },
  ]);
});

Deno.test("an output whose path ends in a slash is a directory, and its argument has none", () => {
  const expansion = expandOnce(['{{.O "a//b/"}}', '{{.Output "./"}}', '{{.O "c"}}']);
  const { args, outputs } = jobOf("f", expansion);
  assert.deepEqual(args, ["a/b", ".", "c"]);
  assert.deepEqual(outputs.map(({ remote, local }) => [remote, local]), [
    ["a/b/", "a/b/"],
    ["./", "./"],
    ["c", "c"],
  ]);
});
