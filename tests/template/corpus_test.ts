import assert from "node:assert/strict";
import { type Case, parseWithInts, run } from "./corpus.ts";

const file = new URL("../testdata/go-template.json", import.meta.url);
const cases = parseWithInts(Deno.readTextFileSync(file)) as Case[];

for (const category of new Set(cases.map((test) => test.category))) {
  Deno.test(`templates of the category ${category} give Go's results`, () => {
    for (const test of cases.filter((test) => test.category === category)) {
      const { expect, jobs } = test;
      const wanted = jobs === undefined ? { expect } : { jobs };
      assert.deepEqual(run(test), wanted, `${test.id}: ${test.template ?? test.args}`);
    }
  });
}

Deno.test("the corpus is complete", () => {
  assert.equal(cases.length, 495);
});
