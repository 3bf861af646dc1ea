/** The input of runs, what they print and keep, and what ends them. */

import assert from "node:assert/strict";
import { jobRecordSchema } from "../../mod.ts";
import { Workplace } from "./llama.ts";

/** Creates a workplace with a function that runs any command. */
async function workplace(): Promise<Workplace> {
  const place = new Workplace();
  await place.addShell();
  return place;
}

Deno.test("lines come from arguments or a file, with any delimiter, and several per job", async () => {
  await using place = await workplace();
  await place.write("work/lines", "a,b c,d");
  const run = async (...args: string[]) => {
    const { status, stdout, stderr } = await place.local(["xargs", "-k", ...args], {
      stdin: "no\n",
    });
    assert.deepEqual([status, stderr], [0, ""]);
    return stdout;
  };
  const echo = ["any", "echo", "{{.Idx}}={{.Line}}"];
  assert.equal(await run(...echo, ":::", "x", "y z"), "0=x\n1=y z\n");
  assert.equal(await run(...echo, ":::"), "");
  assert.equal(await run("-a", "lines", ...echo), "0=a,b c,d\n");
  assert.equal(await run("-a", "lines", "-d", ",", ...echo), "0=a\n1=b c\n2=d\n");
  const several = [
    "any",
    "printf",
    "%s|",
    "{{range .Lines}}<{{.}}>{{end}}",
    "{{.Line}}",
    "{{.Idx}}",
  ];
  assert.equal(
    await run("-a", "lines", "-d", ",", "-n", "2", ...several),
    "<a><b c>|a\nb c|0|<d>|d|1|",
  );
});

Deno.test("an input file that cannot be read is named", async () => {
  await using place = await workplace();
  const { status, stderr } = await place.local(["xargs", "-a", "absent", "any", "echo"]);
  assert.deepEqual([status, stderr], [
    1,
    'llama: cannot read "absent": no such file or directory\n',
  ]);
});

Deno.test("-k prints in input order, whichever job ends first", async () => {
  await using place = await workplace();
  // The first job ends only when the last has.
  const script = 'if [ "$0" = 1 ]; then while [ ! -e "$1" ]; do sleep 0.01; done; fi; ' +
    'echo "out $0"; echo "err $0" >&2; if [ "$0" = 3 ]; then touch "$1"; fi';
  const args = ["any", "sh", "-c", script, "{{.Line}}"];
  const lines = [":::", "1", "2", "3"];
  for (const flags of [["-k"], ["-print", "keep-order"], ["-k", "-print", "line"]]) {
    const go = place.here(`go${flags.join("")}`);
    const { stdout, stderr } = await place.local(["xargs", ...flags, ...args, go, ...lines]);
    assert.deepEqual([stdout, stderr], ["out 1\nout 2\nout 3\n", "err 1\nerr 2\nerr 3\n"]);
  }
});

Deno.test("-tag prefixes each line with its input, and -print none prints no output", async () => {
  await using place = await workplace();
  const args = ["any", "sh", "-c", "printf 'a\\nb'; echo c >&2; exit 1", ":::", "x y"];
  const tagged = await place.local(["xargs", "-tag", ...args]);
  assert.equal(tagged.stdout, "x y\ta\nx y\tb\n");
  assert.match(
    tagged.stderr,
    /^x y\tc\nllama: job 1: .*: exit status 1\nllama: 1 of 1 jobs failed\n$/,
  );
  const none = await place.local(["xargs", "-print", "none", ...args]);
  assert.equal(none.stdout, "");
  assert.match(none.stderr, /^llama: job 1: .*: exit status 1\n/);
});

Deno.test("-json prints one record per job that matches the schema, and nothing else", async () => {
  await using place = await workplace();
  const { status, stdout } = await place.local([
    "xargs",
    "-json",
    "-k",
    "-logs",
    "any",
    "sh",
    "-c",
    'printf "%b" "$0"; echo file >"$1"; exit {{.Idx}}',
    "{{.Line}}",
    '{{.O (printf "out/%d" .Idx)}}',
    ":::",
    "text",
    "\\0377",
  ]);
  assert.equal(status, 1);
  const lines = stdout.split("\n");
  assert.deepEqual([lines.length, lines.pop()], [3, ""]);
  const [first, second] = lines.map((line) => jobRecordSchema.parse(JSON.parse(line)));
  assert.deepEqual(
    [first?.seq, first?.ok, first?.status, first?.stdout, first?.stdoutBase64, first?.outputs],
    [1, true, 0, "text", undefined, ["out/0"]],
  );
  assert.deepEqual(
    [second?.seq, second?.ok, second?.status, second?.stdout, second?.stdoutBase64],
    [2, false, 1, undefined, "/w=="],
  );
  // Lambda's own figures, from its log.
  assert.match(first?.log ?? "", /^REPORT RequestId: /m);
  assert.equal(first?.cost?.isEstimate, false);
  assert.equal(first?.functionMemory, 512);
  assert((first?.billedMilliseconds ?? 0) > 0 && (first?.usedMemory ?? 0) > 0);
  assert.equal(first?.times?.cold, true);
});

Deno.test("-dry-run prints what would run, with its files, and sends nothing", async () => {
  await using place = await workplace();
  await place.write("work/in", "12345");
  const args = [
    "any",
    "cp",
    "{{.I .Line}}",
    '{{.O (printf "%s.out" .Line)}}',
    ":::",
    "in",
    "absent",
  ];
  // There is no function or store that could be called.
  const { status, stdout, stderr } = await place.run(["xargs", "-dry-run", ...args]);
  assert.equal(status, 1);
  assert.equal(
    stdout,
    "any cp in in.out\n  sends in (5 B)\n  fetches in.out\n" +
      "any cp absent absent.out\n  fetches absent.out\n",
  );
  assert.match(stderr, /^llama: job 2: any cp absent absent\.out: cannot read "absent": no such/);
  const json = await place.run(["xargs", "-dry-run", "-json", ...args]);
  const [first, second] = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(first, {
    seq: 1,
    function: "any",
    command: "any cp in in.out",
    args: ["cp", "in", "in.out"],
    inputs: [{ remote: "in", local: "in", bytes: 5 }],
    outputs: [{ remote: "in.out", local: "in.out" }],
    errors: [],
  });
  assert.equal(second.errors[0].code, "input");
});

Deno.test("-retries retries a failed job", async () => {
  await using place = await workplace();
  const tries = place.here("tries");
  const script = `echo x >>"${tries}"; [ "$(wc -l <"${tries}")" -ge 3 ]`;
  const { status, stderr } = await place.local(
    ["xargs", "-retries", "5", "-summary", "any", "sh", "-c", script, ":::", "a"],
  );
  assert.equal(status, 0);
  assert.equal(await Deno.readTextFile(tries), "x\nx\nx\n");
  assert.match(stderr, /^llama: 1 job, 2 retries, \d cold starts?; .* of work\b/);
});

Deno.test("-timeout stops a command and its children, and keeps the output so far", async () => {
  await using place = await workplace();
  const script = "echo here; echo half >{{.O `half`}}; sleep 1000 & sleep 1000";
  const { status, stdout, stderr } = await place.local(
    ["xargs", "-timeout", "0.5", "any", "sh", "-c", script, ":::", "a"],
  );
  assert.deepEqual([status, stdout], [1, "here\n"]);
  assert.match(stderr, /^llama: job 1: .*: exit status 124 \(timed out\)$/m);
  assert.equal(await Deno.readTextFile(place.here("half")), "half\n");
  const invoke = await place.local(["invoke", "-timeout", "0.5", "any", "sleep", "1000"]);
  assert.equal(invoke.status, 124);
});

Deno.test("-halt ends a run when jobs fail, with status 1 and the reason", async () => {
  await using place = await workplace();
  const lines = ["true", "false", ...Array.from({ length: 50 }, () => "true")];
  const { status, stderr } = await place.local(
    ["xargs", "-j", "1", "-halt", "soon,fail=1", "any", "{{.Line}}"],
    { stdin: lines.join("\n") },
  );
  assert.equal(status, 1);
  assert.equal(
    stderr,
    "llama: job 2: any false: exit status 1\n" +
      "llama: 1 job failed: no more jobs are started\n" +
      "llama: hint: continue with the same command and -resume-last; add -resume-failed to rerun failed jobs too\n" +
      "llama: ended early: 1 done, 1 failed, 0 dropped in flight, 50 not started\n",
  );
});

Deno.test("-max-cost ends a run at its price, with status 1 and the reason", async () => {
  await using place = await workplace();
  const { status, stdout, stderr } = await place.local(
    ["xargs", "-j", "1", "-max-cost", "0.0000003", "any", "echo"],
    { stdin: "\n".repeat(50) },
  );
  // A job costs $0.0000002 and its time.
  assert.equal(status, 1);
  assert(stdout.length >= 1 && stdout.length <= 2, stdout);
  assert.match(
    stderr,
    /^llama: the run has cost ~?\$0\.0000\d+: no more jobs are started\nllama: hint: raise/,
  );
});

Deno.test("-summary prints the time and the cost of a run", async () => {
  await using place = await workplace();
  await place.write(
    "work/prices",
    JSON.stringify({
      date: "2030-01-01",
      source: "a guess",
      default: { x86_64: 0, arm64: 0, request: 2, s3Put: 0, s3Get: 0 },
    }),
  );
  const { status, stderr } = await place.local(
    ["xargs", "-summary", "-logs", "-print", "none", "-prices", "prices", "any", "true"],
    { stdin: "a\nb\nc\n" },
  );
  assert.equal(status, 0);
  assert.match(stderr, /^llama: 3 jobs, \d cold starts?; \d+\.\ds for \d+\.\ds of work/m);
  assert.match(
    stderr,
    /^llama: \d+ B sent, \d+ B received; 3 requests to Lambda; \$6\.00 if run in AWS \(prices of 2030-01-01\)$/m,
  );
});

Deno.test("prices that cannot be read are a usage error before anything runs", async () => {
  await using place = await workplace();
  const args = ["xargs", "-prices", "absent", "any", "touch", place.here("ran"), ":::", "a"];
  const { status, stderr } = await place.local(args);
  assert.equal(status, 2);
  assert.match(stderr, /^llama: cannot read the prices in "absent": no such file or directory\n$/);
  assert.deepEqual((await place.list("work")).includes("work/ran"), false);
});

Deno.test("-results keeps the output of each job", async () => {
  await using place = await workplace();
  await place.local(
    ["xargs", "-results", "res", "-print", "none", "any", "sh", "-c", "echo {{.Line}}; echo e >&2"],
    { stdin: "a\nb\n" },
  );
  assert.equal(await Deno.readTextFile(place.here("res/1/stdout")), "a\n");
  assert.equal(await Deno.readTextFile(place.here("res/2/stdout")), "b\n");
  assert.equal(await Deno.readTextFile(place.here("res/2/stderr")), "e\n");
  const status = JSON.parse(await Deno.readTextFile(place.here("res/2/status.json")));
  assert.equal(jobRecordSchema.parse(status).line, "b");
});
