/** Runs the recipes of docs/recipes.md on this machine. */

import assert from "node:assert/strict";
import { commands } from "../../lib/commands/list.ts";
import { program as globalProgram } from "../../lib/commands/spec/global.ts";
import { parseCommandLine } from "../../lib/cli/parse.ts";
import { literalWords } from "../../lib/text/shell_unquote.ts";
import { program, Workplace } from "./llama.ts";

const page = await Deno.readTextFile(new URL("../../docs/recipes.md", import.meta.url));

/** A section of the page. */
interface Recipe {
  /** The shell commands, without those that create functions. */
  readonly script: string;
  /** The programs of the functions by name. */
  readonly functions: ReadonlyMap<string, string>;
  /** The files that the page shows, by name. */
  readonly files: ReadonlyMap<string, string>;
}

async function recipeOf(section: string): Promise<Recipe> {
  const consoles = [...section.matchAll(/^```console\n([^]*?)^```$/gm)];
  const lines = consoles.flatMap(([, text = ""]) =>
    text.replaceAll(/\\\n +/g, "").trimEnd().split("\n")
  ).map((line) => {
    assert(line.startsWith("$ "), line);
    return line.slice(2);
  });
  const functions = new Map<string, string>();
  const creates = lines.filter((line) => line.startsWith("llama update-function "));
  for (const line of creates) {
    const words = literalWords(line);
    assert(words, line);
    const parsed = await parseCommandLine(words.slice(1), commands, globalProgram);
    assert(parsed.kind === "command", line);
    const { program: programs } = parsed.values;
    assert(Array.isArray(programs) && parsed.args.length === 1);
    functions.set(parsed.args[0] ?? "", programs[0]);
  }
  const scripts = [...section.matchAll(/^```python\n# (\S+)\n([^]*?)^```$/gm)];
  return {
    script: lines.filter((line) => !creates.includes(line)).join("\n"),
    functions,
    files: new Map(scripts.map(([, name = "", text = ""]) => [name, text])),
  };
}

const recipes = new Map<string, Recipe>();
for (const section of page.split(/^## /m).slice(1)) {
  recipes.set(section.slice(0, section.indexOf("\n")), await recipeOf(section));
}

/** Runs a command of this machine; a failure fails the test. */
async function must(place: Workplace, script: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    cwd: place.here(),
    env: { ...place.environment(), PATH: `${place.join("bin")}:${Deno.env.get("PATH")}` },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, text(stderr) + text(stdout));
  return text(stdout) + text(stderr);
}

/** Runs a recipe in a directory that `prepare` has filled. */
async function run(name: string, place: Workplace, prepare: string): Promise<void> {
  const recipe = recipes.get(name);
  assert(recipe, name);
  const quoted = [...program, "-local"].map((word) => `'${word}'`).join(" ");
  await place.write("bin/llama", `#!/bin/sh\nexec ${quoted} "$@"\n`, 0o755);
  for (const [name, command] of recipe.functions) {
    const definition = { command: [command], timeout: 120 };
    await place.write(`work/images/${name}/function.json`, JSON.stringify(definition));
  }
  for (const [name, text] of recipe.files) await place.write(`work/${name}`, text);
  await must(place, prepare);
  await must(place, recipe.script);
}

/** The programs that `PATH` lacks. */
function missing(...programs: string[]): boolean {
  return programs.some((name) =>
    !new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).outputSync().success
  );
}

Deno.test({
  name: "recipe: video with ffmpeg (ffmpeg)",
  ignore: missing("ffmpeg", "ffprobe", "bash"),
  async fn() {
    await using place = new Workplace();
    const clip = (seconds: number, file: string) =>
      `ffmpeg -loglevel error -f lavfi -i testsrc=size=64x36:rate=2:duration=${seconds} ${file}`;
    await run(
      "Video with ffmpeg",
      place,
      [clip(1, "a.mov"), clip(1, "b.mov"), clip(24, "talk.mkv")].join("\n"),
    );
    const width = "ffprobe -v error -show_entries stream=width -of csv=p=0 b.mp4";
    assert.equal(await must(place, width), "320\n");
    assert.equal(await must(place, "ls frames/a.mov"), "0001.png\n0002.png\n");
    const duration = await must(
      place,
      "ffprobe -v error -show_entries format=duration -of csv=p=0 talk.mp4",
    );
    assert(Math.abs(Number(duration) - 24) < 1.5, duration);
  },
});

Deno.test({
  name: "recipe: pictures with ImageMagick (convert)",
  ignore: missing("convert", "identify", "bash"),
  async fn() {
    await using place = new Workplace();
    await run(
      "Pictures with ImageMagick",
      place,
      "convert -size 800x400 xc:red a.jpg\nconvert -size 300x600 xc:blue b.jpg",
    );
    assert.equal(
      await must(place, "identify -format '%d/%f %wx%h\n' small/*.jpg 100x100/a.jpg 200x200/b.jpg"),
      "small/a.jpg 400x200\nsmall/b.jpg 200x400\n100x100/a.jpg 100x50\n200x200/b.jpg 100x200\n",
    );
  },
});

Deno.test({
  name: "recipe: a Python script (python3)",
  ignore: missing("python3", "bash"),
  async fn() {
    await using place = new Workplace();
    await place.write("work/data/a.csv", "value\n1\n2\n");
    await place.write("work/data/b.csv", "value\n10\n");
    await run("A Python script", place, "true");
    assert.equal(await must(place, "cat means"), "data/a.csv 1.5\ndata/b.csv 10.0\n");
    const powers = (await must(place, "cat powers")).trimEnd().split("\n");
    assert.equal(powers.length, 6);
    assert.equal(powers.at(-1), "3.0 2.0 9.0");
  },
});

Deno.test({
  name: "recipe: test shards (python3)",
  ignore: missing("python3", "bash"),
  async fn() {
    await using place = new Workplace();
    const tests = (value: number) =>
      "import unittest\nfrom code_under_test import two\n\n" +
      "class Tests(unittest.TestCase):\n" +
      `    def test_two(self):\n        self.assertEqual(two(), ${value})\n`;
    await place.write("work/code_under_test.py", "def two():\n    return 2\n");
    await place.write("work/test_a.py", tests(2));
    await place.write("work/test_b.py", tests(2));
    await run("Test shards", place, "true");
    await place.write("work/test_b.py", tests(3));
    await assert.rejects(
      run("Test shards", place, "true"),
      /2 != 3[^]*job 2: .*test_b\.py: exit status 1/,
    );
  },
});

Deno.test({
  name: "recipe: logs (gzip, awk)",
  ignore: missing("bash", "gzip", "awk"),
  async fn() {
    await using place = new Workplace();
    await place.write("work/logs/1", "GET / 200\nGET /a 404\nGET /b 200\n");
    await place.write("work/logs/2", "GET / 200\n");
    await place.write("work/addresses", `${"a@b\n".repeat(1500)}nobody\n`);
    await run("Logs", place, "gzip logs/*");
    assert.equal(await must(place, "cat statuses"), "200 3\n404 1\n");
    assert.equal(await must(place, "cat counts"), "1000\n500\n");
  },
});

Deno.test("each recipe has a test, except Blender's", () => {
  assert.deepEqual([...recipes.keys()], [
    "Video with ffmpeg",
    "Pictures with ImageMagick",
    "A Python script",
    "Frames with Blender",
    "Test shards",
    "Logs",
  ]);
});
