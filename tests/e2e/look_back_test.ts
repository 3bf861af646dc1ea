/** Traces and reports of runs: -trace, -report, and llama report. */

import assert from "node:assert/strict";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { JobRecord } from "../../mod.ts";
import { textOf } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { checkNesting, slicesOf, sumOf } from "../report/slices.ts";
import { exists, program, Workplace } from "./llama.ts";

const times = { cold: false, e2e: 300_000, fetch: 50_000, exec: 200_000, upload: 50_000 };
const lines = Array.from({ length: 30 }, (_, index) => `${index + 1}\n`).join("");

Deno.test("xargs -trace agrees with the records, and is compressed by its extension", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({ status: 0, times }));
  const unpacked = {
    "t.json": (bytes: Uint8Array) => bytes,
    "new/t.json.gz": (bytes: Uint8Array) => gunzipSync(bytes),
    "t.json.zst": (bytes: Uint8Array) => zstdDecompressSync(bytes),
  };
  for (const [name, unpack] of Object.entries(unpacked)) {
    const { status, stdout, stderr } = await place.run(
      ["-trace", name, "xargs", "-json", "-j", "4", "f", "{{.Line}}"],
      { stdin: lines, environment: lambda.environment },
    );
    assert.deepEqual([status, stderr], [0, ""]);
    const records: JobRecord[] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    const { slices, tracks } = slicesOf(textOf(unpack(await Deno.readFile(place.here(name)))));
    checkNesting(slices);
    assert(tracks.size <= 4);
    const near = (name: string, milliseconds: number) =>
      assert(Math.abs(sumOf(slices, name) - milliseconds) < 0.1, name);
    near("job", records.reduce((sum, { elapsedMilliseconds }) => sum + elapsedMilliseconds, 0));
    near("command", 30 * 0.2);
    assert(slices.some(({ name }) => name === "template"));
  }
});

Deno.test("invoke writes a trace and a report of its job, even if it failed", async () => {
  await using place = new Workplace();
  await place.addShell();
  const args = ["-trace", "t.json", "invoke", "-report", "r.html", "any"];
  const run = (...command: string[]) => place.run(["-local", ...args, ...command]);
  const { status } = await run("sh", "-c", "echo no >&2; exit 3");
  assert.equal(status, 3);
  const { slices } = slicesOf(await Deno.readTextFile(place.here("t.json")));
  checkNesting(slices);
  for (const name of ["job", "template", "invoke", "cold start", "command"]) {
    assert.equal(slices.filter((slice) => slice.name === name).length, 1, name);
  }
  const page = await Deno.readTextFile(place.here("r.html"));
  assert(page.includes("exit status 3") && page.includes('"stderr":"no\\n"'));
  assert.equal((await run("/no/such/program")).status, 125);
  assert.match(await Deno.readTextFile(place.here("r.html")), /Llama\.NoSuchCommand/);
});

Deno.test("- is standard output for a trace and a page", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({ status: 0, times }));
  const { environment } = lambda;
  const traced = await place.run(["-trace", "-", "xargs", "f", "x"], { stdin: "a\n", environment });
  assert.deepEqual([traced.status, traced.stderr], [0, ""]);
  checkNesting(slicesOf(traced.stdout).slices);
  const reported = await place.run(["xargs", "-report", "-", "f", "x"], {
    stdin: "a\n",
    environment,
  });
  assert.match(reported.stdout, /^\s*<!DOCTYPE html>[^]*<\/html>\s*$/);
  const later = await place.run(["report", "-o", "-", "1"], { environment });
  assert.deepEqual([later.status, later.stderr], [0, ""]);
  assert.match(later.stdout, /^\s*<!DOCTYPE html>[^]*<\/html>\s*$/);
  for (const command of ["xargs", "invoke"]) {
    const both = await place.run(["-trace", "-", command, "-report", "-", "f", "x"], {
      stdin: "a\n",
      environment,
    });
    assert.equal(both.status, 2);
    assert.match(both.stderr, /-report and -trace both name "-"/);
  }
  assert(!await exists(place.here("-")));
});

Deno.test("the report is written even if standard output cannot be", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(() => ({ status: 0, times }));
  const { environment } = lambda;
  const { status, stderr } = await place.run([
    "-trace",
    "-",
    "xargs",
    "-report",
    "r.html",
    "f",
    "x",
  ], {
    stdin: "a\n",
    environment,
    program: ["sh", "-c", 'exec "$@" >/dev/full', "sh", ...program],
  });
  assert.equal(status, 1);
  assert.match(stderr, /^llama: cannot write to standard output: no space left on device\n/);
  assert.match(await Deno.readTextFile(place.here("r.html")), /<!DOCTYPE html>/);
});

Deno.test("a file that cannot be written is reported before anything runs", async () => {
  await using place = new Workplace();
  await place.write("work/file", "");
  await using lambda = new InvokeStub(() => ({ status: 0 }));
  for (
    const args of [
      ["-trace", "file/t.json", "xargs", "f"],
      ["xargs", "-report", "file/r.html", "f"],
      ["xargs", "-report", ".", "f"],
      ["invoke", "-report", ".", "f"],
    ]
  ) {
    const { status, stderr } = await place.run(args, {
      stdin: "x\n",
      environment: lambda.environment,
    });
    assert.equal(status, args[0] === "invoke" ? 125 : 1, stderr);
    assert.match(
      stderr,
      /^llama: cannot write "[^"]+": [a-z ]+\nllama: hint: name another file\n$/,
    );
  }
  assert.equal(lambda.requests.length, 0);
  const { status, stderr } = await place.run(["-trace", "t", "functions"]);
  assert.equal(status, 2);
  assert.match(stderr, /^-trace cannot be used with functions\n/);
});

Deno.test("an interrupted run leaves no incomplete file", async () => {
  await using place = new Workplace();
  const arrived = Promise.withResolvers<void>();
  await using lambda = new InvokeStub(() => {
    arrived.resolve();
    return new Promise(() => {});
  });
  const child = place.start(["-trace", "t.json", "xargs", "-report", "r.html", "f"], {
    environment: lambda.environment,
  });
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("x\n"));
  await arrived.promise;
  child.kill("SIGTERM");
  assert.equal((await child.output()).code, 143);
  await stdin.close().catch(() => {});
  assert.deepEqual(await place.list("work"), []);
});

Deno.test("llama report creates a page from a job log, and from the lines of -json", async () => {
  await using place = new Workplace();
  await using lambda = new InvokeStub(({ args: [line] }) => ({
    status: line === "5" ? 3 : 0,
    stderr: { s: line === "5" ? "what went wrong" : "" },
    times,
  }));
  const { stdout } = await place.run(
    ["xargs", "-json", "-joblog", "log", "f", "{{.Line}}"],
    { stdin: lines, environment: lambda.environment },
  );
  // An incomplete last line is ignored.
  await place.write("work/run.json", stdout + '{"seq": 31, "fun');
  for (const [log, tells] of [["log", false], ["run.json", true]] as const) {
    const { status, stderr } = await place.run(["report", log]);
    assert.deepEqual([status, stderr], [0, `llama: 30 jobs: ${log}.html\n`]);
    const page = await Deno.readTextFile(place.here(`${log}.html`));
    assert.match(page, /id="jobs">30</);
    assert.match(page, /1 failed/);
    assert.match(page, /exit status 3/);
    assert.equal(page.includes("what went wrong"), tells);
    assert.equal(page.includes('data-phase="command"'), tells);
  }
  const parallel = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n" +
    "1\t:\t1700000000.123\t     0.500\t0\t0\t0\t9\tsleep 9\n" +
    "2\t:\t1700000000.123\t    -0.001\t0\t0\t-1\t0\tsleep 0\n";
  await place.write("work/parallel", parallel);
  assert.equal((await place.run(["report", "-o", "p.html", "parallel"])).status, 0);
  assert.match(await Deno.readTextFile(place.here("p.html")), /killed by signal 9/);
});

Deno.test("llama report refuses files that are not logs", async () => {
  await using place = new Workplace();
  await place.write("work/text", "some text\n");
  await place.write("work/json", '{"seq": 1}\n');
  await place.write("work/when", "1\t:\t-\t-\t0\t0\t0\t0\tf\n");
  await place.write("work/broken", '{"seq": \n{}\n');
  const says = async (...args: string[]) =>
    (await place.run(["report", ...args])).stderr.split("\n")[0];
  assert.equal(await says("absent"), 'llama: cannot read "absent": no such file or directory');
  assert.equal(await says("text"), 'llama: "text" is not a job log');
  assert.equal(await says("json"), 'llama: "json" line 1: it is not a job record');
  assert.equal(await says("broken"), 'llama: "broken" line 1: it is not JSON');
  assert.equal(await says("when"), 'llama: "when" is not a job log');
  assert.equal(await says(), "no run given");
  assert.equal(exists(place.here("text.html")), false);
});
