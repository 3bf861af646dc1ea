import assert from "node:assert/strict";
import { jobRecordSchema } from "../../mod.ts";
import { Workplace } from "./llama.ts";

Deno.test("an output directory comes back from each job of xargs", async () => {
  await using place = new Workplace();
  await place.addShell();
  const { status, stdout } = await place.local(
    ["xargs", "any", "sh", "-c", 'mkdir "$0/sub" && echo "$1" | tee "$0/sub/f" >"$0/g"']
      .concat("{{.O (printf `out/%d/` .Idx)}}", "{{.Line}}", ":::", "a", "b"),
  );
  assert.deepEqual([status, stdout], [0, ""]);
  for (const [index, text] of ["a\n", "b\n"].entries()) {
    assert.equal(await Deno.readTextFile(place.here("out", `${index}`, "sub", "f")), text);
    assert.equal(await Deno.readTextFile(place.here("out", `${index}`, "g")), text);
  }
});

Deno.test("an output directory in which the command created nothing is a missing output", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = 'case "$1" in a) ;; b) rmdir "$0" ;; c) touch "$0/x"; rm "$0/x" ;; esac';
  const { status, stdout, stderr } = await place.local(
    ["xargs", "-k", "-json", "any", "sh", "-c", script, "{{.O (printf `out/%d/` .Idx)}}"]
      .concat("{{.Line}}", ":::", "a", "b", "c"),
  );
  assert.equal(status, 1);
  const errors = stdout.trimEnd().split("\n").map((line) =>
    jobRecordSchema.parse(JSON.parse(line)).errors.map(({ message }) => message)
  );
  assert.deepEqual(errors, [
    ['output "out/0/": the command did not create it'],
    ['output "out/1/": the command did not create it'],
    [],
  ]);
  assert.match(stderr, /hint: the command must create files in "out\/[01]\/", a directory/);
});

Deno.test("directories of other outputs and of inputs do not count as created", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/out/in", "in");
  const kept = await place.local(
    ["invoke", "-o", "back/:out/", "-f", "out/in", "any", "true"],
  );
  assert.equal(kept.status, 0);
  assert.equal(await Deno.readTextFile(place.here("back/in")), "in");
  await Deno.mkdir(place.here("empty"));
  const empty = await place.local(["invoke", "-o", "empty/", "-f", "empty/", "any", "true"]);
  assert.equal(empty.status, 0, empty.stderr);
  const nested = await place.local(
    ["invoke", "-o", "new/", "-o", "new/sub/", "any", "touch", "new/sub/x"],
  );
  assert.equal(nested.status, 0, nested.stderr);
  assert((await Deno.stat(place.here("new/sub/x"))).isFile);
});

Deno.test("several ::: lists are combined, and -n gives a job several arguments", async () => {
  await using place = new Workplace();
  await place.addShell();
  const combined = await place.local(
    [
      "xargs",
      "-k",
      "-tag",
      "any",
      "echo",
      "{{.Col 2}}-{{.Col 1}}",
      ":::",
      "a",
      "b",
      ":::",
      "1",
      "2",
    ],
  );
  assert.equal(combined.stdout, "a 1\t1-a\na 2\t2-a\nb 1\t1-b\nb 2\t2-b\n");
  for (const name of ["a", "b", "c"]) await place.write(`work/${name}`, `${name}\n`);
  const several = await place.local(
    ["xargs", "-k", "-n", "2", "any", "cat", "{{.I .Each}}", ":::", "c", "a", "b"],
  );
  assert.deepEqual([several.status, several.stdout], [0, "c\na\nb\n"]);
});

Deno.test("-colsep makes columns of lines, also in a dry run", async () => {
  await using place = new Workplace();
  const { stdout } = await place.run(
    ["xargs", "-dry-run", "-colsep", ",", "-a", "-", "f", "{{.Col 2}}", "{{.Line}}"],
    { stdin: "a,b c\nd,e\n" },
  );
  assert.equal(stdout, "f 'b c' 'a,b c'\nf e d,e\n");
});

Deno.test("a run with combined lists is resumed, also by a log without hashes", async () => {
  await using place = new Workplace();
  await place.addShell();
  const args = ["any", "echo", "{{.Col 1}}", "{{.Col 2}}", ":::", "a", "b", ":::", "1"];
  const flags = ["xargs", "-k", "-joblog", "log"];
  await place.local([...flags, ...args]);
  const log = await Deno.readTextFile(place.here("log"));
  for (const text of [log, log.replaceAll(/ #llama:[0-9a-f]*/g, "")]) {
    await Deno.writeTextFile(place.here("log"), text);
    const others = await place.local([...flags, "-resume", ...args, "2"]);
    assert.deepEqual([others.status, others.stdout], [2, ""]);
    assert.match(others.stderr, /job 2/);
    const same = await place.local([...flags, "-resume", ...args]);
    assert.deepEqual([same.status, same.stdout, same.stderr], [0, "", ""]);
  }
});

Deno.test("a byte order mark, UTF-16 and NUL bytes in the input are named", async () => {
  await using place = new Workplace();
  await place.write("work/a", "a");
  const dry = (stdin: string | Uint8Array, template = "{{.I .Line}}") =>
    place.run(["xargs", "-dry-run", "f", template], { stdin });
  const marked = await dry("\ufeffa\n");
  assert.equal(marked.status, 1);
  assert.match(
    marked.stderr,
    /^llama: line 1 begins with a byte order mark \(U\+FEFF\).*\nllama: hint: .*\\xef\\xbb\\xbf/,
  );
  for (const bytes of [[0xff, 0xfe, 0x61, 0, 0x0a, 0], [0xfe, 0xff, 0, 0x61, 0, 0x0a]]) {
    const wide = await dry(Uint8Array.from(bytes));
    assert.match(wide.stderr, /^llama: the input is encoded as UTF-16\nllama: hint: .*iconv/);
  }
  const nul = await dry("a\0b\0");
  assert.equal(nul.status, 1);
  assert.match(
    nul.stderr,
    /Cannot pass a path with a NUL byte: "a\\x00b\\x00"\nllama: hint: .*-0$/m,
  );
  const blank = await dry("a\n\n");
  assert.match(blank.stderr, /job 2: .*Cannot pass an empty path\nllama: hint: the line is blank/);
  assert.equal((await dry("a\n")).stderr, "llama: 1 job would run, and send 1 file, 1 B\n");
});

Deno.test("the name of an existing file is not split at its colon", async () => {
  await using place = new Workplace();
  await place.addShell();
  await place.write("work/12:30", "noon");
  const whole = await place.local(["invoke", "-f", "12:30", "any", "cat", "12:30"]);
  assert.equal(whole.stdout, "noon");
  const renamed = await place.local(["invoke", "-f", "12\\:30:t", "any", "cat", "t"]);
  assert.equal(renamed.stdout, "noon");
  const back = await place.local(
    ["invoke", "-o", "at\\:1:t", "any", "sh", "-c", "echo one >t"],
  );
  assert.equal(back.status, 0, back.stderr);
  assert.equal(await Deno.readTextFile(place.here("at:1")), "one\n");
});
