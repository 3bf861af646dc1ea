/** Runs that fail cost little, and say why. */

import assert from "node:assert/strict";
import { earlyEndSchema } from "../../lib/jobs/early_end.ts";
import { until } from "../helpers.ts";
import { functionDetails, functionError, InvokeStub, logHeader } from "../invoke_stub.ts";
import { exportsOf, reader, Workplace } from "./llama.ts";

const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join("");

/** Returns the last line of -json, and the number of lines before it. */
function endOf(stdout: string) {
  const all = stdout.trimEnd().split("\n");
  const { run } = JSON.parse(all.at(-1) ?? "");
  return { end: earlyEndSchema().parse(run), records: all.length - 1 };
}

Deno.test("a function that is not llama's ends the run with one line, after at most four calls", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(
    () => ({ statusCode: 200, body: "sent" }),
    (name) => functionDetails(name),
  );
  const args = ["xargs", "-json", "-retries", "3", "send-email", "{{.Line}}"];
  const { environment } = lambda;
  const { status, stdout, stderr } = await place.run(args, { stdin: lines(500), environment });
  assert.equal(status, 1);
  const { length } = lambda.requests;
  assert(length >= 1 && length <= 4, `${length} calls`);
  const [first, hint, last, ...more] = stderr.trimEnd().split("\n");
  assert.equal(
    first,
    'llama: "send-email" is not a llama function; it answered {"statusCode":200,"body":"sent"}',
  );
  assert.match(hint ?? "", /^llama: hint: only functions with llama's runtime/);
  const { end, records } = endOf(stdout);
  assert.equal(
    last,
    `llama: ended early: 0 done, ${end.failed} failed, ${end.dropped} dropped in flight` +
      (end.dropped > 0 ? " (Lambda keeps running them, and bills them)" : "") +
      `, ${end.notStarted} not started`,
  );
  assert.deepEqual(more, []);
  assert.deepEqual([records, end.done, end.isInputRead], [0, 0, true]);
  assert.equal(end.failed + end.dropped + end.notStarted, 500);
  assert(end.failed >= 1 && end.failed + end.dropped <= 4 && end.peak <= 4);
  const invoke = await place.run(["invoke", "send-email"], { environment });
  assert.equal(invoke.status, 125);
  assert.match(invoke.stderr, /^llama: "send-email" is not a llama function; it answered /);
});

Deno.test("an error in a template is one message, and nothing is sent", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({ status: 0 }));
  for (const flags of [[], ["-dry-run"]]) {
    const { status, stdout, stderr } = await place.run(["xargs", ...flags, "f", "{{.Lin}}"], {
      stdin: lines(1000),
      environment: lambda.environment,
    });
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(
      stderr,
      /^llama: template: .*can't evaluate field Lin in type .*\nllama: hint: did you mean \.Line\?\n$/,
    );
  }
  assert.equal(lambda.requests.length, 0);
});

Deno.test("failures and hints are printed once per kind, and grouped in terminal and report", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(({ args: [line] }) => {
    const n = Number(line);
    if (n % 97 === 13) {
      return { status: 2, stderr: { s: `cannot open /data/${n}.dat: No such file\n` } };
    }
    if (n % 97 === 50) return functionError("Runtime.OutOfMemory", `RequestId: ${n} Error: killed`);
    return { status: 0 };
  });
  const { status, stderr } = await place.run(
    ["xargs", "-j", "1", "-report", "r.html", "f", "{{.Line}}"],
    { stdin: lines(400), environment: lambda.environment },
  );
  assert.equal(status, 1);
  const said = stderr.split("\n").filter((line) => line.startsWith("llama: "));
  assert.deepEqual(said, [
    "llama: job 13: f 13: exit status 2",
    "llama: job 50: f 50: f: Runtime.OutOfMemory: RequestId: 50 Error: killed",
    "llama: hint: it most likely ran out of memory: raise the function's memory (10,240 MB at most)",
    "llama: 4 x status 2: cannot open ...: No such file (jobs 13, 110, 207, 304)",
    "llama: 4 x Runtime.OutOfMemory: RequestId: ... Error: killed (jobs 50, 147, 244, 341)",
    "llama: 8 of 400 jobs failed",
  ]);
  const page = await Deno.readTextFile(place.here("r.html"));
  assert(page.includes("<b>4</b><span>status 2: cannot open ...: No such file</span>"));
  assert(!page.includes("-joblog"), "there was no job log");
  assert(page.includes("8 of 400 jobs failed"));
});

Deno.test("-halt and -max-cost say how many jobs were done, dropped and not started", async () => {
  await using place = new Workplace();
  for (
    const [flags, reason] of [
      [["-halt", "now,fail=1"], "1 job failed: jobs in flight are dropped"],
      [["-halt", "soon,fail=1"], "1 job failed: no more jobs are started"],
      [["-max-cost", "0.0000001"], "the run has cost ~$"],
    ] as const
  ) {
    const atOnce = Promise.withResolvers<void>();
    await using lambda = new InvokeStub(async ({ args: [line] }) => {
      if (lambda.requests.length === 4) atOnce.resolve();
      await atOnce.promise;
      if (line === "3") return { status: 1, environment: { memory: 128 } };
      // In flight until the run has ended, if jobs in flight are dropped.
      if (flags[1] === "now,fail=1" && line !== "1") await new Promise(() => {});
      return { status: 0, environment: { memory: 128 } };
    });
    const { status, stdout, stderr } = await place.run(
      ["xargs", "-json", "-j", "4", "-report", "r.html", ...flags, "f", "{{.Line}}"],
      { stdin: lines(50), environment: lambda.environment },
    );
    assert.equal(status, 1);
    const { end, records } = endOf(stdout);
    assert(end.reason.startsWith(reason), end.reason);
    assert.equal(end.done + end.failed, records);
    assert.equal(end.done + end.failed + end.dropped + end.notStarted, 50);
    assert.deepEqual([end.peak, end.isInputRead], [4, true]);
    if (flags[1] === "now,fail=1") {
      assert(end.dropped >= 2, "those in flight");
    } else assert.equal(end.dropped, 0);
    assert.match(
      stderr,
      /^llama: hint: (raise -max-cost or the setting maxCost, and )?continue with .*-resume-last/m,
    );
    const { done, failed, dropped, notStarted } = end;
    const told = new RegExp(
      `ended early: ${done} done, ${failed} failed, ${dropped} dropped in flight( \\(.*\\))?, ` +
        `${notStarted} not started\\n$`,
    );
    assert.match(stderr, told);
    const page = await Deno.readTextFile(place.here("r.html"));
    assert(page.includes(">early: ") && page.includes(`${notStarted} not started`));
    assert.match(page, /id="peak">4</);
    await Deno.writeTextFile(place.here("run.json"), stdout);
    const report = await place.run(["report", "run.json"]);
    assert.deepEqual([report.status, report.stderr], [
      0,
      `llama: ${records} jobs: run.json.html\n`,
    ]);
    const again = await Deno.readTextFile(place.here("run.json.html"));
    assert(again.includes(">early: ") && again.includes(`${notStarted} not started`));
    assert.match(again, /id="peak">4</);
  }
});

Deno.test("after a second ctrl-C, the summary, the report and the last line of -json are written", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(({ args: [line] }) =>
    Number(line) <= 3 ? { status: 0 } : new Promise(() => {})
  );
  const child = place.start(
    ["xargs", "-json", "-j", "5", "-report", "r.html", "f", "{{.Line}}", ":::"].concat(
      Array.from({ length: 40 }, (_, i) => String(i + 1)),
    ),
    { environment: lambda.environment },
  );
  await child.stdin.close();
  await until(() => lambda.requests.length === 8, "five jobs are in flight");
  const stderr = reader(child.stderr);
  const stdout = new Response(child.stdout).text();
  let isHeard = false;
  const heard = stderr.until(": 5 jobs were in flight\n").then(() => isHeard = true);
  // A second ctrl-C counts only some time after the first, so it is sent repeatedly.
  await until(() => {
    if (!isHeard) child.kill("SIGINT");
    return isHeard;
  }, "the second is heard");
  await heard;
  assert.equal((await child.status).code, 130);
  const { end, records } = endOf(await stdout);
  assert.deepEqual([records, end], [3, {
    reason: "interrupted",
    done: 3,
    failed: 0,
    dropped: 5,
    notStarted: 32,
    isInputRead: true,
    peak: 5,
  }]);
  assert.match(
    await stderr.rest(),
    /\nllama: ended early: 3 done, 0 failed, 5 dropped in flight \(.*\), 32 not started\nllama: hint: run the same command with -resume-last to continue\n$/,
  );
  const page = await Deno.readTextFile(place.here("r.html"));
  assert(page.includes("interrupted</b>; 3 done, 0 failed, 5 dropped in flight"));
});

Deno.test("functions in another shell's emulator cost nothing, also in the advice", async () => {
  await using place = new Workplace();
  await place.addShell();
  await using emulator = await startEmulator(place);
  const { status, stdout, stderr } = await place.run(
    [
      ...["xargs", "-json", "-summary", "-logs", "-joblog", "log", "-report", "r.html"],
      ...["any", "sh", "-c", "exit {{.Line}}", ":::", "0", "1", "0", "0", "0", "0"],
    ],
    { environment: emulator.environment },
  );
  assert.equal(status, 1);
  assert.match(stderr, / if run in AWS \(/);
  for (const line of stdout.trimEnd().split("\n")) assert.equal(JSON.parse(line).isLocal, true);
  const log = await Deno.readTextFile(place.here("log"));
  assert(log.trimEnd().split("\n").slice(1).every((line) => line.split("\t")[1] === ":"), log);
  await Deno.writeTextFile(place.here("run.json"), stdout);
  assert.equal((await place.run(["report", "run.json"])).status, 0);
  for (const name of ["r.html", "run.json.html"]) {
    const page = await Deno.readTextFile(place.here(name));
    assert(page.includes("if run in AWS"), name);
    assert(!/billed by Lambda|closer region|in the function's region/.test(page), name);
    // Only the first has a job log for -resume.
    assert.equal(page.includes("-resume-failed"), name === "r.html", name);
  }
  const invoke = await place.run(["invoke", "-time", "any", "true"], {
    environment: emulator.environment,
  });
  assert.match(invoke.stderr, / if run in AWS/);
});

/** Starts `llama local`, and returns the environment in which llama uses it. */
async function startEmulator(place: Workplace) {
  const child = place.start(["local", "-listen", "127.0.0.1:0"]);
  const environment = await exportsOf(child);
  return {
    environment,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.all([child.status, child.stdout.cancel(), child.stderr.cancel()]);
      await child.stdin.close();
    },
  };
}

Deno.test("identical jobs are reported, before the run and in -dry-run", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({ status: 0 }));
  const { environment } = lambda;
  for (const flags of [[], ["-dry-run"]]) {
    const args = ["xargs", ...flags, "f", "{}", ":::", "a", "b", "c"];
    const { status, stderr } = await place.run(args, { environment });
    assert.equal(status, 0);
    assert.equal(
      stderr.slice(0, stderr.indexOf("\n") + 1),
      "llama: no argument uses the line, so all jobs are the same: {} is GNU parallel's, " +
        "write {{.Line}}\n",
    );
  }
  const { status, stderr } = await place.run(["xargs", "f", "{}", "::::", "list"]);
  assert.equal(status, 2);
  assert.match(stderr, /^llama xargs does not support GNU parallel's ::::\nwrite -a FILE/);
});

Deno.test("the setting maxCost limits every run in AWS that has no -max-cost", async () => {
  await using place = new Workplace();
  const log = "REPORT RequestId: x\tDuration: 1 ms\tBilled Duration: 1000 ms\t" +
    "Memory Size: 1024 MB\tMax Memory Used: 40 MB\t\n";
  await using lambda = new InvokeStub(() =>
    Response.json({ status: 0 }, { headers: logHeader(log) })
  );
  const set = await place.run(["config", "maxCost", "0.00002"]);
  assert.equal(set.status, 0);
  const run = async (flags: readonly string[], variables: Record<string, string> = {}) => {
    const before = lambda.requests.length;
    const args = ["xargs", "-j", "1", ...flags, "f", "{{.Line}}", ":::", "a", "b", "c"];
    const environment = { ...lambda.environment, ...variables };
    const { status, stderr } = await place.run(args, { environment });
    return { status, stderr, sent: lambda.requests.length - before };
  };
  // A job costs $0.000017.
  const limited = await run([]);
  assert.deepEqual([limited.status, limited.sent], [1, 2]);
  assert.match(
    limited.stderr,
    /^llama: the run has cost \$0\.000034: no more jobs are started\nllama: hint: raise -max-cost or the setting maxCost, and/,
  );
  assert.equal((await run(["-max-cost", "0.00001"])).sent, 1);
  assert.deepEqual(await run(["-max-cost", "none"]), { status: 0, stderr: "", sent: 3 });
  assert.equal((await run([], { LLAMA_MAX_COST: "1" })).sent, 3);
  const wrong = await run([], { LLAMA_MAX_COST: "much" });
  assert.deepEqual([wrong.status, wrong.sent], [2, 0]);
  assert.equal(
    wrong.stderr,
    "llama: LLAMA_MAX_COST: maxCost: must be a positive number of US dollars, such as 5\n",
  );
  for (const value of ["0", "-1", "5 dollars", "1e3"]) {
    const { status, stderr } = await place.run(["config", "maxCost", value]);
    assert.equal(status, 2, stderr);
  }
});
