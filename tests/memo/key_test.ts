import assert from "node:assert/strict";
import { sha256 } from "../../lib/files/hash.ts";
import { canonicalJson, keyDocument, keyOf, type KeyParts } from "../../lib/memo/key.ts";

const hello = sha256("hello");

const plain: KeyParts = {
  function: {
    code: "c2hh",
    layers: ["arn:aws:lambda:us-west-2:1:layer:llama:7"],
    command: "handler",
    environment: { B: "2", A: "1" },
    runtime: "arn:aws:lambda:us-west-2::runtime:abc",
    architecture: "x86_64",
    fileSystems: [],
  },
  args: ["in/a.txt", "-o", "b"],
  stdin: sha256(""),
  files: new Map([
    ["in/b", { kind: "x", value: hello }],
    ["in/a.txt", { kind: "-", value: hello }],
  ]),
  outputs: ["b", "a", "b"],
};

// Golden vectors, computed once with another program (Python's json and hashlib). If one of them
// fails, the meaning of keys has changed: raise `keyVersion` and write new ones.
const golden: readonly (readonly [string, Partial<KeyParts>, string])[] = [
  [
    "a job with files and outputs",
    {},
    "e8895df478247e50f46f2fe9361deaa8938090f69fa7a5f093bf6d0a2b77d382",
  ],
  ["an image, and no files", {
    function: {
      ...plain.function,
      layers: [],
      command: { EntryPoint: ["/llama"], Command: ["optipng", "-o7"], WorkingDirectory: "/" },
      runtime: "",
      architecture: "arm64",
    },
    files: new Map(),
    outputs: [],
    stdin: hello,
  }, "7bd430bfef192d94e963ed4c998798d2dbac6267e339624d77fc16f1cbfff23b"],
  ["a link and an empty directory", {
    files: new Map([["a", { kind: "l", value: "../b" }], ["d", { kind: "d", value: "" }]]),
  }, "1344e57b7ca7f9ded6b9b758838499df993344d414884acf14a2130aee923c26"],
  [
    "text that is not ASCII",
    { args: ["größe", "\u{1f600}", 'a"b\\c\n', "\ud800"] },
    "2f93393fee8742449888352659036fa3001a310a9516cdff246f71b1e892aa96",
  ],
];

for (const [name, more, key] of golden) {
  Deno.test(`the key of ${name} is what it has always been`, () => {
    assert.equal(keyOf({ ...plain, ...more }), key);
  });
}

const changes: Readonly<Record<string, Partial<KeyParts>>> = {
  "the code": { function: { ...plain.function, code: "other" } },
  "a layer": {
    function: { ...plain.function, layers: ["arn:aws:lambda:us-west-2:1:layer:llama:8"] },
  },
  "the handler": { function: { ...plain.function, command: "other" } },
  "a variable": { function: { ...plain.function, environment: { A: "1", B: "3" } } },
  "the runtime's version": { function: { ...plain.function, runtime: "other" } },
  "the architecture": { function: { ...plain.function, architecture: "arm64" } },
  "a file system": { function: { ...plain.function, fileSystems: [["arn", "/mnt/a"]] } },
  "an argument": { args: ["in/a.txt", "-o", "c"] },
  "where an argument ends": { args: ["in/a.txt", "-o b"] },
  "the order of arguments": { args: ["-o", "b", "in/a.txt"] },
  "standard input": { stdin: hello },
  "a file's contents": {
    files: new Map([...plain.files, ["in/b", { kind: "x", value: sha256("x") }]]),
  },
  "a file's name": { files: new Map([["in/c", { kind: "x", value: hello }]]) },
  "whether a file is executable": {
    files: new Map([...plain.files, ["in/b", { kind: "-", value: hello }]]),
  },
  "a link": { files: new Map([...plain.files, ["in/b", { kind: "l", value: "a.txt" }]]) },
  "a link's target": { files: new Map([...plain.files, ["in/b", { kind: "l", value: "b.txt" }]]) },
  "an empty directory": { files: new Map([...plain.files, ["in/c", { kind: "d", value: "" }]]) },
  "one more file": {
    files: new Map([...plain.files, ["in/z", { kind: "-", value: hello }]]),
  },
  "an output": { outputs: ["a"] },
  "an output in S3": { uploads: new Map([["a", "s3://bucket/a"]]) },
  "an output elsewhere in S3": { uploads: new Map([["a", "s3://bucket/b"]]) },
  "an object whose bytes are not known": {
    files: new Map([...plain.files, ["in/b", { kind: "o", value: hello }]]),
  },
};

Deno.test("each part of a job, and nothing twice, makes another key", () => {
  const keys = [plain, ...Object.values(changes).map((more) => ({ ...plain, ...more }))].map(keyOf);
  assert.deepEqual(new Set(keys).size, keys.length, Object.keys(changes).join());
});

Deno.test("the order of variables, files and outputs does not matter, nor do duplicates", () => {
  const same = {
    ...plain,
    function: { ...plain.function, environment: { A: "1", B: "2" } },
    files: new Map([...plain.files].reverse()),
    outputs: ["a", "b", "a"],
  };
  assert.equal(keyOf(same), keyOf(plain));
});

Deno.test("every field of a key is in its document", () => {
  assert.deepEqual(Object.keys(keyDocument(plain)).sort(), [
    "arch",
    "args",
    "code",
    "command",
    "environment",
    "fileSystems",
    "files",
    "layers",
    "outputs",
    "runtime",
    "stdin",
    "v",
  ]);
  const { uploads } = keyDocument({
    ...plain,
    uploads: new Map([["b", "s3://x/b"], ["a", "s3://x/a"]]),
  });
  assert.deepEqual(uploads, [["a", "s3://x/a"], ["b", "s3://x/b"]]);
});

Deno.test("canonical JSON sorts keys at every depth, and leaves lists as they are", () => {
  assert.equal(
    canonicalJson({ b: [{ z: 1, y: null }, "2"], a: { d: true, c: "é" } }),
    '{"a":{"c":"é","d":true},"b":[{"y":null,"z":1},"2"]}',
  );
});
