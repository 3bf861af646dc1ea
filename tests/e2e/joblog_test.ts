/** The targets of job logs, and files that they must not replace. */

import assert from "node:assert/strict";
import { jobLogHeader } from "../../lib/jobs/log/job_log_line.ts";
import { testWith, textOf } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { denoDirectory, program, Workplace } from "./llama.ts";

/** Returns a stub of Lambda whose command prints its line. */
function echoing(): InvokeStub {
  return new InvokeStub(({ args: [line] }) => ({ status: 0, stdout: { s: `${line}\n` } }));
}

/** Returns the command that runs the program in a shell with redirections. */
function redirected(redirections: string): readonly string[] {
  return ["sh", "-c", `exec "$@" ${redirections}`, "sh", ...program];
}

/** Returns a log without the columns that differ from run to run. */
function timeless(log: string): string {
  return log.replaceAll(
    /^(\d+)\t[^\t]*\t\d+\.\d{3}\t +\d+\.\d{3}\t\d+\t\d+\t/gm,
    "$1\tHOST\tSTART\tTIME\tSEND\tRECEIVE\t",
  ).replaceAll(/ #llama:[0-9a-f]{24}$/gm, "");
}

Deno.test("a file that is not a job log is not replaced, and nothing runs", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  const { environment } = lambda;
  const args = (...flags: string[]) => ["xargs", "-joblog", "list", ...flags, "f", "{{.Line}}"];
  for (const text of ["a\nb\n", "a", "Seq\n", `${jobLogHeader} \n`]) {
    await place.write("work/list", text);
    for (
      const [flags, status, message] of [
        [[], 2, 'cannot write the job log "list": the file exists and is not a job log'],
        [["-resume"], 1, '"list" is not a job log'],
        [["-resume-failed"], 1, '"list" is not a job log'],
        [["-a", "list"], 2, 'the job log "list" is the input file'],
        [
          ["-resume", "-a", "list"],
          2,
          'the job log "list" is the input file',
        ],
      ] as const
    ) {
      const ended = await place.run(args(...flags), { environment, stdin: "a\n" });
      assert.deepEqual([ended.status, ended.stdout, ended.stderr], [
        status,
        "",
        `llama: ${message}\nllama: hint: name another file with -joblog\n`,
      ]);
      assert.equal(await Deno.readTextFile(place.here("list")), text);
    }
  }
  assert.deepEqual(lambda.requests, []);
});

Deno.test("the input is not replaced by the job log, under any name", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  const { environment } = lambda;
  const text = `${jobLogHeader}\n`;
  await place.write("work/list", text);
  await Deno.link(place.here("list"), place.here("link"));
  await Deno.symlink("list", place.here("symlink"));
  for (const name of ["list", "./list", "link", "symlink"]) {
    const args = ["xargs", "-joblog", name, "f", "{{.Line}}"];
    for (
      const ended of [
        await place.run(["xargs", "-a", "list", ...args.slice(1)], { environment }),
        await place.run(args, { environment, program: redirected("< list") }),
      ]
    ) {
      assert.deepEqual([ended.status, ended.stdout], [2, ""]);
      assert.match(ended.stderr, /is the input file/);
      assert.equal(await Deno.readTextFile(place.here("list")), text);
    }
  }
  assert.deepEqual(lambda.requests, []);
});

Deno.test("-joblog - writes to standard output, /dev/stderr to standard error, /dev/null nowhere", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  const run = (log: string, redirections = "") =>
    place.run(["xargs", "-j", "1", "-joblog", log, "f", "{{.Line}}", ":::", "a", "b"], {
      environment: lambda.environment,
      program: redirected(redirections),
    });
  const line = (seq: number, name: string) =>
    `${seq}\tHOST\tSTART\tTIME\tSEND\tRECEIVE\t0\t0\tf ${name}\n`;
  const whole = `${jobLogHeader}\n${line(1, "a")}${line(2, "b")}`;
  const mixed = `${jobLogHeader}\n${line(1, "a")}a\n${line(2, "b")}b\n`;
  const files = () =>
    Promise.all(["out", "err"].map((name) => Deno.readTextFile(place.here(name))));
  for (
    const [logs, stdout, stderr] of [
      [["-", "/dev/stdout", "/dev/fd/1"], mixed, ""],
      [["/dev/stderr", "/dev/fd/2"], "a\nb\n", whole],
      [["/dev/null"], "a\nb\n", ""],
    ] as const
  ) {
    for (const log of logs) {
      const piped = await run(log);
      assert.deepEqual([piped.status, timeless(piped.stdout), timeless(piped.stderr)], [
        0,
        stdout,
        stderr,
      ]);
      // A file that is opened again would be written from its start.
      await run(log, "> out 2> err");
      assert.deepEqual((await files()).map(timeless), [stdout, stderr]);
    }
  }
  assert.deepEqual(await place.list("work"), ["work/err", "work/out"]);
});

Deno.test("-joblog writes to a FIFO as its reader reads", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  const fifo = place.here("fifo");
  assert.equal((await new Deno.Command("mkfifo", { args: [fifo] }).output()).code, 0);
  const reader = new Deno.Command("cat", { args: [fifo], stdout: "piped" }).output();
  const lines = Array.from({ length: 2000 }, (_, i) => `line ${i}`);
  const { status, stderr } = await place.run(
    ["xargs", "-print", "none", "-joblog", "fifo", "f", "{{.Line}}"],
    { environment: lambda.environment, stdin: lines.join("\n") },
  );
  assert.deepEqual([status, stderr], [0, ""]);
  const log = textOf((await reader).stdout).split("\n");
  assert.equal(log[0], jobLogHeader);
  assert.equal(log.length, 2 + lines.length);
  assert((await Deno.lstat(fifo)).isFifo);
});

Deno.test("-joblog writes to a process substitution", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  const script = '"$@" -joblog >(cat > log) f x ::: 1 && wait $!';
  const { status, stdout, stderr } = await place.run([], {
    environment: lambda.environment,
    program: ["bash", "-c", script, "bash", ...program, "xargs"],
  });
  assert.deepEqual([status, stdout, stderr], [0, "x\n", ""]);
  assert.match(await Deno.readTextFile(place.here("log")), /^Seq\t.*\n1\t.*\tf x #llama:/);
});

Deno.test("a job log that is not a file cannot be resumed", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  for (
    const [log, name] of [["-", "-"], ["/dev/null", "/dev/null"], ["/dev/stderr", "-"]] as const
  ) {
    const { status, stdout, stderr } = await place.run(
      ["xargs", "-joblog", log, "-resume", "f", "{{.Line}}", ":::", "a"],
      { environment: lambda.environment },
    );
    assert.equal(status, 0);
    assert(stdout.endsWith("a\n"));
    assert(
      stderr.startsWith(
        `llama: the job log "${name}" is not a regular file, so there is nothing to resume: all jobs run\n`,
      ),
      stderr,
    );
  }
});

testWith(["LLAMA_TEST_PARALLEL"], "devices get the same log as with GNU parallel", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  await place.write("bin/f", '#!/bin/sh\necho "$@"\n', 0o755);
  const parallel = Deno.env.get("LLAMA_TEST_PARALLEL") ?? "";
  for (const log of ["-", "/dev/stdout", "/dev/stderr", "/dev/null", "file"]) {
    const theirs = await new Deno.Command(parallel, {
      args: ["-j1", "--joblog", log, "f", "{}", ":::", "a", "b"],
      cwd: place.join("bin"),
      env: {
        PARALLEL_HOME: place.join("parallel"),
        PATH: `${place.join("bin")}:${Deno.env.get("PATH")}`,
      },
    }).output();
    const ours = await place.run(
      ["xargs", "-j", "1", "-joblog", log, "f", "{{.Line}}", ":::", "a", "b"],
      { environment: lambda.environment },
    );
    // GNU parallel prints a job before it logs it.
    const sorted = (text: string) => timeless(text).split("\n").toSorted();
    assert.deepEqual(sorted(ours.stdout), sorted(textOf(theirs.stdout)), log);
    assert.deepEqual(sorted(ours.stderr), sorted(textOf(theirs.stderr)), log);
  }
  const [ours, theirs] = await Promise.all(
    [place.here("file"), place.join("bin/file")].map((path) => Deno.readTextFile(path)),
  );
  assert.equal(timeless(ours ?? ""), timeless(theirs ?? "-"));
});

Deno.test("a full disk at the start ends the run before anything is sent", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  const { status, stdout, stderr } = await place.run(
    ["xargs", "-joblog", "/dev/full", "f", "{{.Line}}", ":::", "a"],
    { environment: lambda.environment },
  );
  assert.deepEqual([status, stdout, stderr, lambda.requests.length], [
    1,
    "",
    'llama: cannot write the job log "/dev/full": no space left on device\n' +
    "llama: hint: name another file with -joblog\n",
    0,
  ]);
});

Deno.test("a disk that fills up in the middle of a line ends the run, and it can be resumed", async () => {
  await using place = new Workplace();
  await using lambda = echoing();
  // Deno's own databases, which the limit would break, are not those of other tests.
  await Deno.mkdir(place.join("deno"));
  for await (const { name, isDirectory } of Deno.readDir(denoDirectory)) {
    if (isDirectory && name !== "gen") {
      await Deno.symlink(`${denoDirectory}/${name}`, place.join("deno", name));
    }
  }
  const environment = { ...lambda.environment, DENO_DIR: place.join("deno") };
  const args = ["xargs", "-k", "-j", "4", "-joblog", "log", "f", "{{.Line}}"];
  const stdin = Array.from({ length: 100 }, (_, i) => `line ${i + 1}\n`).join("");
  const limited = ["sh", "-c", `trap "" XFSZ; ulimit -f 4; exec "$@"`, "sh", ...program];
  assert.equal((await place.run(args, { environment, stdin: "" })).status, 0);
  const first = await place.run(args, { environment, stdin, program: limited });
  assert.equal(first.status, 1);
  assert.match(first.stderr, /^llama: cannot write the job log "log": file too large$/m);
  // Jobs that ended are printed although they could not be logged.
  const printed = first.stdout.split("\n").length - 1;
  assert.equal(printed, lambda.requests.length);
  const log = await Deno.readTextFile(place.here("log"));
  assert(!log.endsWith("\n"), "the last line is written in part");
  const logged = log.split("\n").length - 2;
  assert(logged > 0 && logged < printed && printed < 60, `${logged} of ${printed}`);
  const second = await place.run([...args.slice(0, 1), "-resume", ...args.slice(1)], {
    environment,
    stdin,
  });
  assert.deepEqual([second.status, second.stderr], [0, ""]);
  const lines = (await Deno.readTextFile(place.here("log"))).split("\n");
  assert.deepEqual(
    lines.slice(1, -1).map((line) => Number(line.split("\t")[0])).toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  assert.equal(second.stdout.split("\n").length - 1, 100 - logged);
});
