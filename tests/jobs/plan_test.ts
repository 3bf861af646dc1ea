import assert from "node:assert/strict";
import { Planner } from "../../lib/jobs/plan.ts";

Deno.test("jobs are numbered, and their commands can be read by a shell", () => {
  const planner = new Planner({ functionName: "f", templates: ["{{.Idx}}", "{{.Line}}"] });
  const commands = ["a", "b c"].map((line) => planner.plan(line).planned.command);
  assert.deepEqual(commands, ["f 0 a", "f 1 'b c'"]);
});

Deno.test("several lines are .Lines, and joined .Line", () => {
  const templates = ["{{range .Lines}}<{{.}}>{{end}}", "{{.Line}}", "{{len .Lines}}"];
  const planner = new Planner({ functionName: "f", templates });
  const { job, line } = planner.plan(["a", "b c"]).planned;
  assert.deepEqual(job?.args, ["<a><b c>", "a\nb c", "2"]);
  assert.equal(line, "a\nb c");
  assert.deepEqual(planner.plan(["d"]).planned.job?.args, ["<d>", "d", "1"]);
});

Deno.test("a template that fails on a line is the job's error, and its templates its command", () => {
  const planner = new Planner({ functionName: "f", templates: ["{{.I .Line}}"] });
  const { job, error, command } = planner.plan("/etc/passwd").planned;
  assert.equal(job, undefined);
  assert.equal(error?.code, "template");
  assert.equal(command, "f '{{.I .Line}}'");
});

Deno.test("of two jobs that write one file the second has an error", () => {
  const planner = new Planner({ functionName: "f", templates: ["{{.O `./same`}}"] });
  assert.equal(planner.plan("a").planned.error, undefined);
  const { error } = planner.plan("b").planned;
  assert.match(error?.message ?? "", /same" is named by job 1 already$/);
});

Deno.test("a run that is resumed knows what it has done, and refuses to be another", () => {
  const jobs = new Map([
    [1, { command: "f a", ok: true }],
    [2, { command: "f b", ok: false }],
    [4, { command: "f x", ok: true }],
  ]);
  const logged = { jobs, bytes: 1, wholeBytes: 1 };
  const plans = (repeatFailed: boolean) => {
    const planner = new Planner({
      functionName: "f",
      templates: ["{{.Line}}"],
      logged,
      repeatFailed,
    });
    return ["a", "b", "c", "d"].map((line) => () => planner.plan(line).isDone);
  };
  const [a, b, c, d] = plans(false);
  assert.deepEqual([a?.(), b?.(), c?.()], [true, true, false]);
  assert.throws(() => d?.(), { code: "usage", message: /it ran `f x`, and now it is `f d`/ });
  const [again, failed] = plans(true);
  assert.deepEqual([again?.(), failed?.()], [true, false]);
});
