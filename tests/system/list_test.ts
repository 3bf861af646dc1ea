import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { zipMembers } from "../../lib/deploy/zip_reader.ts";
import { readPackage } from "../../lib/deploy/package.ts";
import { LlamaError } from "../../lib/errors.ts";
import { expandInputs } from "../../lib/jobs/input_directory.ts";
import { findOutputs } from "../../lib/runtime/outputs.ts";
import { listDirectory } from "../../lib/system/list.ts";
import { printableBytes } from "../../lib/text/printable_bytes.ts";
import { TemporaryDirectory } from "../helpers.ts";

const ignore = Deno.build.os !== "linux";

/** Runs a shell's script in a directory; gives its output, names as bytes. */
async function shell(directory: string, script: string): Promise<Buffer> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd: directory,
    env: { LC_ALL: "C" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return Buffer.from(stdout);
}

/** Bytes as `printf` reads them. */
const octal = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");

function* random(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Makes a tree of files with names of all kinds of bytes. */
async function makeTree(directory: string, numbers: Generator<number, never>): Promise<void> {
  const below = (end: number) => Math.floor(numbers.next().value * end);
  const name = () => {
    // Most are UTF-8; in the others is any byte but NUL and "/".
    const isText = numbers.next().value < 0.7;
    const text = ["a", "é", "日本", "x y", "\ufffd", "new\nline", "-n", "\u2028"][below(8)] ?? "";
    const bytes = isText
      ? Buffer.from(`${text}${below(100)}`)
      : Buffer.from(Array.from({ length: 1 + below(6) }, () => 1 + below(255)));
    return octal(bytes.map((byte) => byte === 0x2f ? 0x2e : byte)) + "_";
  };
  const lines = [];
  for (let i = 0; i < 3; i++) {
    lines.push(`d=$(printf '${name()}'); mkdir -p "./$d/$d"`);
    lines.push(`for e in . "./$d" "./$d/$d"; do printf x > "$e/$(printf '${name()}')" || :; done`);
    lines.push(`printf x > "./$d/$(printf '${name()}')" || :`);
  }
  await shell(directory, lines.join("\n"));
}

/** The regular files of a tree, as find tells them: those that can be named, and the others. */
async function reference(directory: string): Promise<{ sent: string[]; refused: string[] }> {
  const sent = [];
  const refused = new Set<string>();
  const found = await shell(directory, "find . -type f -print0");
  for (let start = 0; start < found.length;) {
    const end = found.indexOf(0, start);
    const path = found.subarray(start + 2, end);
    start = end + 1;
    let shown = "";
    let isText = true;
    for (const part of path.toString("latin1").split("/")) {
      const bytes = Buffer.from(part, "latin1");
      shown += (shown === "" ? "" : "/") + printableBytes(bytes);
      isText = bytes.equals(Buffer.from(bytes.toString()));
      // Of a directory that cannot be named its own name is enough.
      if (!isText) break;
    }
    if (isText) sent.push(path.toString());
    else refused.add(shown);
  }
  // A directory in which there is nothing is missing as well.
  return { sent: sent.sort(), refused: [...refused].sort() };
}

Deno.test({
  name: "every file of a tree is sent or refused by name, whatever bytes its name is",
  ignore,
  async fn() {
    const numbers = random(20261127);
    let [sentInAll, refusedInAll] = [0, 0];
    for (let round = 0; round < 30; round++) {
      await using directory = new TemporaryDirectory();
      const tree = directory.join("tree");
      await Deno.mkdir(tree);
      await makeTree(tree, numbers);
      const { sent, refused } = await reference(tree);
      sentInAll += sent.length;
      refusedInAll += refused.length;

      const outputs = await findOutputs(Deno.realPathSync(directory.path), ["tree/"]);
      assert.deepEqual(
        outputs.found.map(({ remote }) => remote.slice("tree/".length)).sort(),
        sent,
      );
      const error = outputs.refused.get("tree/");
      assert.deepEqual(
        error?.replace(/^left out /, "").split("; ")
          .map((line) => line.replace(/^tree\/(.*): its name is not UTF-8$/s, "$1")).sort() ?? [],
        refused,
      );

      for (
        const [verb, names] of [
          ["send", () => expandInputs([{ local: tree, remote: "." }])],
          ["package", () => readPackage(tree, "f").then(({ zip }) => zipMembers(zip, "f"))],
        ] as const
      ) {
        const taken = names().then(
          (all) => all.map((each) => "remote" in each ? each.remote : each.name).sort(),
          (error) => {
            assert(error instanceof LlamaError && error.code === "input", String(error));
            return error.message;
          },
        );
        if (refused.length === 0) {
          assert.deepEqual(await taken, sent);
        } else {
          const message = String(await taken);
          assert.match(
            message,
            new RegExp(`^cannot ${verb} .*: (its name is|their names are) not`),
          );
          for (const name of refused) assert(message.includes(`/tree/${name}`), message);
        }
      }
    }
    assert(sentInAll > 100 && refusedInAll > 30, `${sentInAll} sent, ${refusedInAll} refused`);
  },
});

Deno.test({
  name: "a name that is not UTF-8 is told from one that contains U+FFFD",
  ignore,
  async fn() {
    await using directory = new TemporaryDirectory();
    await shell(
      directory.path,
      `: > "$(printf 'a\\377')"; : > "$(printf 'a\\357\\277\\275')"; mkdir d; ln -s d l; mkfifo p`,
    );
    assert.deepEqual(listDirectory(directory.path), [
      { name: undefined, shown: "a\\xff", kind: "file" },
      { name: "a\ufffd", shown: "a\ufffd", kind: "file" },
      { name: "d", shown: "d", kind: "directory" },
      { name: "l", shown: "l", kind: "link" },
      { name: "p", shown: "p", kind: "other" },
    ]);
  },
});
