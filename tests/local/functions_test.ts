import assert from "node:assert/strict";
import { LlamaError } from "../../lib/errors.ts";
import { checkHandler, loadFunctions } from "../../lib/local/functions.ts";
import { temporaryDirectory } from "./helpers.ts";

async function write(root: string, folder: string, json: string): Promise<void> {
  await Deno.mkdir(`${root}/images/${folder}`, { recursive: true });
  await Deno.writeTextFile(`${root}/images/${folder}/function.json`, json);
}

Deno.test("loadFunctions finds the functions in a directory by name", async () => {
  using root = temporaryDirectory();
  await write(root.path, "hello-llama", '{"name": "hello", "handler": "hello.sh"}');
  await write(root.path, "optipng", '{"command": ["/usr/bin/optipng"]}');
  await Deno.mkdir(`${root.path}/images/no-function`);
  await Deno.writeTextFile(`${root.path}/images/README.md`, "");
  const functions = await loadFunctions({ directory: "images", explicit: [], cwd: root.path });
  assert.deepEqual(functions.map(({ name, from, directory }) => [name, from, directory]), [
    ["hello", "images/hello-llama/function.json", `${root.path}/images/hello-llama`],
    ["optipng", "images/optipng/function.json", `${root.path}/images/optipng`],
  ]);
});

Deno.test("a missing directory has no functions", async () => {
  using root = temporaryDirectory();
  assert.deepEqual(
    await loadFunctions({ directory: "images", explicit: [], cwd: root.path }),
    [],
  );
});

Deno.test("a function of the command line takes precedence, and the shell runs its command", async () => {
  using root = temporaryDirectory();
  await write(root.path, "upper", '{"handler": "x"}');
  const explicit = [{ name: "upper", command: "tr a-z A-Z" }];
  const functions = await loadFunctions({ directory: "images", explicit, cwd: root.path });
  assert.deepEqual(functions, [{
    name: "upper",
    from: "-function upper=tr a-z A-Z",
    directory: root.path,
    definition: {
      name: "upper",
      command: ["/bin/sh", "-c", "tr a-z A-Z"],
      memory: 512,
      timeout: 60,
      environment: {},
    },
  }]);
});

Deno.test("an invalid function.json does not affect other functions", async () => {
  using root = temporaryDirectory();
  await write(root.path, "a", '{"name": "broken", "handler": 1}');
  await write(root.path, "b", "{");
  await write(root.path, "c", '{"handler": "x"}');
  const functions = await loadFunctions({ directory: "images", explicit: [], cwd: root.path });
  assert.deepEqual(
    functions.map(({ name, definition }) => [name, definition instanceof LlamaError]),
    [["b", true], ["broken", true], ["c", false]],
  );
});

Deno.test("two functions with the same name are an error that names both files", async () => {
  using root = temporaryDirectory();
  await write(root.path, "a", '{"name": "same", "handler": "x"}');
  await write(root.path, "b", '{"name": "same", "handler": "y"}');
  const [only, ...others] = await loadFunctions({
    directory: "images",
    explicit: [],
    cwd: root.path,
  });
  assert.equal(others.length, 0);
  assert(only?.definition instanceof LlamaError);
  assert.equal(
    only.definition.message,
    'two functions are named "same": images/a/function.json and images/b/function.json',
  );
});

Deno.test("a handler is an executable in the directory, or a program on PATH", async () => {
  using root = temporaryDirectory();
  const path = `${root.path}:/usr/bin:/bin`;
  await Deno.writeTextFile(`${root.path}/good.sh`, "", { mode: 0o755 });
  await Deno.writeTextFile(`${root.path}/plain.sh`, "", { mode: 0o644 });
  checkHandler("good.sh", root.path, "f.json", "");
  checkHandler("sh", root.path, "f.json", path);
  assert.throws(
    () => checkHandler("plain.sh", root.path, "f.json", path),
    { message: `f.json: handler: ${root.path}/plain.sh is not executable` },
  );
  assert.throws(
    () => checkHandler("none.sh", root.path, "f.json", path),
    { message: `f.json: handler: ${root.path}/none.sh does not exist` },
  );
});
