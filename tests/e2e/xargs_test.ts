import assert from "node:assert/strict";
import { until } from "../helpers.ts";
import { exists, Workplace } from "./llama.ts";

Deno.test("xargs runs one job per line, and the last line needs no line feed", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stdout, stderr } = await place.local(
    ["xargs", "any", "echo", "{{.Idx}}:{{.Line}}"],
    { stdin: "one\n\nthree four\nlast" },
  );
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual(stdout.split("\n").sort(), ["", "0:one", "1:", "2:three four", "3:last"]);
});

Deno.test("1,000 jobs with files both ways", async () => {
  await using place = new Workplace();
  await place.addShell();
  const names = Array.from({ length: 1000 }, (_, i) => `f${i}`);
  await Promise.all(names.map((name) => place.write(`work/in/${name}`, `contents of ${name}\n`)));
  const { status, stdout, stderr } = await place.local(
    [
      "xargs",
      "-progress",
      "none",
      "any",
      "cp",
      '{{.I (printf "in/%s" .Line)}}',
      '{{.O (printf "out/%s" .Line)}}',
    ],
    { stdin: names.join("\n") },
  );
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  for (const name of names) {
    assert.equal(await Deno.readTextFile(place.here("out", name)), `contents of ${name}\n`);
  }
  assert.equal((await place.list("work/out")).length, 1000);
});

Deno.test("a failed job is reported with command, status and stderr, and the others run", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stdout, stderr } = await place.local(
    ["xargs", "any", "sh", "-c", "{{.Line}}"],
    { stdin: "echo fine\necho no >&2; exit 3\nkill -KILL $$\necho too\n" },
  );
  assert.equal(status, 1);
  assert.deepEqual(stdout.split("\n").sort(), ["", "fine", "too"]);
  assert.match(stderr, /^no$/m);
  assert.match(stderr, /^llama: job 2: any sh -c 'echo no >&2; exit 3': exit status 3$/m);
  assert.match(
    stderr,
    /^llama: job 3: any sh -c 'kill .*: exit status 137 \(killed by signal 9\)$/m,
  );
  assert.match(stderr, /^llama: 2 of 4 jobs failed$/m);
});

Deno.test("a job's output is never mixed with another's", async () => {
  await using place = new Workplace();
  await place.addShell();
  const lines = Array.from({ length: 40 }, (_, i) => String.fromCharCode(65 + i % 26) + i);
  const { stdout } = await place.local(
    [
      "xargs",
      "any",
      "sh",
      "-c",
      "for i in 1 2 3 4 5 6 7 8; do printf %20000s {{.Line}}; done; echo",
    ],
    { stdin: lines.join("\n") },
  );
  const got = stdout.trimEnd().split("\n");
  assert.equal(got.length, 40);
  const seen = new Set<string>();
  for (const line of got) {
    const words = new Set(line.trim().split(/ +/));
    assert.equal(words.size, 1, "one job's words only");
    assert.equal(line.length, 160_000);
    for (const word of words) seen.add(word);
  }
  assert.deepEqual([...seen].sort(), lines.toSorted());
});

Deno.test("a missing input fails its job before anything is sent, the others run", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/there", "x");
  const { status, stdout, stderr } = await place.local(
    ["xargs", "any", "cat", "{{.I .Line}}"],
    { stdin: "missing\nthere\n/absolute\n..\nimages\n" },
  );
  assert.deepEqual([status, stdout], [1, "x"]);
  assert.match(stderr, /^llama: job 1: any cat missing: cannot read "missing": no such file or/m);
  assert.match(
    stderr,
    /^llama: job 3: line \/absolute: .*Cannot pass absolute path: "\/absolute"/m,
  );
  assert.match(stderr, /^llama: job 4: .*Cannot pass path outside working directory: "\.\."$/m);
  assert.match(stderr, /^llama: job 5: .*cannot send "images": is a directory$/m);
});

Deno.test("of two jobs with the same output, the second fails before it is sent", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stdout, stderr } = await place.local(
    ["xargs", "-j", "1", "any", "sh", "-c", "echo ran {{.Line}} | tee {{.O `same`}}"],
    { stdin: "a\nb\n" },
  );
  assert.deepEqual([status, stdout], [1, "ran a\n"]);
  assert.match(stderr, /job 2: .*same" is already written by job 1$/m);
  assert.equal(await Deno.readTextFile(place.here("same")), "ran a\n");
});

Deno.test("a job fails if its file has the name of a file of -f, and the others run", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (const name of ["a", "b", "model"]) await place.write(`work/${name}`, `${name}\n`);
  const { status, stdout, stderr } = await place.local(
    ["xargs", "-k", "-f", "model:b", "any", "cat", "b", "{{.I .Line}}", ":::", "a", "b"],
  );
  assert.deepEqual([status, stdout], [1, "model\na\n"]);
  assert.match(
    stderr,
    /^llama: job 2: any cat b b: cannot send two files as "b": "model" and "b"$/m,
  );
});

Deno.test("-f sends files with every job, and -0 reads lines that end in NUL", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/data/small", "s");
  await place.write("work/data/large", "L".repeat(30_000));
  const { status, stdout } = await place.local(
    ["xargs", "-0", "-f", "data", "any", "sh", "-c", 'wc -c <data/large; echo "$0"', "{{.Line}}"],
    { stdin: "a\nb\0c" },
  );
  assert.equal(status, 0);
  assert.deepEqual(stdout.split("\n").sort(), ["", "30000", "30000", "a", "b", "c"]);
});

Deno.test("AsFile sends a line as a file", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { stdout } = await place.local(["xargs", "any", "cat", "{{.AsFile .Line}}"], {
    stdin: "-n tricky 'line'\n",
  });
  assert.equal(stdout, "-n tricky 'line'\n");
});

Deno.test("a line that is not UTF-8 fails its job, and is kept whole as a file", async () => {
  await using place = new Workplace();
  await place.addShell();
  const stdin = new Uint8Array([0x61, 0xff, 10]);
  const argument = await place.local(["xargs", "any", "echo", "{{.Line}}"], { stdin });
  assert.equal(argument.status, 1);
  assert.match(argument.stderr, /produces an argument that is not UTF-8/);
  const file = await place.local(["xargs", "any", "cat", "{{.AsFile .Line}}"], { stdin });
  assert.deepEqual(new Uint8Array(file.bytes), stdin);
});

Deno.test("the first job starts before the second line arrives", async () => {
  await using place = new Workplace();
  await place.addShell();
  const child = place.start(["-local", "xargs", "any", "touch", place.here("ran-{{.Line}}")]);
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode("first\n"));
  await until(() => exists(place.here("ran-first")), "the first job ran");
  await stdin.write(new TextEncoder().encode("second\n"));
  await stdin.close();
  assert.equal((await child.output()).code, 0);
  assert(exists(place.here("ran-second")));
});

Deno.test("endless input is read on demand, and a closed reader ends the run with 141", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = `yes line | "$@" | head -n 3; exit "\${PIPESTATUS[1]}"`;
  const { program } = await import("./llama.ts");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: [
      "-c",
      script,
      "bash",
      ...program,
      "-local",
      "xargs",
      "-j",
      "4",
      "any",
      "echo",
      "{{.Idx}}",
    ],
    cwd: place.here(),
    clearEnv: true,
    env: place.environment(),
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.equal(code, 141);
  assert.equal(new TextDecoder().decode(stdout).trim().split("\n").length, 3);
  assert.deepEqual(await place.list("tmp"), []);
});

Deno.test("-j limits the number of concurrent jobs", async () => {
  await using place = new Workplace();
  await place.addShell();
  await Deno.mkdir(place.here("running"));
  const script = `touch ${place.here("running")}/$0; ls ${place.here("running")} | wc -l; ` +
    `rm ${place.here("running")}/$0`;
  const { stdout } = await place.local(
    ["xargs", "-j", "1", "any", "sh", "-c", script, "{{.Line}}"],
    {
      stdin: "1\n2\n3\n4\n5\n",
    },
  );
  assert.equal(stdout, "1\n".repeat(5));
});

Deno.test("empty input runs no jobs and succeeds", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stdout, stderr } = await place.local(["xargs", "any", "echo"], { stdin: "" });
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
});
