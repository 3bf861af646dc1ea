/** A run that was interrupted at any point is resumed where it was. */

import assert from "node:assert/strict";
import { jobRecordSchema } from "../../mod.ts";
import { bytesOf, textOf } from "../helpers.ts";
import { HeldLambda, InvokeStub } from "../invoke_stub.ts";
import { Workplace } from "./llama.ts";

const jobs = 1000;
const kills = 50;

/** Yields pseudo-random numbers from a seed. */
function* random(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Returns the numbers of the jobs in a log, and the number of its lines. */
async function logged(path: string): Promise<{ seqs: Set<number>; lines: number }> {
  const text = await Deno.readTextFile(path).catch(() => "");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n").slice(1, -1);
  return { seqs: new Set(lines.map((line) => Number(line.split("\t")[0]))), lines: lines.length };
}

/** Checks that a job with a line in the log has left all of its output. */
async function checkJob(place: Workplace, seq: number): Promise<void> {
  assert.equal(await Deno.readTextFile(place.here(`out/${seq}`)), `output ${seq}\n`);
  const results = place.here(`results/${seq}`);
  assert.equal(await Deno.readTextFile(`${results}/stdout`), `stdout ${seq}\n`);
  const status = await Deno.readTextFile(`${results}/status.json`);
  assert.equal(jobRecordSchema.parse(JSON.parse(status)).seq, seq);
}

Deno.test(`${jobs} jobs, killed ${kills} times on the way: nothing is lost, nothing runs again`, async () => {
  await using place = new Workplace();
  const done = new Set<number>();
  const ranAgain: number[] = [];
  let onRequest = () => {};
  await using lambda = new InvokeStub(({ args: [line = ""], outputs: [output = ""] }) => {
    if (done.has(Number(line))) ranAgain.push(Number(line));
    onRequest();
    return {
      status: 0,
      stdout: { s: `stdout ${line}\n` },
      outputs: { [output]: { s: `output ${line}\n` } },
    };
  });
  const input = Array.from({ length: jobs }, (_, i) => `${i + 1}\n`).join("");
  await place.write("work/lines", input);
  const start = () =>
    place.start([
      "xargs",
      ..."-j 8 -a lines -joblog log -resume -results results -print none f".split(" "),
      "{{.Line}}",
      '{{.O (printf "out/%s" .Line)}}',
    ], { environment: lambda.environment });
  const numbers = random(1);
  let checked = 0;
  for (let kill = 0; kill < kills; kill++) {
    // Few enough requests that some jobs are left for the last run.
    let requests = 1 + Math.floor(numbers.next().value * (jobs / kills) * 1.6);
    let turns = Math.floor(numbers.next().value * 40);
    const child = start();
    onRequest = () => {
      if (--requests !== 0) return;
      // Some way into what follows the request.
      const wait = () => turns-- > 0 ? void setImmediate(wait) : child.kill("SIGKILL");
      wait();
    };
    const { signal, code, stderr } = await child.output();
    await child.stdin.close().catch(() => {});
    assert.equal(signal, "SIGKILL", `${code}: ${textOf(stderr)}`);
    const { seqs } = await logged(place.here("log"));
    for (const seq of seqs) {
      if (done.has(seq)) continue;
      await checkJob(place, seq);
      done.add(seq);
      checked++;
    }
  }
  assert(checked > jobs / 4 && checked < jobs, `${checked} jobs were done when it was killed`);
  onRequest = () => {};
  const child = start();
  const { code, stdout, stderr } = await child.output();
  await child.stdin.close().catch(() => {});
  assert.deepEqual([code, textOf(stdout), textOf(stderr)], [0, "", ""]);
  assert.deepEqual(ranAgain, []);
  const { seqs, lines } = await logged(place.here("log"));
  assert.deepEqual([seqs.size, lines], [jobs, jobs]);
  for (let seq = 1; seq <= jobs; seq++) await checkJob(place, seq);
  const left = (await place.list("work")).filter((path) => path.includes("/."));
  assert.deepEqual(left, [], "what the runs that were killed had begun");
});

Deno.test("a run with other arguments or input is refused, and nothing runs", async () => {
  await using place = new Workplace();
  await place.addShell();
  const args = ["xargs", "-joblog", "log", "-k", "any", "echo", "{{.Line}}", ":::"];
  assert.equal((await place.local([...args, "a", "b"])).status, 0);
  const log = await Deno.readTextFile(place.here("log"));
  const resume = ["xargs", "-resume", ...args.slice(1)];
  const same = await place.local([...resume, "a", "b"]);
  assert.deepEqual([same.status, same.stdout, same.stderr], [0, "", ""]);
  const other = await place.local([...resume, "a", "c"]);
  assert.deepEqual([other.status, other.stdout], [2, ""]);
  assert.equal(
    other.stderr,
    "llama: the job log has another job 2: it was `any echo b` and is now `any echo c`\n" +
      "llama: hint: resume with the same function, arguments and input, or start a new job log\n",
  );
  assert.equal(await Deno.readTextFile(place.here("log")), log);
  const more = await place.local([...resume, "a", "b", "c d"]);
  assert.deepEqual([more.status, more.stdout], [0, "c d\n"]);
});

Deno.test("a job log that another run writes to is refused, and left unchanged", async () => {
  await using place = new Workplace();
  await using lambda = new HeldLambda();
  const { environment } = lambda;
  const args = ["xargs", "-joblog", "log", "f", "{{.Line}}", ":::", "a", "b"];
  const first = place.start(args, { environment });
  await lambda.asked;
  for (const more of [[], ["-resume"], ["-resume-failed"]]) {
    const second = await place.run(["xargs", ...more, ...args.slice(1)], { environment });
    assert.deepEqual([second.status, second.stdout, second.stderr], [
      2,
      "",
      'llama: another run is writing to the job log "log"\n' +
      "llama: hint: wait until it ends, or name another file with -joblog\n",
    ]);
  }
  lambda.go();
  const { code } = await first.output();
  await first.stdin.close().catch(() => {});
  assert.equal(code, 0);
  const { seqs, lines } = await logged(place.here("log"));
  assert.deepEqual([[...seqs].sort(), lines], [[1, 2], 2]);
  assert.equal(lambda.requests.length, 2);
});

Deno.test("-resume-failed retries failed jobs until they succeed", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = `echo {{.Line}}; test -e ${place.here()}/{{.Line}}`;
  const args = ["-joblog", "log", "-k", "any", "sh", "-c", script];
  await place.write("work/a", "");
  const first = await place.local(["xargs", ...args, ":::", "a", "b", "c"]);
  assert.deepEqual([first.status, first.stdout], [1, "a\nb\nc\n"]);
  const skipped = await place.local(["xargs", "-resume", ...args, ":::", "a", "b", "c"]);
  assert.deepEqual([skipped.status, skipped.stdout], [0, ""]);
  const again = await place.local(["xargs", "-resume-failed", ...args, ":::", "a", "b", "c"]);
  assert.deepEqual([again.status, again.stdout], [1, "b\nc\n"]);
  await place.write("work/b", "");
  await place.write("work/c", "");
  for (const expected of ["b\nc\n", ""]) {
    const last = await place.local(["xargs", "-resume-failed", ...args, ":::", "a", "b", "c"]);
    assert.deepEqual([last.status, last.stdout], [0, expected]);
  }
});

const parallel = Deno.env.get("LLAMA_TEST_PARALLEL");

Deno.test({
  name: "GNU parallel resumes llama's log (LLAMA_TEST_PARALLEL names its program)",
  ignore: parallel === undefined,
  async fn() {
    await using place = new Workplace();
    await place.addShell();
    const script = "exit {{.Idx}}";
    const lines = ["a b", "c\td", "e", "f"];
    const stdin = lines.slice(0, 3).join("\n");
    await place.local(["xargs", "-joblog", "log", "any", "sh", "-c", script, "{{.Line}}"], {
      stdin,
    });
    const run = async (flag: string) => {
      const log = place.here(`log${flag}`);
      await Deno.copyFile(place.here("log"), log);
      const { stdout, code, stderr } = await new Deno.Command(parallel ?? "", {
        args: [flag, "--joblog", log, "-k", "echo", "ran", "{}", ":::", ...lines],
        env: { PARALLEL_HOME: place.temporary },
      }).output();
      assert.equal(code, 0, textOf(stderr));
      return [textOf(stdout), (await logged(log)).lines];
    };
    assert.deepEqual(await run("--resume"), ["ran f\n", 4]);
    assert.deepEqual(await run("--resume-failed"), ["ran c\td\nran e\nran f\n", 6]);
  },
});

Deno.test({
  name: "llama resumes GNU parallel's log (LLAMA_TEST_PARALLEL names its program)",
  ignore: parallel === undefined,
  async fn() {
    await using place = new Workplace();
    await place.addFunction("echo", '#!/bin/sh\necho "$@"\n');
    const { code, stderr } = await new Deno.Command(parallel ?? "", {
      args: ["--joblog", place.here("log"), "echo", "{}", ":::", "a", "b"],
      env: { PARALLEL_HOME: place.temporary },
    }).output();
    assert.equal(code, 0, textOf(stderr));
    await Deno.remove(place.temporary, { recursive: true });
    await Deno.mkdir(place.temporary);
    const { status, stdout } = await place.local(
      ["xargs", "-joblog", "log", "-resume", "echo", "{{.Line}}"],
      { stdin: bytesOf("a\nb\nc\n") },
    );
    assert.deepEqual([status, stdout], [0, "c\n"]);
  },
});

/** Names with every printable character, and others that are hard to quote. */
const hardNames = [
  ...Array.from({ length: 0x5f }, (_, i) => String.fromCharCode(0x20 + i)),
  ...Array.from({ length: 0x5f }, (_, i) => `a${String.fromCharCode(0x20 + i)}b`),
  ...[
    "'a'",
    "it's",
    '"',
    "\\'",
    "a  b",
    "-n",
    "é",
    "\u2028",
    "\u{1f600}",
    "tab\there",
    "a\nb",
    "a\n",
  ],
  ...["#llama:0123456789ab0123456789ab", " #llama:0123456789ab0123456789ab", "$'a'", "a\\", "\x01"],
];

Deno.test({
  name:
    "we go on with what GNU parallel logs of hard names (LLAMA_TEST_PARALLEL names its program)",
  ignore: parallel === undefined,
  async fn() {
    await using place = new Workplace();
    await place.addFunction("echo", '#!/bin/sh\necho ran "$@"\n');
    await place.write("names", hardNames.map((name) => `${name}\0`).join(""));
    const names = place.join("names");
    const runs: [command: string[], templates: string[]][] = [
      [["echo"], ["{{.Line}}"]],
      [["echo", "x=y", "{}", "'it'"], ["x=y", "{{.Line}}", "it"]],
      [["echo {} 'a b'"], ["{{.Line}}", "a b"]],
    ];
    for (const [command, templates] of runs) {
      const { code, stderr } = await new Deno.Command(parallel ?? "", {
        args: ["-0", "-a", names, "--joblog", place.here("log"), ...command],
        env: { PARALLEL_HOME: place.join("parallel"), PARALLEL_SHELL: "/bin/bash" },
      }).output();
      assert.equal(code, 0, textOf(stderr));
      const ended = await place.local(
        ["xargs", "-0", "-a", names, "-joblog", "log", "-resume", "echo", ...templates],
      );
      assert.deepEqual([ended.status, ended.stdout, ended.stderr], [0, "", ""]);
    }
  },
});

Deno.test({
  name:
    "GNU parallel repeats what our log has of hard names (LLAMA_TEST_PARALLEL names its program)",
  ignore: parallel === undefined,
  async fn() {
    await using place = new Workplace();
    await using lambda = new InvokeStub(() => ({ status: 1 }));
    await place.write("bin/f", "#!/bin/sh\nprintf '%s\\0' \"$@\" END\n", 0o755);
    const stdin = hardNames.map((name) => `${name}\0`).join("");
    const ended = await place.run(["xargs", "-0", "-joblog", "log", "f", "{{.Line}}"], {
      stdin,
      environment: lambda.environment,
    });
    assert.equal(ended.status, 1);
    const { code, stdout, stderr } = await new Deno.Command(parallel ?? "", {
      args: ["--retry-failed", "-k", "--joblog", place.here("log")],
      env: {
        PARALLEL_HOME: place.join("parallel"),
        PATH: `${place.join("bin")}:${Deno.env.get("PATH")}`,
        PARALLEL_SHELL: "/bin/bash",
        LC_ALL: "C.UTF-8",
      },
    }).output();
    assert.equal(code, 0, textOf(stderr));
    const seen = textOf(stdout).split("END\0").slice(0, -1);
    assert.deepEqual(seen.toSorted(), hardNames.map((name) => `${name}\0`).toSorted());
  },
});

Deno.test("a changed input is detected even if every command is the same", async () => {
  await using place = new Workplace();
  await place.addFunction("check", '#!/bin/sh\ncat "$1"\n');
  const run = (lines: string, ...more: string[]) =>
    place.local(["xargs", "-k", "-joblog", "log", ...more, "check", "{{.AsFile .Line}}"], {
      stdin: lines,
    });
  assert.equal((await run("u1\nu2\nu3\n")).stdout, "u1\nu2\nu3\n");
  const same = await run("u1\nu2\nu3\nu4\n", "-resume");
  assert.deepEqual([same.status, same.stdout, same.stderr], [0, "u4\n", ""]);
  for (
    const [lines, ...flags] of [
      ["NEW\nu1\nu2\nu3\n", "-resume"],
      ["u1\nu2\nu3\nu4\n", "-resume", "-n", "2"],
      ["u1\nu3\nu2\n", "-resume-failed"],
      ["u1\nNEW\n", "-resume", "-dry-run"],
    ] as const
  ) {
    const { status, stdout, stderr } = await run(lines, ...flags);
    assert.deepEqual([status, stdout], [2, ""], flags.join(" "));
    assert.match(
      stderr,
      /^llama: the job log has another job \d: its command is the same, `check/,
    );
  }
});

Deno.test("a changed file of -f is detected by its contents", async () => {
  await using place = new Workplace();
  await place.addShell();
  const run = (...flags: string[]) =>
    place.local(["xargs", "-joblog", "log", "-f", "t", ...flags, "any", "cat", "t/a", ":::", "1"]);
  await place.write("work/t/a", "one");
  assert.equal((await run()).stdout, "one");
  await place.write("work/t/a", "one");
  const same = await run("-resume");
  assert.deepEqual([same.status, same.stdout, same.stderr], [0, "", ""]);
  const changes: (() => Promise<unknown>)[] = [
    () => place.write("work/t/a", "two"),
    () => place.write("work/t/b", ""),
    () => Deno.rename(place.here("t/b"), place.here("t/c")),
    () => place.write("work/t/a", "one", 0o755),
  ];
  for (const change of changes) {
    await change();
    for (const flags of [["-resume"], ["-resume", "-dry-run"]]) {
      const { status, stdout, stderr } = await run(...flags);
      assert.deepEqual([status, stdout], [2, ""], change.toString());
      assert.match(stderr, /another job 1: the shared files \(-f\) have changed/);
    }
  }
});

Deno.test("the contents of a job's own inputs are not compared", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/a", "1\n");
  const run = (...flags: string[]) =>
    place.local(
      ["xargs", "-joblog", "log", ...flags, "any", "sh", "-c", "echo 2 > {{.IO .Line}}"],
      {
        stdin: "a\n",
      },
    );
  assert.equal((await run()).status, 0);
  assert.equal(await Deno.readTextFile(place.here("a")), "2\n");
  await Deno.remove(place.here("a"));
  const again = await run("-resume");
  assert.deepEqual([again.status, again.stderr], [0, ""]);
});

Deno.test("a damaged line is reported, and its job alone runs again", async () => {
  await using place = new Workplace();
  await place.addShell();
  const run = (...flags: string[]) =>
    place.local(["xargs", "-k", "-joblog", "log", ...flags, "any", "echo", "{{.Line}}"], {
      stdin: "a\u2028b\nb\nc\n",
    });
  assert.equal((await run()).stdout, "a\u2028b\nb\nc\n");
  assert.equal((await run("-resume")).stderr, "");
  const lines = (await Deno.readTextFile(place.here("log"))).split("\n");
  await place.write("work/log", lines.with(2, "garbage").join("\n"));
  const [seq] = (lines[2] ?? "").split("\t");
  const { status, stdout, stderr } = await run("-resume");
  assert.deepEqual([status, stdout], [0, ["a\u2028b", "b", "c"][Number(seq) - 1] + "\n"]);
  assert.equal(
    stderr,
    'llama: the job log "log" is damaged in line 3\n' +
      "llama: hint: the jobs of these lines run again\n",
  );
  assert.equal((await run("-resume")).stdout, "");
  const page = await place.run(["report", "log"]);
  assert.deepEqual([page.status, page.stderr.split("\n")[0]], [
    0,
    'llama: the job log "log" is damaged in line 3',
  ]);
});

Deno.test("an older version's log is resumed, with a warning if commands are ambiguous", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (
    const [templates, warns] of [[["{{.Line}}"], false], [["{{.AsFile .Line}}"], true]] as const
  ) {
    const run = (...flags: string[]) =>
      place.local(["xargs", "-joblog", "log", ...flags, "any", "echo", ...templates], {
        stdin: "a\nb\n",
      });
    await run();
    const log = await Deno.readTextFile(place.here("log"));
    await place.write("work/log", log.replaceAll(/ #llama:[0-9a-f]{24}$/gm, ""));
    const { status, stdout, stderr } = await run("-resume");
    assert.deepEqual([status, stdout], [0, ""]);
    assert.equal(stderr.match(/has only the commands of some jobs/g)?.length ?? 0, warns ? 1 : 0);
  }
});
