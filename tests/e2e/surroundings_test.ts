import assert from "node:assert/strict";
import { textOf } from "../helpers.ts";
import { compiledPrograms, program, Workplace } from "./llama.ts";

/** Runs a shell's line in which `"$@"` is the program; the way to bytes that are not UTF-8. */
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

Deno.test("an argument that is not UTF-8 is refused rather than changed", {
  // Before 2.9, Deno itself does not start with one, and neither does a program that it compiled.
  ignore: !linux || compiledPrograms !== undefined || Deno.version.deno.startsWith("2.6."),
}, async () => {
  await using place = new Workplace();
  await place.addShell();
  const hint = "llama: hint: arguments and names of files travel as UTF-8: give the file another " +
    "name, or send such bytes in a file\n";
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

Deno.test("a current directory whose path is not UTF-8 is named as such", {
  ignore: !linux,
}, async () => {
  await using place = new Workplace();
  const enter = 'd=$(printf \'caf\\351\') && mkdir -p "$d" && cd "$d"';
  const expected = [
    2,
    "",
    "llama: cannot work in the current directory: its path is not UTF-8\n" +
    "llama: hint: start llama in another directory\n",
  ];
  assert.deepEqual(await shell(place, `${enter} && "$@" invoke any true`), expected);
  assert.deepEqual(await shell(place, `${enter} && echo 1 | "$@" xargs any true`), expected);
  const [status, stdout] = await shell(place, `${enter} && "$@" help`);
  assert.deepEqual([status, stdout.startsWith("llama runs commands")], [0, true]);
});
