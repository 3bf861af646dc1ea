import assert from "node:assert/strict";
import {
  columnsOf,
  combinations,
  jobInputs,
  type Line,
  lineOf,
  linesOf,
  type WordList,
} from "../../lib/jobs/job_input.ts";
import { LineTemplates } from "../../lib/jobs/expand.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";

async function inputsOf(
  lines: Iterable<Line>,
  options: { linesPerJob?: number; columnSeparator?: string } = {},
) {
  const inputs = await Array.fromAsync(jobInputs(lines, options));
  return inputs.map((input) => ({ lines: linesOf(input), columns: columnsOf(input) }));
}

function expand(templates: readonly string[], lines: Iterable<Line>, options = {}) {
  const parsed = new LineTemplates(templates);
  return Array.fromAsync(
    jobInputs(lines, options),
    (input, index) => parsed.expand(input, index),
  );
}

const list = (...words: string[]): WordList => ({ words });
const linked = (...words: string[]): WordList => ({ words, isLinked: true });

Deno.test("a line is one column, and with a separator as many as it has", async () => {
  assert.deepEqual(await inputsOf(["a,b"]), [{ lines: "a,b", columns: ["a,b"] }]);
  assert.deepEqual(await inputsOf(["a,,b", ""], { columnSeparator: "," }), [
    { lines: "a,,b", columns: ["a", "", "b"] },
    { lines: "", columns: [""] },
  ]);
});

Deno.test("columns of several lines are numbered on, as in GNU parallel", async () => {
  assert.deepEqual(await inputsOf(["a,b", "c"], { columnSeparator: ",", linesPerJob: 2 }), [
    { lines: ["a,b", "c"], columns: ["a", "b", "c"] },
  ]);
  assert.deepEqual(await inputsOf(["a", "b"], { linesPerJob: 2 }), [
    { lines: ["a", "b"], columns: ["a", "b"] },
  ]);
});

Deno.test("a line may be given as its columns, which may contain spaces", async () => {
  const [input] = await Array.fromAsync(jobInputs([["a b", "c"]], {}));
  assert(input !== undefined);
  assert.deepEqual([lineOf(input), columnsOf(input)], ["a b c", ["a b", "c"]]);
  assert.deepEqual(await inputsOf([["a b", "c-d"]], { columnSeparator: "-", linesPerJob: 1 }), [
    { lines: ["a b c-d"], columns: ["a b", "c", "d"] },
  ]);
});

Deno.test("lists are combined, the last varying fastest; linked lists go together", () => {
  const combined = (...lists: WordList[]) => [...combinations(lists)];
  assert.deepEqual(combined(list("a", "b")), ["a", "b"]);
  assert.deepEqual(combined(list("a", "b"), list("1", "2")), [
    ["a", "1"],
    ["a", "2"],
    ["b", "1"],
    ["b", "2"],
  ]);
  assert.deepEqual(combined(list("a", "b"), linked("1", "2", "3"), list("x", "y")), [
    ["a", "1", "x"],
    ["a", "1", "y"],
    ["b", "2", "x"],
    ["b", "2", "y"],
  ]);
  assert.deepEqual(combined(list("a"), list()), []);
  assert.deepEqual(combined(list()), []);
});

Deno.test("an argument with .Each is repeated for each line, with its files", async () => {
  const templates = ["-v", "{{.I .Each}}", "{{.O (.Each | trimSuffix `.c`)}}", "{{.Idx}}"];
  const [first, last] = await expand(templates, ["a.c", "b.c", "c.c"], { linesPerJob: 2 });
  assert.deepEqual(first?.args, ["-v", "a.c", "b.c", "a", "b", "0"]);
  assert.deepEqual(first?.inputs.map(({ remote }) => remote), ["a.c", "b.c"]);
  assert.deepEqual(first?.outputs.map(({ remote }) => remote), ["a", "b"]);
  assert.deepEqual(last?.args, ["-v", "c.c", "c", "1"]);
  const [alone] = await expand(templates, ["a.c"]);
  assert.deepEqual(alone?.args, ["-v", "a.c", "a", "0"]);
});

Deno.test("a column that a line does not have fails the job", async () => {
  await assert.rejects(expand(["{{.Col 3}}"], ["a,b"], { columnSeparator: "," }), {
    message: /error calling Col: there is no column 3, only 2$/,
    affectsAll: false,
  });
  await assert.rejects(expand(["{{.Col 0}}"], ["a"]), {
    message: /columns are numbered from 1, not 0$/,
    affectsAll: true,
  });
});

const parallel = Deno.env.get("LLAMA_TEST_PARALLEL");

/** Runs GNU parallel's `echo` in order, and returns its lines. */
async function echoes(args: readonly string[]): Promise<string[]> {
  await using directory = new TemporaryDirectory();
  const { code, stdout, stderr } = await new Deno.Command(parallel ?? "", {
    args: ["-k", "-j1", "--plain", ...args],
    env: { PARALLEL_HOME: directory.path },
  }).output();
  assert.equal(code, 0, textOf(stderr));
  return textOf(stdout).trimEnd().split("\n");
}

Deno.test({
  name: "lists are combined as GNU parallel does (LLAMA_TEST_PARALLEL names its program)",
  ignore: parallel === undefined,
  async fn() {
    const cases: WordList[][] = [
      [list("a b", "c"), list("1", "2"), list("x", "y")],
      [list("a", "b", "c"), linked("1", "2", "3")],
      [list("a", "b", "c"), linked("1", "2")],
      [list("a", "b"), list("1", "2", "3"), linked("x", "y", "z"), list("-", "+")],
    ];
    for (const lists of cases) {
      const columns = lists.map((_, index) => index + 1);
      const wanted = await echoes([
        "echo",
        columns.map((column) => `{${column}}`).join("/"),
        "[{}]",
        ...lists.flatMap(({ words, isLinked }) => [isLinked ? ":::+" : ":::", ...words]),
      ]);
      const templates = [columns.map((column) => `{{.Col ${column}}}`).join("/"), "[{{.Line}}]"];
      const ours = await expand(templates, combinations(lists));
      assert.deepEqual(ours.map(({ args }) => args.join(" ")), wanted);
    }
  },
});

Deno.test({
  name: "columns and functions are GNU parallel's (LLAMA_TEST_PARALLEL names its program)",
  ignore: parallel === undefined,
  async fn() {
    const lines = ["a/b.tar.gz,x", "c.d/e,y", "/f.g,z", "h,", "i/j/k.l,m,n"];
    assert.deepEqual(
      (await expand(["{{.Col 2}}", "{{.Col 1}}"], lines, { columnSeparator: "," }))
        .map(({ args }) => args.join("|")),
      await echoes(["--colsep", ",", "echo", "{2}'|'{1}", ":::", ...lines]),
    );
    const names = lines.map((line) => line.replace(/,.*/, ""));
    assert.deepEqual(
      (await expand([
        "{{.Line | trimSuffix (ext .Line)}}",
        "{{base .Line}}",
        "{{dir .Line}}",
        "{{base .Line | trimSuffix (ext .Line)}}",
      ], names)).map(({ args }) => args.join("|")),
      await echoes(["echo", "{.}'|'{/}'|'{//}'|'{/.}", ":::", ...names]),
    );
  },
});
