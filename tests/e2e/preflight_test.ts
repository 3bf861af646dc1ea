import assert from "node:assert/strict";
import { textOf } from "../helpers.ts";
import { compiledPrograms, program, Workplace } from "./llama.ts";

/** Runs a shell command in which `"$@"` is the program, to pass bytes that are not UTF-8. */
async function shell(place: Workplace, line: string): Promise<[number, string, string]> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", line, "sh", ...program, "-local"],
    cwd: place.here(),
    clearEnv: true,
    env: place.environment(),
  }).output();
  assert.deepEqual(await place.list("tmp"), [], "left behind");
  return [code, textOf(stdout), textOf(stderr)];
}

const linux = Deno.build.os === "linux";

Deno.test("an argument that is not UTF-8 is refused, not changed", {
  // Before 2.9, Deno does not start with such an argument, and neither do compiled programs.
  ignore: !linux || compiledPrograms !== undefined || Deno.version.deno.startsWith("2.6."),
}, async () => {
  await using place = new Workplace();
  await place.addShell();
  const hint =
    "llama: hint: llama sends arguments and file names as UTF-8: rename the file, or send " +
    "such bytes in a file\n";
  assert.deepEqual(await shell(place, `"$@" invoke any echo "$(printf 'a\\377b')"`), [
    2,
    "",
    'llama: an argument is not UTF-8: "a\\xffb"\n' + hint,
  ]);
  assert.deepEqual(await shell(place, `"$@" invoke -f "$(printf '\\351.txt')" any true`), [
    2,
    "",
    'llama: an argument is not UTF-8: "\\xe9.txt"\n' + hint,
  ]);
  const replacement = await shell(place, `"$@" invoke any printf %s '\ufffd'`);
  assert.deepEqual(replacement, [0, "\ufffd", ""], "the character itself is one like any other");
});

Deno.test("a current directory whose path is not UTF-8 is reported", {
  ignore: !linux,
}, async () => {
  await using place = new Workplace();
  const enter = 'd=$(printf \'caf\\351\') && mkdir -p "$d" && cd "$d"';
  const expected = [
    2,
    "",
    "llama: cannot use the current directory: its path is not UTF-8\n" +
    "llama: hint: start llama in another directory\n",
  ];
  assert.deepEqual(await shell(place, `${enter} && "$@" invoke any true`), expected);
  assert.deepEqual(await shell(place, `${enter} && echo 1 | "$@" xargs any true`), expected);
  const [status, stdout] = await shell(place, `${enter} && "$@" help`);
  assert.deepEqual([status, stdout.startsWith("llama runs commands")], [0, true]);
});

Deno.test("a temporary directory may be named by a relative path", {
  // Programs compiled with Deno 2.6 do not start with one.
  ignore: compiledPrograms !== undefined,
}, async () => {
  await using place = new Workplace();
  await place.addShell();
  const before = await place.list("work");
  const environment = { TMPDIR: "." };
  // Standard input, outputs that wait for their turn, and output that is too large for memory.
  const input = new Uint8Array(700_000);
  const read = await place.run(["-local", "invoke", "-stdin", "any", "wc", "-c"], {
    environment,
    stdin: input,
  });
  assert.deepEqual([read.status, read.stdout, read.stderr], [0, "700000\n", ""]);
  const sizes = ["5999999", "6000000", "6000001"];
  const many = await place.run(
    ["-local", "xargs", "-k", "any", "sh", "-c", "head -c {{.Line}} /dev/zero", ":::", ...sizes],
    { environment },
  );
  assert.deepEqual([many.status, many.bytes.length, many.stderr], [0, 18_000_000, ""]);
  assert.deepEqual(await place.list("work"), before, "left behind");
});

Deno.test("a missing temporary directory is reported on one line", async () => {
  await using place = new Workplace();
  await place.addShell();
  const environment = { TMPDIR: place.join("none") };
  for (
    const args of [["-local", "invoke", "any", "true"], ["-local", "xargs", "any", ":::", "1"]]
  ) {
    const { status, stdout, stderr } = await place.run(args, { environment });
    assert.notEqual(status, 0);
    assert.equal(stdout, "");
    assert.match(stderr, /^llama: cannot create a directory in \S+: no such file or directory\n/);
    assert.match(stderr, /^llama: hint: set TMPDIR to a writable directory\n$/m);
  }
});

Deno.test("a current directory removed during a run costs the jobs their outputs, in few lines", {
  ignore: !linux,
}, async () => {
  await using place = new Workplace();
  await place.addShell();
  const gone = place.here("gone");
  const [status, stdout, stderr] = await shell(
    place,
    `mkdir gone && cd gone && "$@" -functions ${place.here("images")} xargs -j 1 any sh -c ` +
      `'rm -rf ${gone}; echo ran {{.Line}}; echo x >{{.O (printf "o%s" .Line)}}' ::: 1 2`,
  );
  assert.equal(status, 1);
  assert.equal(stdout, "ran 1\nran 2\n");
  const lines = stderr.trimEnd().split("\n");
  for (const line of lines) assert.match(line, /^llama: /);
  assert.match(stderr, /output "o1": no such file or directory/);
  assert.match(stderr, /^llama: 2 x output error: .*no such file or directory \(jobs 1, 2\)$/m);
});
