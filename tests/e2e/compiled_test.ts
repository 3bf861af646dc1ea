import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { bundleLlama, bundleRuntime, jobFiles, startFiles } from "../../scripts/bundle.ts";
import { root } from "../../scripts/shell.ts";
import { version } from "../../lib/version.ts";
import { TemporaryDirectory, testWith, textOf } from "../helpers.ts";
import { compiledPrograms, Workplace } from "./llama.ts";

const needs = ["LLAMA_TEST_BIN"];

/** Reads all files of a directory, by name. */
async function readAll(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (
    const { name } of [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1)
  ) {
    files.set(name, await Deno.readTextFile(join(directory, name)));
  }
  return files;
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyTree(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

testWith(needs, "the compiled llama prints its version and commit", async () => {
  await using place = new Workplace();
  const { status, stdout } = await place.run(["version"]);
  assert.equal(status, 0);
  const [, shown, commit = ""] = /^llama (\S+) \(([0-9a-f]{12})(?:-dirty)?\)\n$/.exec(stdout) ?? [];
  assert.equal(shown, version, stdout);
  const { code } = await new Deno.Command("git", {
    args: ["cat-file", "-e", `${commit}^{commit}`],
    cwd: root,
  }).output();
  assert.equal(code, 0, stdout);
});

for (
  const [main, most] of [["llama/cli.js", 32_000], ["bootstrap/bootstrap.js", 60_000]] as const
) {
  testWith(needs, `${main} loads little before it knows what to do`, async () => {
    const paths = await startFiles(resolve(root, compiledPrograms ?? "", "bundle", main));
    const files = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
    const size = files.reduce((sum, text) => sum + text.length, 0);
    assert(size < most, `${size} bytes`);
    assert(!files.some((text) => text.includes("Zod")), "zod is among it");
  });
}

testWith(needs, "the runtime loads less than 60 kB for a job with small files", async () => {
  const paths = await jobFiles(resolve(root, compiledPrograms ?? "", "bundle/bootstrap"));
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  const size = texts.reduce((sum, text) => sum + text.length, 0);
  assert(size < 60_000, `${size} bytes`);
  assert(!texts.some((text) => text.includes("AWS4-HMAC-SHA256")), "signatures are among it");
});

testWith(needs, "llama invoke loads neither templates nor runs before it needs them", async () => {
  const directory = resolve(root, compiledPrograms ?? "", "bundle/llama");
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  const read = (path: string) => Deno.readTextFile(path);
  const all = await Promise.all(names.map((name) => read(join(directory, name))));
  // The definition and the implementation.
  const invoke = names.filter((name) => name.startsWith("invoke-"));
  assert.equal(invoke.length, 2);
  const paths = await Promise.all(invoke.map((name) => startFiles(join(directory, name))));
  const loaded = await Promise.all([...new Set(paths.flat())].map(read));
  // A message of each.
  for (const text of ["unclosed action", "is already written by job"]) {
    assert(all.some((file) => file.includes(text)), text);
    assert(!loaded.some((file) => file.includes(text)), text);
  }
  const size = loaded.reduce((sum, text) => sum + text.length, 0);
  assert(size < 260_000, `${size} bytes`);
  assert(loaded.length < 10, `${loaded.length} files`);
});

testWith(needs, "what files of the bundles import from one another exists", async () => {
  for (const name of ["llama", "bootstrap"]) {
    const directory = resolve(root, compiledPrograms ?? "", "bundle", name);
    const files = new Map<string, string>();
    for (const { name } of Deno.readDirSync(directory)) {
      files.set(name, await Deno.readTextFile(join(directory, name)));
    }
    const last = (item: string, separator: string) => item.split(separator).at(-1) ?? "";
    const exportsOf = (file: string) => {
      const [list = ""] = last(files.get(file) ?? assert.fail(file), "export{").split("}");
      return list.split(",").map((item) => last(item, " as "));
    };
    let count = 0;
    for (const [file, text] of files) {
      for (const [, list = "", from = ""] of text.matchAll(/import\{([^}]*)\}from"\.\/([^"]*)"/g)) {
        const names = exportsOf(from);
        for (const item of list.split(",")) {
          const [imported = ""] = item.split(" as ");
          assert(names.includes(imported), `${file}: ${imported} of ${from}`);
          count++;
        }
      }
      for (const [, from = ""] of text.matchAll(/import\("\.\/([^"]*)"\)/g)) {
        assert(files.has(from), `${file}: ${from}`);
      }
    }
    assert(count > 50, `${name}: ${count}`);
  }
});

testWith(needs, "bundles are reproducible, wherever the sources are", async () => {
  await using directory = new TemporaryDirectory();
  const copy = directory.join("somewhere", "else");
  for (const folder of ["lib", "scripts"]) await copyTree(join(root, folder), join(copy, folder));
  for (const file of ["cli.ts", "runtime.ts", "deno.json", "deno.lock"]) {
    await Deno.copyFile(join(root, file), join(copy, file));
  }
  await bundleRuntime(directory.join("here", "runtime"));
  await bundleLlama(directory.join("here", "llama"), "a commit");
  const script = `
    const { bundleLlama, bundleRuntime } = await import(Deno.args[0]);
    await bundleRuntime(Deno.args[1] + "/runtime");
    await bundleLlama(Deno.args[1] + "/llama", "a commit");
  `;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", script, join(copy, "scripts/bundle.ts"), directory.join("there")],
  }).output();
  assert(success, textOf(stderr));
  for (const program of ["runtime", "llama"]) {
    const here = await readAll(directory.join("here", program));
    assert.deepEqual(await readAll(directory.join("there", program)), here);
    assert(here.size > 0);
  }
});
