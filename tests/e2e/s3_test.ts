import assert from "node:assert/strict";
import { pathOfObject } from "../../lib/store/s3_path.ts";
import { Workplace } from "./llama.ts";

Deno.test("a run reads and writes objects of the emulator's bucket, and is resumed by what is there", async () => {
  await using place = new Workplace();
  await place.addShell();
  const names = ["one", "two words", "drei/ümläut"];
  for (const name of names) await place.write(`work/s3/in/${name}`, name);
  const args = [
    "xargs",
    "-skip-existing",
    "-f",
    "s3://local/in/one:shared",
    "any",
    "sh",
    "-c",
    'cat shared "$0" >"$1" && echo made',
    "{{.I (printf `s3://local/in/%s` .Line)}}",
    "{{.O (printf `s3://local/out/%s` .Line)}}",
    ":::",
    ...names,
  ];
  const run = await place.local(args);
  assert.deepEqual([run.status, run.stdout, run.stderr], [0, "made\n".repeat(3), ""]);
  for (const name of names) {
    assert.equal(await Deno.readTextFile(place.here("s3/out", name)), `one${name}`);
  }
  assert.deepEqual(await place.list("work"), [
    "work/images",
    "work/images/any",
    "work/images/any/function.json",
    "work/s3",
    "work/s3/in",
    "work/s3/in/drei",
    "work/s3/in/drei/ümläut",
    "work/s3/in/one",
    "work/s3/in/two words",
    "work/s3/out",
    "work/s3/out/drei",
    "work/s3/out/drei/ümläut",
    "work/s3/out/one",
    "work/s3/out/two words",
  ]);
  await Deno.remove(place.here("s3/out/one"));
  const again = await place.local(args);
  assert.deepEqual([again.status, again.stdout], [0, "made\n"]);
});

Deno.test("an object that is not there, and one that is elsewhere, fail before anything runs", async () => {
  await using place = new Workplace();
  await place.addShell();
  const args = ["invoke", "any", "sh", "-c", "touch $0"];
  const missing = await place.local([...args, place.here("ran"), '{{.I "s3://local/none"}}']);
  assert.deepEqual([missing.status, missing.stderr], [
    125,
    "llama: cannot read s3://local/none: no such object\n",
  ]);
  const elsewhere = await place.local([...args, place.here("ran"), '{{.I "s3://bucket/key"}}']);
  assert.equal(elsewhere.status, 2);
  assert.match(elsewhere.stderr, /s3:\/\/bucket\/key is not in reach of functions on this machine/);
  await assert.rejects(Deno.stat(place.here("ran")), Deno.errors.NotFound);
});

Deno.test("-a lists the objects of a prefix or a pattern, or reads the lines of an object", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (const name of ["a.gz", "b.gz", "deep/c.gz", "deep/d e.txt", "odd\nname.gz"]) {
    await place.write(`work/s3/in/${name}`, name);
  }
  await place.write("work/s3/lines.txt", "s3://local/in/a.gz\ns3://local/in/b.gz\n");
  await place.write("work/s3/other", "not listed");
  const run = async (a: string, ...more: string[]) => {
    const command = ["xargs", "-k", ...more, "-a", a, "any", "sh", "-c", 'cat "$0"; echo'];
    const { status, stdout, stderr } = await place.local([...command, "{{.I .Line}}"]);
    return [status, stdout, stderr];
  };
  const all = "a.gz\nb.gz\ndeep/c.gz\ndeep/d e.txt\nodd\nname.gz\n";
  assert.deepEqual(await run("s3://local/in/"), [0, all, ""]);
  const zipped = "a.gz\nb.gz\ndeep/c.gz\nodd\nname.gz\n";
  assert.deepEqual(await run("s3://local/in/*.gz"), [0, zipped, ""]);
  assert.deepEqual(await run("s3://local/in/?.gz"), [0, "a.gz\nb.gz\n", ""]);
  assert.deepEqual(await run("s3://local/lines.txt"), [0, "a.gz\nb.gz\n", ""]);
  assert.deepEqual(await run("s3://local/none/*"), [
    0,
    "",
    "llama: no objects: s3://local/none/*\n" +
    "llama: hint: a pattern has * and ?; a prefix ends in /; -a-as lines reads one object\n",
  ]);
  assert.deepEqual(await run("s3://local/none"), [
    1,
    "",
    "llama: cannot read s3://local/none: no such object\n",
  ]);
  const [status] = await run("s3://local/in/", "-0");
  assert.equal(status, 2);
});

Deno.test("kept results: a job whose data is in S3 runs only if its input or output has changed", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (const name of ["a", "b"]) await place.write(`work/s3/in/${name}`, name);
  const run = async (flag: string) => {
    const { status, stdout, stderr } = await place.local([
      ...["xargs", "-k", flag, "-a", "s3://local/in/", "any", "sh", "-c"],
      'echo "$(cat "$0")" ran; tr a-z A-Z <"$0" >"$1"',
      "{{.I .Line}}",
      "{{.O (printf `s3://local/out/%s` (base .Line))}}",
    ]);
    return [status, stdout, stderr];
  };
  const both = [0, "a ran\nb ran\n", ""];
  assert.deepEqual(await run("-cache"), both);
  assert.deepEqual(await run("-cache-only"), both);
  // What is verified is written again, and the result stays in use.
  assert.deepEqual(await run("-cache-verify"), both);
  assert.deepEqual(await run("-cache-only"), both);
  await place.write("work/s3/in/b", "bb");
  assert.deepEqual(await run("-cache-explain"), [
    0,
    "a ran\nbb ran\n",
    `llama: job 2: input ${pathOfObject("s3://local/in/b")} changed\n`,
  ]);
  assert.equal(await Deno.readTextFile(place.here("s3/out/b")), "BB");
  await Deno.remove(place.here("s3/out/a"));
  const [, , why] = await run("-cache-explain");
  assert.equal(
    why,
    "llama: job 1: output s3://local/out/a: cannot read s3://local/out/a: no such object\n",
  );
  assert.equal(await Deno.readTextFile(place.here("s3/out/a")), "A");
  await place.write("work/s3/out/b", "mine");
  const [status, , notKept] = await run("-cache-only");
  assert.equal(status, 1);
  assert.match(String(notKept), /output s3:\/\/local\/out\/b has changed since it was kept/);
});

Deno.test("-a-as says how -a s3://... is read, whatever characters the key has", async () => {
  await using place = new Workplace();
  await place.addShell();
  for (const name of ["log-1", "log-2", "log*", "log*s", "other"]) {
    await place.write(`work/s3/${name}`, `in ${name}\n`);
  }
  const run = async (...input: string[]) => {
    const args = ["xargs", "-k", ...input, "any", "echo", "{{.Line}}"];
    const { status, stdout, stderr } = await place.local(args);
    return [status, stdout, stderr];
  };
  const urls = (...names: string[]) => names.map((name) => `s3://local/${name}\n`).join("");
  assert.deepEqual(await run("-a-as", "lines", "-a", "s3://local/log*"), [0, "in log*\n", ""]);
  assert.deepEqual(await run("-a-as", "prefix", "-a", "s3://local/log-"), [
    0,
    urls("log-1", "log-2"),
    "",
  ]);
  assert.deepEqual(await run("-a-as", "prefix", "-a", "s3://local/log*"), [
    0,
    urls("log*", "log*s"),
    "",
  ]);
  assert.deepEqual(await run("-a-as", "prefix", "-a", "s3://local/none"), [
    0,
    "",
    "llama: no objects: s3://local/none\n" +
    "llama: hint: with -a-as prefix, * and ? stand for themselves\n",
  ]);
  assert.deepEqual(await run("-a-as", "lines", "-a", "file"), [
    2,
    "",
    "llama: -a-as lines is about objects in S3\n" +
    "llama: hint: add -a s3://BUCKET/..., or omit it\n",
  ]);
});

Deno.test("2,000 objects are listed, read and written, several by each job", async () => {
  await using place = new Workplace();
  await place.addShell();
  await Deno.mkdir(place.here("s3/in"), { recursive: true });
  for (let i = 0; i < 2000; i++) Deno.writeTextFileSync(place.here(`s3/in/${i}`), `${i}\n`);
  const { status, stdout, stderr } = await place.local([
    ...["xargs", "-n", "100", "-a", "s3://local/in/", "any", "sh", "-c"],
    'out="$1"; shift; cat "$@" >"$out"; echo $#',
    "sh",
    '{{.O (printf "s3://local/out/%d" .Idx)}}',
    "{{.I .Each}}",
  ]);
  assert.deepEqual([status, stdout, stderr], [0, "100\n".repeat(20), ""]);
  const numbers = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const text = await Deno.readTextFile(place.here(`s3/out/${i}`));
    for (const line of text.trim().split("\n")) numbers.add(line);
  }
  assert.equal(numbers.size, 2000);
});

Deno.test("invoke writes a named file to S3, and refuses a directory", async () => {
  await using place = new Workplace();
  await place.addShell();
  const script = "echo made >dir/file";
  const run = (output: string) => place.local(["invoke", "-o", output, "any", "sh", "-c", script]);
  const { status, stderr } = await run("s3://local/a\\:b:dir/file");
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(await Deno.readTextFile(place.here("s3/a:b")), "made\n");
  for (const output of ["s3://local/dir/", "s3://local/dir:dir/"]) {
    const refused = await run(output);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /a directory cannot be written to S3/);
  }
});
