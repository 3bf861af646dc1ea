/** The journal of runs: what `llama runs` lists, and `-resume-last` goes on with. */

import assert from "node:assert/strict";
import { bytesOf } from "../helpers.ts";
import { fileURLToPath } from "node:url";
import { bytesText } from "../../lib/text/amounts.ts";
import { echo, HeldLambda, InvokeStub, logHeader } from "../invoke_stub.ts";
import { FakeS3 } from "../store/fake_s3.ts";
import { exists, reader, Workplace } from "./llama.ts";

/** Returns the runs that `llama runs -json` lists. */
async function runsIn(place: Workplace): Promise<Record<string, unknown>[]> {
  const { status, stdout, stderr } = await place.run(["runs", "-json"]);
  assert.deepEqual([status, stderr], [0, ""]);
  return stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

Deno.test("each run is listed: what ran, what came of it, and how it ended", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(({ args }) => ({ status: args[0] === "b" ? 3 : 0 }));
  const { environment } = lambda;
  const none = await place.run(["runs"]);
  assert.deepEqual([none.status, none.stdout], [0, ""]);
  assert.match(none.stderr, /^llama: no runs in .*\/settings\/runs\n$/);

  await place.run(["xargs", "f", "{{.Line}}", ":::", "a", "b", "c"], { environment });
  await place.run(["xargs", "-j", "1", "-halt", "soon,fail=1", "g", "{{.Line}}", ":::", "b", "c"], {
    environment,
  });
  const { stdout } = await place.run(["runs"]);
  const [header = "", ...rows] = stdout.trimEnd().split("\n");
  assert.match(header, /^RUN +STARTED +TIME +JOBS +FAILED +COST +ENDED +COMMAND$/);
  assert.match(rows[0] ?? "", /^1 +\d{4}-\d\d-\d\d \d\d:\d\d +\d+s +3 +1 +\? +complete +f '/);
  assert.match(rows[1] ?? "", /^2 .* 1 +1 +\? +halted +g '{{\.Line}}'$/);
  // Files that are not runs do not count.
  for (const name of ["3", "4"]) await place.write(`settings/runs/${name}`, "what is this?\n");
  const last = await place.run(["runs", "-n", "1"]);
  assert.deepEqual(last.stdout.trimEnd().split("\n").slice(1).map((row) => row[0]), ["2"]);
  const [first, second] = await runsIn(place);
  assert.deepEqual(
    [first?.["jobs"], first?.["failed"], first?.["ended"], first?.["directory"]],
    [3, 1, "complete", Deno.realPathSync(place.here())],
  );
  assert.equal(second?.["reason"], "1 job failed: no more jobs are started");
});

Deno.test("the journal has neither lines nor the commands of jobs, and is for this user alone", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(echo);
  const { environment } = lambda;
  await place.run(["xargs", "-a", "lines", "f", "{{.Line}}", "template"], { environment });
  await place.write("work/lines", "password-1\npassword-2\n");
  const ended = await place.run(["xargs", "-a", "lines", "f", "{{.Line}}", "template"], {
    environment,
    umask: "0",
  });
  assert.equal(ended.stdout, "password-1 templatepassword-2 template");
  const text = await Deno.readTextFile(place.join("settings/runs/1"));
  assert.match(text, /template/);
  assert.doesNotMatch(text, /password|AKID|secret/);
  const modes = ["settings/runs", "settings/runs/1"].map((path) =>
    Deno.statSync(place.join(path)).mode ?? 0
  );
  assert.deepEqual(modes.map((mode) => (mode & 0o777).toString(8)), ["700", "600"]);
});

Deno.test("a run that was killed is continued by -resume-last, and no job runs twice", async () => {
  await using place = new Workplace();
  const ran: string[] = [];
  let onRequest = () => {};
  await using lambda = new InvokeStub(({ args: [line = ""] }) => {
    ran.push(line);
    onRequest();
    return { status: 0 };
  });
  const { environment } = lambda;
  const input = Array.from({ length: 500 }, (_, i) => `${i + 1}\n`).join("");
  await place.write("work/lines", input);
  const args = ["-j", "4", "-a", "lines", "f", "{{.Line}}"];
  const child = place.start(["xargs", ...args], { environment });
  onRequest = () => {
    if (ran.length === 200) child.kill("SIGKILL");
  };
  const { signal } = await child.output();
  await child.stdin.close().catch(() => {});
  assert.equal(signal, "SIGKILL");
  const [killed] = await runsIn(place);
  const { jobs } = killed ?? {};
  assert(typeof jobs === "number" && jobs > 100 && jobs <= 200, String(jobs));
  assert.equal(killed?.["ended"], "killed");

  onRequest = () => {};
  const before = ran.splice(0).length;
  // What fails to start leaves no trace, and does not count as the last run.
  const failed = await place.run(["xargs", ...args], {
    environment: { ...environment, AWS_ENDPOINT_URL_LAMBDA: "nowhere" },
  });
  assert.notEqual(failed.status, 0);
  const dry = await place.run(["xargs", "-dry-run", "-resume-last", ...args], { environment });
  assert.equal(dry.stdout.trimEnd().split("\n").length, 500 - jobs);
  const { status, stderr } = await place.run(["xargs", "-resume-last", ...args], { environment });
  assert.equal(status, 0);
  assert.match(stderr, /^llama: continuing run 1, which started \d{4}-\d\d-\d\d \d\d:\d\d\n$/);
  assert.equal(ran.length, 500 - jobs);
  // Only jobs that were in flight when it was killed run again.
  assert(before + ran.length - 500 <= 4, `${before} and ${ran.length} jobs`);
  const [whole, ...more] = await runsIn(place);
  assert.deepEqual([whole?.["jobs"], whole?.["ended"], more], [500, "complete", []]);
});

Deno.test("-resume-last goes on only with the same command, -n, directory and place", async () => {
  await using place = new Workplace();
  await place.addShell();
  await using lambda = new InvokeStub(({ args }) => ({ status: args[1] === "b" ? 1 : 0 }));
  const { environment } = lambda;
  const run = (...args: string[]) => place.run(["xargs", ...args], { environment });
  await run("f", "x", "{{.Line}}", ":::", "a", "b");
  const others = [
    ["g", "x", "{{.Line}}", ":::", "a", "b"],
    ["f", "y", "{{.Line}}", ":::", "a", "b"],
    ["-n", "1", "f", "x", "{{.Line}}", ":::", "a", "b"],
  ];
  const sent = lambda.requests.length;
  const missing = "llama: no earlier run of this command in this directory\n" +
    "llama: hint: `llama runs` lists the runs; function, arguments, -n, -colsep and -local must be the same\n";
  for (const other of others) {
    const { status, stderr } = await run("-resume-last", ...other);
    assert.deepEqual([status, stderr], [2, missing]);
  }
  const local = await place.local(["xargs", "-resume-last", "f", "x", "{{.Line}}", ":::", "a"]);
  assert.deepEqual([local.status, local.stderr], [2, missing]);
  const changed = await run("-resume-last", "f", "x", "{{.Line}}", ":::", "c", "b");
  assert.equal(changed.status, 2);
  assert.match(
    changed.stderr,
    /llama: job 1 is not that of the last run: its line, files or outputs have changed\nllama: hint: resume with the same input, or start a new run without -resume-last\n$/,
  );
  assert.equal(lambda.requests.length, sent);
  const more = await run("-resume-last", "f", "x", "{{.Line}}", ":::", "a", "b", "c");
  assert.equal(more.status, 0);
  assert.deepEqual(lambda.requests.slice(sent).map(({ args }) => args[1]), ["c"]);
});

Deno.test("-resume-last notices that a shared file has changed", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/small", "1");
  await place.write("work/big", "x".repeat(100_000));
  const args = ["-f", "small", "-f", "big", "any", "wc", "-c", "{{.Line}}", ":::", "small", "big"];
  assert.equal((await place.local(["xargs", ...args])).status, 0);
  const same = await place.local(["xargs", "-resume-last", ...args]);
  assert.deepEqual([same.status, same.stdout], [0, ""]);
  await place.write("work/big", "y".repeat(100_000));
  const changed = await place.local(["xargs", "-resume-last", ...args]);
  assert.equal(changed.status, 2);
  assert.match(changed.stderr, /the shared files \(-f\) have changed/);
});

Deno.test("a run with a job log stays one run, and -resume-last uses the log", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(({ args }) => ({ status: args[0] === "b" ? 1 : 0 }));
  const { environment } = lambda;
  const args = ["f", "{{.Line}}", ":::", "a", "b", "c"];
  await place.run(["xargs", "-joblog", "log", ...args.slice(0, -1)], { environment });
  await place.run(["xargs", "-joblog", "log", "-resume", ...args], { environment });
  assert.equal(lambda.requests.length, 3);
  const last = await place.run(["xargs", "-resume-last", "-resume-failed", ...args], {
    environment,
  });
  assert.equal(last.status, 1);
  assert.deepEqual(lambda.requests.slice(3).map((request) => request.args[0]), ["b"]);
  assert.equal((await Deno.readTextFile(place.here("log"))).trimEnd().split("\n").length, 5);
  const runs = await runsIn(place);
  assert.deepEqual(runs.map(({ jobs, failed }) => [jobs, failed]), [[3, 1]]);

  // Without its job log, the journal says what was done.
  await Deno.remove(place.here("log"));
  await place.run(["xargs", "-resume-last", ...args], { environment });
  assert.equal(lambda.requests.length, 4);
  assert(!exists(place.here("log")));
});

Deno.test("there is no journal if it is off, or there is no place for it", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(echo);
  const run = async (environment: Record<string, string> = {}, ...flags: string[]) => {
    const { status, stdout, stderr } = await place.run(
      ["xargs", ...flags, "f", "{{.Line}}", ":::", "x"],
      { environment: { ...lambda.environment, ...environment } },
    );
    assert.deepEqual([status, stdout], [0, "x"]);
    return stderr;
  };
  const off = ["off", "0", "no", "false"];
  for (const value of off) assert.equal(await run({ LLAMA_JOURNAL: value }), "");
  assert.equal(await run({}, "-no-journal"), "");
  assert.equal(await run({ LLAMA_DIR: "", HOME: "", XDG_STATE_HOME: "" }), "");
  assert.equal((await place.run(["config", "journal", "off"])).status, 0);
  assert.equal(await run(), "");
  const last = await place.run(["xargs", "-resume-last", "f", "{{.Line}}", ":::", "x"]);
  assert.deepEqual([last.status, last.stderr], [
    2,
    "llama: there is no last run: the journal is off\n" +
    "llama: hint: keep a job log with -joblog FILE, and continue with -resume\n",
  ]);
  assert.equal(await run({ LLAMA_JOURNAL: "on" }), "");
  assert.deepEqual(await place.list("settings/runs"), ["settings/runs/1"]);
  // A file is where the directory would be.
  await Deno.remove(place.join("settings"), { recursive: true });
  await place.write("settings", "");
  assert.match(
    await run(),
    /^llama: this run has no journal: .*\nllama: hint: -no-journal, or LLAMA_JOURNAL=off, runs without one\n$/,
  );
  await Deno.remove(place.join("settings"));
  await place.write("settings/runs", "");
  const candidates = await place.run(["completion", "-line", "llama report "]);
  assert.deepEqual([candidates.status, candidates.stdout], [0, ":files\n"]);
  const resumed = ["xargs", "-resume-last", "f", "{{.Line}}", ":::", "x"];
  for (const words of [["runs"], ["report", "1"], ["report", "1", "2"], resumed]) {
    const { status, stderr } = await place.run(words, { environment: lambda.environment });
    assert.equal(status, words === resumed ? 1 : 125);
    assert.match(stderr, /^llama: cannot read the journal .*\/settings\/runs: not a directory\n$/);
  }
});

Deno.test("after a ctrl-C, the hint is -resume-last, and the run is listed as interrupted", async () => {
  await using place = new Workplace();
  await using lambda = new HeldLambda();
  const { environment } = lambda;
  const child = place.start(["xargs", "-j", "1", "f", "{{.Line}}", ":::", "a", "b"], {
    environment,
  });
  await child.stdin.close();
  await lambda.asked;
  child.kill("SIGINT");
  const stderr = reader(child.stderr);
  await stderr.until("no new jobs");
  lambda.go();
  const { code } = await child.status;
  await child.stdout.cancel();
  assert.equal(code, 130);
  assert.match(await stderr.rest(), /hint: run the same command with -resume-last to continue\n$/);
  const [run] = await runsIn(place);
  assert.deepEqual([run?.["jobs"], run?.["ended"], run?.["reason"]], [
    1,
    "interrupted",
    "interrupted",
  ]);
});

Deno.test("a run that SIGTERM ended is listed as interrupted", async () => {
  await using place = new Workplace();
  await using lambda = new HeldLambda();
  const child = place.start(["xargs", "f", "{{.Line}}", ":::", "a", "b"], {
    environment: lambda.environment,
  });
  await child.stdin.close();
  await lambda.asked;
  child.kill("SIGTERM");
  const { code } = await child.output();
  assert.equal(code, 143);
  const [run] = await runsIn(place);
  assert.deepEqual([run?.["jobs"], run?.["ended"]], [0, "interrupted"]);
  assert.match(String(run?.["reason"]), /SIGTERM/);
});

Deno.test("two runs at once have journals of their own", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(echo);
  const input = Array.from({ length: 100 }, (_, i) => `${i}\n`).join("");
  await place.write("work/lines", bytesOf(input));
  await Promise.all(["f", "g", "h"].map(async (name) => {
    const { status, stderr } = await place.run(["xargs", "-a", "lines", name, "{{.Line}}"], {
      environment: lambda.environment,
    });
    assert.deepEqual([status, stderr], [0, ""]);
  }));
  const runs = await runsIn(place);
  assert.deepEqual(runs.map(({ run, jobs }) => [run, jobs]), [[1, 100], [2, 100], [3, 100]]);
  assert.deepEqual(runs.map((run) => run["function"]).sort(), ["f", "g", "h"]);
});

Deno.test("a run of the journal has a report, a file of the same name wins, and two runs are compared", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(({ args }) => ({ status: args[1] === "b" ? 3 : 0 }));
  const { environment } = lambda;
  await place.run(["xargs", "f", "-x", "{{.Line}}", ":::", "a", "b", "c"], { environment });
  await place.run(["xargs", "f", "-y", "{{.Line}}", ":::", "a", "c"], { environment });

  const made = await place.run(["report", "1"]);
  assert.deepEqual([made.status, made.stderr], [0, "llama: 3 jobs: run-1.html\n"]);
  const page = await Deno.readTextFile(place.here("run-1.html"));
  assert(page.includes("<code>llama xargs f -x &#39;{{.Line}}&#39;</code>"), page.slice(0, 2000));
  assert(page.includes("job 2 of f") && page.includes("-resume-last -resume-failed"));
  // The journal has no commands that could be copied.
  assert(!page.includes(">Copy command"));

  const compared = await place.run(["report", "1", "2"]);
  assert.deepEqual([compared.status, compared.stderr], [0, ""]);
  assert.match(compared.stdout, /^ +run 1 +run 2 +CHANGE\njobs +3 +2 +-33 %\nfailed +1 +0/);
  assert.match(
    compared.stdout,
    /\n1 job failed in run 1 and not in run 2: 2\n1 job only in run 1: 3\n$/,
  );

  const missing = await place.run(["report", "3"]);
  assert.deepEqual([missing.status, missing.stderr], [
    125,
    "llama: there is no file 3, and no run of this number\nllama: hint: `llama runs` lists the runs\n",
  ]);
  await place.write("work/1", "not a log\n");
  const file = await place.run(["report", "1"]);
  assert.match(file.stderr, /"1" is not a job log/);

  const line = await place.run(["completion", "-line", "llama report "]);
  assert.match(line.stdout, /^2\t\d{4}-.* f -y '{{\.Line}}'\n1\t.*\n:files\n$/);
});

Deno.test("-dry-run ends with totals, and guesses by the rate of the last run", async () => {
  await using place = new Workplace();
  const report = "REPORT RequestId: x\tDuration: 1 ms\tBilled Duration: 1000 ms\t" +
    "Memory Size: 1024 MB\tMax Memory Used: 40 MB\t\n";
  await using lambda = new InvokeStub(() =>
    Response.json({ status: 0 }, { headers: logHeader(report) })
  );
  await using s3 = new FakeS3();
  const environment = { LLAMA_OBJECT_STORE: "s3://bucket/obj/" };
  for (const [name, value] of Object.entries({ ...s3.environment, ...lambda.environment })) {
    if (value !== undefined) Object.assign(environment, { [name]: value });
  }
  Object.assign(environment, { AWS_SECRET_ACCESS_KEY: s3.environment["AWS_SECRET_ACCESS_KEY"] });
  await place.write("work/small", "x".repeat(1000));
  await place.write("work/big", "x".repeat(300_000));
  // A file that was just written may still change unnoticed, so its object is not noted.
  const old = fileURLToPath(new URL("../testdata/go-template.json", import.meta.url));
  const { size } = await Deno.stat(old);
  const args = ["-f", `${old}:old`, "f", "{{.I .Line}}", ":::", "small", "big", "big"];
  const dry = async (...flags: string[]) => {
    const { status, stderr } = await place.run(["xargs", "-dry-run", ...flags, ...args], {
      environment,
    });
    assert.equal(status, 0);
    return stderr;
  };
  const total = bytesText(size + 1000 + 300_000);
  assert.equal(await dry(), `llama: 3 jobs would run, and send 4 files, ${total}\n`);
  assert.deepEqual([s3.requests, lambda.requests], [[], []]);
  const run = await place.run(["xargs", "-logs", ...args], { environment });
  assert.deepEqual([run.status, s3.unsigned], [0, []]);
  const sent = s3.requests.length;
  const [jobs, guess] = (await dry("-j", "1")).split("\n");
  assert.equal(
    jobs,
    `llama: 3 jobs would run, and send 4 files, ${total}, of which the store has ${
      bytesText(size)
    }`,
  );
  assert.match(
    guess ?? "",
    /^llama: about [\d.]+ m?s and \$0\.00\d+, at the [\d.]+ m?s per job of run 1$/,
  );
  assert.match(await dry("-resume-last"), /^llama: no jobs would run \(3 done before\)\n/);
  assert.equal(s3.requests.length, sent);
});
