import assert from "node:assert/strict";
import { formatIdentity } from "../../lib/jobs/log/identity.ts";
import { formatJobLogLine } from "../../lib/jobs/log/job_log_line.ts";
import { LoggedJobs } from "../../lib/jobs/log/logged_jobs.ts";
import { Planner } from "../../lib/jobs/plan.ts";
import { TemporaryDirectory } from "../helpers.ts";
import { jobRecord } from "../job_record.ts";

Deno.test("jobs are numbered, and their commands can be read by a shell", () => {
  const planner = new Planner({ functionName: "f", templates: ["{{.Idx}}", "{{.Line}}"] });
  const commands = ["a", "b c"].map((line, index) => planner.plan(line, index).command);
  assert.deepEqual(commands, ["f 0 a", "f 1 'b c'"]);
});

Deno.test("several lines are .Lines, and joined .Line", () => {
  const templates = ["{{range .Lines}}<{{.}}>{{end}}", "{{.Line}}", "{{len .Lines}}"];
  const planner = new Planner({ functionName: "f", templates });
  const { job, line } = planner.plan(["a", "b c"], 0);
  assert.deepEqual(job?.args, ["<a><b c>", "a\nb c", "2"]);
  assert.equal(line, "a\nb c");
  assert.deepEqual(planner.plan(["d"], 1).job?.args, ["<d>", "d", "1"]);
});

Deno.test("a template that fails on a line is the job's error, and its templates its command", () => {
  const planner = new Planner({ functionName: "f", templates: ["{{.I .Line}}"] });
  const { job, error, command } = planner.plan("/etc/passwd", 0);
  assert.equal(job, undefined);
  assert.equal(error?.code, "template");
  assert.equal(command, "f '{{.I .Line}}'");
});

Deno.test("of two jobs that write one file the second has an error", () => {
  const planner = new Planner({ functionName: "f", templates: ["{{.O `./same`}}"] });
  assert.equal(planner.plan("a", 0).error, undefined);
  const { error } = planner.plan("b", 1);
  assert.match(error?.message ?? "", /same" is already written by job 1$/);
});

/** The lines of a log of the jobs that a planner plans; each ended with this status. */
function logOf(planner: Planner, inputs: readonly (string | string[])[], status = 0): string {
  return inputs.map((input, index) => {
    const { command, identity } = planner.plan(input, index);
    const record = jobRecord({ seq: index + 1, command, ok: status === 0, status });
    return formatJobLogLine(record, ":", identity && formatIdentity(identity));
  }).join("");
}

/** A run, and what it is to be compared with. */
interface Plan {
  readonly functionName?: string;
  readonly templates: readonly string[];
  readonly shared?: number;
}

function plannerOf({ functionName = "f", templates, shared = 0 }: Plan, more = {}): Planner {
  const planner = new Planner({ functionName, templates });
  planner.useLog({ shared, ...more });
  return planner;
}

/** Logs a run, resumes it as another, and tells which of its jobs would run. */
async function resume(
  before: Plan & { readonly inputs: readonly (string | string[])[]; readonly status?: number },
  now: Partial<Plan> & {
    readonly inputs?: readonly (string | string[])[];
    readonly repeatFailed?: boolean;
    readonly withIdentity?: boolean;
  } = {},
): Promise<{ runs: number[]; notices: string[] }> {
  await using directory = new TemporaryDirectory();
  const { inputs = before.inputs, repeatFailed = false, withIdentity = true } = now;
  const log = logOf(plannerOf(before), before.inputs, before.status);
  const path = await directory.write("log", withIdentity ? log : log.replaceAll(/ #llama:.*/g, ""));
  const notices: string[] = [];
  const logged = await LoggedJobs.read(path, { onNotice: (message) => notices.push(message) });
  const planner = plannerOf({ ...before, ...now }, { logged, repeatFailed });
  const runs = [...inputs.keys()].filter((i) => !planner.isDone(inputs[i] ?? "", i));
  return { runs, notices };
}

Deno.test("a job does not overwrite an output of a job that a resumed run skips, nor the log", async () => {
  await using directory = new TemporaryDirectory();
  const run = { templates: ["{{.O .Line}}"] };
  const path = await directory.write("log", logOf(plannerOf(run), ["kept"]));
  const logged = await LoggedJobs.read(path);
  const planner = plannerOf(run, { logged, path: "./log" });
  assert(planner.isDone("kept", 0));
  const words = ["./kept", "log", "new"].map((line, at) =>
    planner.plan(line, at + 1).error?.message
  );
  assert.match(words[0] ?? "", /kept" is already written by job 1$/);
  assert.equal(words[1], 'output "./log" is the job log of this run');
  assert.equal(words[2], undefined);
});

Deno.test("a resumed run skips the jobs that the log has, or those that succeeded", async () => {
  const before = { templates: ["{{.Line}}"], inputs: ["a", "b"] };
  const inputs = ["a", "b", "c"];
  assert.deepEqual(await resume(before, { inputs }), { runs: [2], notices: [] });
  const failed = { ...before, status: 1 };
  assert.deepEqual(await resume(failed, { inputs }), { runs: [2], notices: [] });
  assert.deepEqual(await resume(failed, { inputs, repeatFailed: true }), {
    runs: [0, 1, 2],
    notices: [],
  });
});

Deno.test("a resumed run is refused whatever of a job has changed", async () => {
  const asFile = ["{{.AsFile .Line}}"];
  const cases: [string, Parameters<typeof resume>[0], Parameters<typeof resume>[1]][] = [
    ["function", { templates: ["x"], inputs: ["a"] }, { functionName: "g" }],
    ["arguments", { templates: ["x", "y"], inputs: ["a"] }, { templates: ["x y"] }],
    ["one argument less", { templates: ["x", ""], inputs: ["a"] }, { templates: ["x"] }],
    ["line in a file", { templates: asFile, inputs: ["a"] }, { inputs: ["b"] }],
    ["line that no argument has", { templates: ["x"], inputs: ["a"] }, { inputs: ["b"] }],
    ["order", { templates: asFile, inputs: ["a", "b"] }, { inputs: ["b", "a"] }],
    ["-n", { templates: asFile, inputs: [["a"], ["b"]] }, { inputs: [["a", "b"]] }],
    ["-n with line feeds", { templates: asFile, inputs: [["a\nb"]] }, { inputs: [["a", "b"]] }],
    ["generated file", { templates: asFile, inputs: ["a"] }, {
      templates: ['{{.AsFile (printf "%s " .Line)}}'],
    }],
    ["generated file, end", { templates: asFile, inputs: ["a"] }, {
      templates: ['{{.AsFile (printf "%s\\n\\n" .Line)}}'],
    }],
    ["bytes that are not UTF-8", { templates: asFile, inputs: ["\udcff"] }, { inputs: ["\udcfe"] }],
    ["input", { templates: ["{{$_ := .I .Line}}x"], inputs: ["a"] }, { templates: ["x"] }],
    ["output", { templates: ["{{$_ := .O `a`}}x"], inputs: ["a"] }, {
      templates: ["{{$_ := .O `b`}}x"],
    }],
    ["output that was an input", {
      templates: ["{{$_ := .O `a`}}{{$_ := .I `a`}}x"],
      inputs: ["a"],
    }, {
      templates: ["{{$_ := .IO `a`}}x"],
    }],
    ["shared file", { templates: ["x"], inputs: ["a"], shared: 1 }, { shared: 2 }],
    ["shared file less", { templates: ["x"], inputs: ["a"], shared: 1 }, { shared: 0 }],
  ];
  for (const [what, before, now] of cases) {
    assert.deepEqual((await resume(before)).runs, [], what);
    await assert.rejects(resume(before, now), {
      code: "usage",
      message: /^the job log has another job 1: /,
    }, what);
  }
});

Deno.test("the refusal states what has changed", async () => {
  const before = { templates: ["{{.Line}}"], inputs: ["a"] };
  await assert.rejects(resume(before, { inputs: ["b c"] }), {
    message: "the job log has another job 1: it was `f a` and is now `f 'b c'`",
  });
  await assert.rejects(resume({ ...before, templates: ["{{.AsFile .Line}}"] }, { inputs: ["b"] }), {
    message: "the job log has another job 1: its command is the same, `f llama/tmp.0`, " +
      "but its lines, files or outputs are not",
  });
  await assert.rejects(resume(before, { shared: 2 }), {
    message: "the job log has another job 1: the shared files (-f) have changed",
  });
});

Deno.test("an equivalent template makes the same job", async () => {
  const before = { templates: ["{{.Line}}", "{{.Idx}}"], inputs: ["a", "b"] };
  const now = { templates: ["{{ .Line }}", "{{printf `%d` .Idx}}"] };
  assert.deepEqual((await resume(before, now)).runs, []);
});

Deno.test("one line with -n 1 is the line without -n", async () => {
  const before = { templates: ["{{.AsFile .Line}}"], inputs: ["a", "b"] };
  assert.deepEqual((await resume(before, { inputs: [["a"], ["b"]] })).runs, []);
});

Deno.test("a job whose template failed is compared by its line", async () => {
  const before = { templates: ["{{.I .Line}}"], inputs: ["/a"], status: 1 };
  assert.deepEqual((await resume(before)).runs, []);
  await assert.rejects(resume(before, { inputs: ["/b"] }), { code: "usage" });
});

Deno.test("without identities commands are compared, with a warning where they do not say all", async () => {
  const commandsOnly = async (
    templates: string[],
    inputs: (string | string[])[],
    now: Parameters<typeof resume>[1] = {},
  ) => await resume({ templates, inputs }, { withIdentity: false, ...now });
  const warning = [
    /^the job log ".*log" has only the commands of some jobs: whether their lines, /,
  ];
  const check = (notices: string[], expected: RegExp[]) => {
    assert.equal(notices.length, expected.length, notices.join());
    for (const [i, notice] of notices.entries()) assert.match(notice, expected[i] ?? /-/);
  };
  for (
    const [templates, inputs, expected] of [
      [["{{.Line}}"], ["a", "b c"], []],
      [["{{.I .Line}}"], ["./a", "./b"], []],
      [["-{{.Line}}-"], [["a", "b"]], []],
      [["{{range .Lines}}{{.}} {{end}}"], [["a", "b"]], []],
      [["{{.AsFile .Line}}"], ["a", "b", "c"], warning],
      [["{{.Line}}", "{{.AsFile `x`}}"], ["a"], warning],
      [["{{.Idx}}"], ["a", "b"], warning],
      [["{{index .Lines 0}}"], [["a", "b"]], warning],
    ] as const
  ) {
    const { runs, notices } = await commandsOnly(
      [...templates],
      inputs.map((each) => typeof each === "string" ? each : [...each]),
    );
    assert.deepEqual(runs, []);
    check(notices, [...expected]);
  }
  check((await commandsOnly(["{{.Line}}"], ["a"], { shared: 1 })).notices, warning);
  // A job that is not in the log, and one that runs again, are not taken from it.
  check((await commandsOnly(["{{.Line}}"], ["a"], { inputs: ["a", "b"] })).notices, []);
  await assert.rejects(commandsOnly(["{{.Line}}"], ["a"], { inputs: ["b"] }), { code: "usage" });
});
