import assert from "node:assert/strict";
import { FakeLambda, textOf } from "./fake_lambda.ts";

const sh = (script: string) => ["sh", "-c", script];

Deno.test("files, standard input and outputs make the round trip", async () => {
  await using lambda = new FakeLambda();
  const response = await lambda.run({
    args: sh(
      "cat; cat in/deep/a.txt; cp in/tool out/tool; : > out/empty; echo text > './new\nline'",
    ),
    stdin: { s: "stdin " },
    files: {
      "in/deep/a.txt": { s: "ä" },
      "./in//tool": { s: "tool", m: 0o755 },
      "none": {},
    },
    outputs: ["out/tool", "out/empty", "new\nline", "none", "missing"],
  });
  assert.equal(response.status, 0);
  assert.deepEqual(response.stdout, { s: "stdin ä" });
  assert.deepEqual(response.stderr, {});
  assert.deepEqual(response.outputs, {
    "out/tool": { s: "tool", m: 0o755 },
    "out/empty": { m: 0o644 },
    "new\nline": { s: "text\n", m: 0o644 },
    "none": { m: 0o644 },
    "missing": { e: "was not made by the command" },
  });
  await lambda.clean();
});

Deno.test("bytes that are not UTF-8 are preserved", async () => {
  await using lambda = new FakeLambda();
  const { stdout, stderr, outputs } = await lambda.run({
    args: sh("cat; printf '\\377' >&2; cat in > out"),
    stdin: { b: "AP/+" },
    files: { in: { b: "gIGC" } },
    outputs: ["out"],
  });
  assert.deepEqual(stdout, { b: "AP/+" });
  assert.deepEqual(stderr, { b: "/w==" });
  assert.deepEqual(outputs, { out: { b: "gIGC", m: 0o644 } });
});

Deno.test("modes are as requested, and rw-r--r-- by default", async () => {
  await using lambda = new FakeLambda({
    args: ["sh", "-c", 'umask 027; stat -c "%a" "$@"; : > new', "sh"],
  });
  const { stdout, outputs } = await lambda.run({
    args: ["a", "b", "c", "d"],
    files: { a: { m: 0o777 }, b: { m: 0o400 }, c: {}, d: { m: 0o104611 } },
    outputs: ["a", "b", "new"],
  });
  assert.equal(textOf(stdout), "777\n400\n644\n611\n");
  assert.deepEqual(outputs, { a: { m: 0o777 }, b: { m: 0o400 }, new: { m: 0o640 } });
});

Deno.test("an output directory returns the files below it, and stderr names the rest", async () => {
  await using lambda = new FakeLambda();
  const { outputs, stderr } = await lambda.run({
    args: sh(
      "mkdir out/deep; echo 1 > out/a; echo 2 > out/deep/b; ln -s a out/l; printf no-newline >&2",
    ),
    outputs: ["out/"],
  });
  assert.deepEqual(outputs, {
    "out/a": { s: "1\n", m: 0o644 },
    "out/deep/b": { s: "2\n", m: 0o644 },
  });
  assert.equal(textOf(stderr), "no-newline\nllama: left out out/l: a symbolic link\n");
});

Deno.test("an output that leads out of the job's directory is refused", async () => {
  await using lambda = new FakeLambda();
  const { status, outputs } = await lambda.run({
    args: sh(
      "ln -s /etc/passwd a; rmdir d; ln -s /etc d; mkfifo f; ln -s b c; echo b > b; mkdir e",
    ),
    outputs: ["a", "d/passwd", "d/", "f", "c", "e"],
  });
  assert.equal(status, 0);
  assert.deepEqual(outputs, {
    "a": { e: "a symbolic link out of the job's directory" },
    "d/passwd": { e: "a symbolic link out of the job's directory" },
    "d/": { e: "a symbolic link out of the job's directory" },
    "f": { e: "not a regular file" },
    "c": { s: "b\n", m: 0o644 },
    "e": { e: "is a directory (ask for e/)" },
  });
});

Deno.test("names that are special to JavaScript are ordinary file names", async () => {
  await using lambda = new FakeLambda();
  const { text } = await lambda.send(JSON.stringify({
    args: sh("echo 1 > __proto__; echo 2 > constructor"),
    outputs: ["__proto__", "constructor"],
  }));
  assert(
    text.includes('"__proto__":{"s":"1\\n","m":420},"constructor":{"s":"2\\n","m":420}'),
    text,
  );
});

Deno.test("a failed command is reported by its status", async () => {
  await using lambda = new FakeLambda();
  assert.equal((await lambda.run({ args: sh("exit 42") })).status, 42);
  assert.equal((await lambda.run({ args: sh("kill -KILL $$") })).status, 137);
  assert.equal((await lambda.run({ args: sh("kill -40 $$") })).status, 168);
  const late = await lambda.run({
    args: sh("echo a; echo b > b; sleep 1000 & sleep 1000"),
    timeout: 0.5,
    outputs: ["b", "c"],
  });
  assert.equal(late.status, 124);
  assert.equal(textOf(late.stdout), "a\n");
  assert.deepEqual(late.outputs, {
    b: { s: "b\n", m: 0o644 },
    c: { e: "was not made by the command" },
  });
});

Deno.test("processes that a command leaves behind do not delay the answer", async () => {
  await using lambda = new FakeLambda();
  const away = "while [ $(ps -o sid= -p $!) != $! ]; do :; done; echo done; echo $! >&2";
  for (const script of ["sleep 1000 & echo done; echo $! >&2", `setsid sleep 1000 & ${away}`]) {
    const start = performance.now();
    const { stdout, stderr } = await lambda.run({ args: sh(script) });
    assert.equal(textOf(stdout), "done\n");
    assert(performance.now() - start < 5000);
    try {
      Deno.kill(Number(textOf(stderr)), "SIGKILL");
    } catch {
      // It was in the group, and so has ended.
    }
  }
});

Deno.test("the first invocation is the cold one, and times are whole nanoseconds", async () => {
  await using lambda = new FakeLambda();
  const first = await lambda.run({ args: ["true"] });
  const second = await lambda.run({ args: ["sleep", "0.1"] });
  assert.equal(first.times?.cold, true);
  assert.equal(second.times?.cold, false);
  const { e2e = 0, fetch = 0, exec = 0, upload = 0 } = second.times ?? {};
  for (const time of [e2e, fetch, exec, upload]) assert(Number.isInteger(time) && time > 0);
  assert(exec >= 1e8 && e2e >= exec);
  assert((second.memory ?? 0) > 100_000);
  assert.equal(second.runtime, "0.1.0");
});

Deno.test("absent lists and maps may be null, as in the original", async () => {
  await using lambda = new FakeLambda({ args: ["cat"] });
  const { status, stdout } = await lambda.run({
    args: null,
    files: null,
    outputs: null,
    stdin: null,
  });
  assert.equal(status, 0);
  assert.deepEqual(stdout, {});
});

Deno.test("on Lambda the command inherits the environment and its invocation's trace", async () => {
  await using lambda = new FakeLambda({ env: { AWS_SECRET_ACCESS_KEY: "of-the-role" } });
  const { stdout } = await lambda.run({ args: ["env"] });
  assert.match(textOf(stdout), /^AWS_SECRET_ACCESS_KEY=of-the-role$/m);
  assert.match(textOf(stdout), /^_X_AMZN_TRACE_ID=Root=1-trace$/m);
});

Deno.test("500 jobs leave nothing behind in the runtime", async () => {
  await using lambda = new FakeLambda();
  const resident = () =>
    Number(/^VmRSS:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${lambda.pid}/status`))?.[1]);
  const open = () => Array.from(Deno.readDirSync(`/proc/${lambda.pid}/fd`)).length;
  const repeat = async (times: number) => {
    for (let i = 0; i < times; i++) {
      assert.equal((await lambda.run({ args: ["/bin/true"] })).status, 0);
    }
  };
  await repeat(100);
  const before = { resident: resident(), open: open() };
  await repeat(400);
  // The garbage collector takes its time; a leak of one pipe's buffers would be 50 MB.
  assert(resident() - before.resident < 40_000, `${before.resident} kB, then ${resident()} kB`);
  assert(open() <= before.open + 2, `${before.open} files, then ${open()}`);
  await lambda.clean();
});

Deno.test("a program for another architecture is reported as such, and other failures are not", async () => {
  await using lambda = new FakeLambda();
  const bytes = Deno.readFileSync("/bin/ls");
  // The machine in an ELF header; this one's number is nobody's.
  bytes.set([0xff, 0x7f], 18);
  const program = { b: btoa(String.fromCharCode(...bytes.subarray(0, 64))), m: 0o755 };
  const { status, stderr } = await lambda.run({ args: ["./prog"], files: { prog: program } });
  assert.notEqual(status, 0);
  assert.match(textOf(stderr), /prog": it is not a program for this machine \(\w+\)\n$/);
  for (const [args, code] of [[["ls", "/none"], 2], [sh("exit 127"), 127]] as const) {
    const failed = await lambda.run({ args });
    assert.equal(failed.status, code);
    assert.doesNotMatch(textOf(failed.stderr), /machine/);
  }
});
