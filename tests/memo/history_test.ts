import assert from "node:assert/strict";
import { changesOf, type Components, History } from "../../lib/memo/history.ts";
import { keyOf, type KeyParts } from "../../lib/memo/key.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { TemporaryDirectory } from "../helpers.ts";

const before: Components = {
  function: { code: "1", layers: "1" },
  lastModified: "",
  stdin: "1",
  files: { a: "-1", b: "-1", __proto__x: "-1" },
};

Deno.test("every change is named", () => {
  const now = {
    function: { code: "2", layers: "2" },
    lastModified: "today",
    stdin: "2",
    files: { a: "x1", c: "-1", __proto__x: "-2" },
  };
  assert.deepEqual(changesOf(before, now), [
    "the function's code changed (today)",
    "the function's layers changed",
    "standard input changed",
    "input __proto__x changed",
    "input a became executable",
    "input b is no longer sent",
    "input c is new",
  ]);
  assert.deepEqual(changesOf(before, before), []);
});

function parts(files: Record<string, string>, args: string[] = ["a"]): KeyParts {
  return {
    function: {
      code: "1",
      layers: [],
      command: "h",
      environment: { SECRET: "hunter2" },
      runtime: "",
      architecture: "x86_64",
      fileSystems: [],
    },
    args,
    stdin: "",
    files: new Map(
      Object.entries(files).map((
        [path, text],
      ) => [path, { kind: "-", value: sha256(text) }]),
    ),
    outputs: ["o"],
  };
}

Deno.test("a miss is compared with the most similar result, and at most three changes are named", async () => {
  await using directory = new TemporaryDirectory();
  const written = new History(directory.path, "f");
  const many = { a: "1", b: "1", c: "1", d: "1", e: "1" };
  const changed = { a: "2", b: "2", c: "2", d: "2", e: "2" };
  written.append(
    [many, { ...changed, e: "3" }].map((files) =>
      written.line(keyOf(parts(files)), parts(files), "")
    ),
  );
  const why = (files: Record<string, string>, args?: string[]) => {
    const job = parts(files, args);
    return new History(directory.path, "f").whyMissed(keyOf(job), job, "");
  };
  assert.equal(why(changed), "input e changed");
  assert.equal(why({ ...many, a: "9" }), "input a changed");
  assert.equal(
    why({}),
    "input a is no longer sent; input b is no longer sent; input c is no longer sent; and 2 more",
  );
  assert.equal(why(many), "the kept result has expired or was removed");
  assert.equal(why(many, ["b"]), "new: no job with these arguments and outputs was kept");
  const [name = ""] = await directory.list();
  const { mode } = await Deno.stat(directory.join(name));
  assert.equal((mode ?? 0) & 0o077, 0);
  assert(!(await Deno.readTextFile(directory.join(name))).includes("hunter2"));
});

Deno.test("a damaged history explains less, and stops nothing", async () => {
  await using directory = new TemporaryDirectory();
  const job = parts({ a: "1" });
  const history = new History(directory.path, "f");
  history.append([history.line(keyOf(job), job, "")]);
  const [name = ""] = await directory.list();
  const text = await Deno.readTextFile(directory.join(name));
  await directory.write(name, `not JSON\n{"job":5}\n${text}${text.slice(0, 30)}`, 0o600);
  const why = new History(directory.path, "f").whyMissed("x".repeat(64), job, "");
  assert.equal(why, "the kept result is that of another version of llama");
});
