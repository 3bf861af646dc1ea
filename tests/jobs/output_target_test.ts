import assert from "node:assert/strict";
import { join } from "node:path";
import { writeOutputs } from "../../lib/jobs/outputs.ts";
import { temporaryName } from "../../lib/files/whole.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { isRoot, nobody, runChild } from "../child.ts";
import { bytesOf, TemporaryDirectory } from "../helpers.ts";

const noStore = () => {
  throw new Error("the store must not be asked for");
};
const succeeded = { succeeded: true, store: noStore };
const modules = { outputs: "../lib/jobs/outputs.ts" };

async function shell(script: string, ...args: string[]): Promise<{ ok: boolean; text: string }> {
  const { success, stdout } = await new Deno.Command("sh", { args: ["-c", script, "sh", ...args] })
    .output();
  return { ok: success, text: new TextDecoder().decode(stdout) };
}

/** All that is in a directory: kinds, modes, times, links and contents. */
async function look(top: string, below = ""): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  for await (const { name } of Deno.readDir(join(top, below))) {
    const path = below === "" ? name : `${below}/${name}`;
    const full = `${top}/${path}`;
    const { mode, mtime, isFile, isDirectory, isSymlink, ino } = await Deno.lstat(full);
    const kind = isFile ? "file" : isDirectory ? "directory" : isSymlink ? "link" : "other";
    const contents = isFile
      ? await Deno.readTextFile(full)
      : isSymlink
      ? await Deno.readLink(full)
      : "";
    entries.set(path, [kind, mode, mtime?.getTime(), ino, contents].join("\t"));
    if (isDirectory) { for (const entry of await look(top, path)) entries.set(...entry); }
  }
  return entries;
}

/** Puts things in the way in the directory `out`, next to the directory `victim`. */
const obstacles: Record<string, (path: string) => Promise<unknown>> = {
  "a link to a file outside": (path) => Deno.symlink("../victim/file", path),
  "a link to a directory outside": (path) => Deno.symlink("../victim", path),
  "an absolute link": (path) => Deno.symlink(join(path, "../../victim/file"), path),
  "a link to nothing outside": (path) => Deno.symlink("../victim/new", path),
  "a link to a file inside": (path) => Deno.symlink("inside", path),
  "a link to a directory inside": (path) => Deno.symlink("deep", path),
  "a link to itself": (path) => Deno.symlink(path.slice(path.lastIndexOf("/") + 1), path),
  "a pipe": (path) => shell('mkfifo "$1"', path),
  "a link to a device": (path) => Deno.symlink("/dev/full", path),
  ...isRoot ? { "a device": (path) => shell('mknod "$1" c 1 3', path) } : {},
};

for (const [what, put] of Object.entries(obstacles)) {
  Deno.test(`a function's output does not go into ${what}, by whatever name`, async () => {
    await using directory = new TemporaryDirectory();
    await directory.write("victim/file", "precious");
    await directory.write("out/inside", "mine");
    await directory.write("out/deep/inside", "mine");
    const paths = [directory.join("out/x"), directory.join("out/deep/x")];
    for (const path of paths) await put(path);
    // With a reader there already, whoever writes to a pipe all the same does not wait for ever.
    using readers = new DisposableStack();
    if (what === "a pipe") {
      for (const path of paths) readers.use(Deno.openSync(path, { read: true, write: true }));
    }
    const before = await look(directory.path);
    const names = ["x", "x/file", "x/a/b", "deep/x", "deep/x/file", "deep/x/../../../victim/file"];
    const { written, errors } = await writeOutputs(
      [{ remote: "o/", local: directory.join("out/") }],
      Object.fromEntries([...names, "fine"].map((name) => [`o/${name}`, { s: "new" }])),
      succeeded,
    );
    assert.deepEqual(written, [directory.join("out/fine")]);
    assert.equal(errors.length, names.length);
    for (const { code, message } of errors) {
      assert.equal(code, "output");
      assert.match(
        message,
        /^output ".*": ("x" is a symbolic link|"x" is not a directory|is not a regular file|its name leads out of the requested directory)$/,
      );
    }
    const after = await look(directory.path);
    assert.equal(after.get("out/fine")?.endsWith("new"), true);
    for (const path of ["out", "out/deep", "out/fine"]) {
      before.delete(path);
      after.delete(path);
    }
    assert.deepEqual(after, before);
  });
}

Deno.test("a file that has another name outside is replaced, and the other name keeps the old one", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("victim/file", "precious");
  await Deno.mkdir(directory.join("out"));
  await Deno.link(directory.join("victim/file"), directory.join("out/x"));
  const { errors } = await writeOutputs(
    [{ remote: "o/", local: directory.join("out") }],
    { "o/x": { s: "new" } },
    succeeded,
  );
  assert.deepEqual(errors, []);
  assert.equal(await Deno.readTextFile(directory.join("out/x")), "new");
  assert.equal(await Deno.readTextFile(directory.join("victim/file")), "precious");
});

Deno.test("a function cannot give a file or a directory the name of an unfinished one", async () => {
  await using directory = new TemporaryDirectory();
  const temporary = temporaryName("");
  const earlier = ".llama-01234567-89ab-cdef-0123-456789abcdef";
  for (const name of [temporary, earlier, `${temporary}/file`, `deep/${earlier}/file`]) {
    const { written, errors } = await writeOutputs(
      [{ remote: "out/", local: directory.join("out/") }],
      { [`out/${name}`]: { s: "lost tomorrow" }, "out/fine": { s: "fine" } },
      succeeded,
    );
    assert.deepEqual(written, [directory.join("out/fine")]);
    assert.match(errors[0]?.message ?? "", /: its name is reserved for unfinished files$/);
    assert.deepEqual(await directory.list(), ["out", "out/fine"]);
  }
});

Deno.test("names that would become one file here are refused, not written over one another", async () => {
  await using directory = new TemporaryDirectory();
  const { written, errors } = await writeOutputs(
    [{ remote: "o/", local: directory.path }],
    Object.fromEntries(
      [0xd800, 0xdfff, 0xfffd].map((code) => [`o/${String.fromCharCode(code)}`, { s: `${code}` }]),
    ),
    succeeded,
  );
  assert.deepEqual(written, [directory.join("\ufffd")]);
  assert.deepEqual(errors.map(({ message }) => /: (.*)$/.exec(message)?.[1]), [
    "its name is not valid Unicode",
    "its name is not valid Unicode",
  ]);
  assert.equal(await Deno.readTextFile(directory.join("\ufffd")), String(0xfffd));
});

Deno.test("links in the path that the user has typed are followed", async () => {
  await using directory = new TemporaryDirectory();
  await Deno.mkdir(directory.join("disk/a"), { recursive: true });
  await Deno.symlink("disk", directory.join("here"));
  await Deno.symlink("disk/a", directory.join("deep"));
  for (
    const [local, path] of [["here/", "disk"], ["here/a", "disk/a"], ["deep", "disk/a"]] as const
  ) {
    const { written, errors } = await writeOutputs(
      [{ remote: "o/", local: directory.join(local) }],
      { "o/sub/file": { s: local } },
      succeeded,
    );
    assert.deepEqual([written.length, errors], [1, []]);
    assert.equal(await Deno.readTextFile(directory.join(path, "sub/file")), local);
  }
});

/** Numbers from 0 to 1, the same with every run. */
function* random(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

Deno.test("whatever a function names and whatever is there, no file outside changes, and none is lost", async () => {
  const numbers = random(20261127);
  const pick = <T>(from: readonly T[]): T =>
    from[Math.floor(numbers.next().value * from.length)] ?? assert.fail();
  const words = ["a", "b", "c", "d", "é", "x y", "-rf", "~", "*", "new\nline", "\u202e", ".hidden"];
  const hostile = [
    "",
    ".",
    "..",
    "\0",
    "/",
    "//",
    "../victim",
    "../../victim/file",
    "n".repeat(300),
  ];
  const puts = Object.values(obstacles);
  let refusals = 0;
  let files = 0;
  for (let round = 0; round < 80; round++) {
    await using directory = new TemporaryDirectory();
    await directory.write("victim/file", "precious", 0o600);
    await directory.write("out/keep", "mine");
    for (let i = 0; i < 4; i++) {
      const parent = pick(["out", "out/a", "out/b/c", "out/d"]);
      const path = directory.join(parent, pick(words.slice(0, 4)));
      try {
        await Deno.mkdir(directory.join(parent), { recursive: true });
        if (numbers.next().value < 0.4) await Deno.writeTextFile(path, "old", { createNew: true });
        else await pick(puts)(path);
      } catch {
        // Something is there already.
      }
    }
    const names = Array.from(
      { length: 12 },
      () =>
        Array.from(
          { length: 1 + Math.floor(numbers.next().value * 3) },
          () => numbers.next().value < 0.85 ? pick(words) : pick(hostile),
        ).join("/"),
    );
    const wanted = [{ remote: "o/", local: directory.join("out/") }];
    const answer = Object.fromEntries(names.map((name) => [`o/${name}`, { s: `is ${name}` }]));
    const before = await look(directory.path);
    const { written, errors } = await writeOutputs(wanted, answer, succeeded);
    const after = await look(directory.path);
    // "o/" itself has no file.
    const asked = Object.keys(answer).filter((name) => name !== "o/");
    assert.equal(written.length + errors.length, asked.length);
    const changed = new Set(written.map((path) => path.slice(directory.path.length + 1)));
    for (const path of changed) {
      assert.equal(
        await Deno.readTextFile(directory.join(path)),
        `is ${path.slice("out/".length)}`,
      );
    }
    for (const [path, state] of before) {
      if (changed.has(path)) assert.match(state, /^file/, "only a regular file is replaced");
      else if (!state.startsWith("directory")) assert.equal(after.get(path), state, path);
    }
    for (const [path, state] of after) {
      if (before.has(path) || state.startsWith("directory")) continue;
      assert(changed.has(path), `${JSON.stringify(path)} was left behind`);
    }
    refusals += errors.length;
    files += written.length;
  }
  assert(refusals > 80 && files > 80, `${refusals} refusals, ${files} files`);
});

Deno.test("a directory that becomes a link while its file is fetched diverts nothing", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("victim/file", "precious");
  await directory.write("out/a/b/file", "old");
  const store = new MemoryStore();
  const id = await store.put(bytesOf("new"));
  const { getFile } = store;
  store.getFile = async (id, path) => {
    await Deno.rename(directory.join("out/a"), directory.join("moved"));
    await Deno.symlink("../victim", directory.join("out/a"));
    await Deno.mkdir(directory.join("victim/b"));
    await getFile.call(store, id, path);
  };
  const { errors } = await writeOutputs(
    [{ remote: "o/", local: directory.join("out") }],
    { "o/a/b/file": { r: id } },
    { succeeded: true, store: () => store },
  );
  assert.deepEqual(errors, []);
  assert.deepEqual(await directory.list("victim"), ["victim/b", "victim/file"]);
  assert.equal(await Deno.readTextFile(directory.join("victim/file")), "precious");
  assert.equal(await Deno.readTextFile(directory.join("moved/b/file")), "new");
});

Deno.test("directories that are links now and then lead no output out", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("victim/d/file", "precious");
  await Deno.mkdir(directory.join("out/d/d"), { recursive: true });
  const swapping = new Deno.Command("sh", {
    args: [
      "-c",
      `cd "$1/out" && ln -s "$1/victim" link && echo && while [ ! -e ../stop ]; do
        mv d real; mv link d; mv d link; mv real d
      done 2>/dev/null`,
      "sh",
      directory.path,
    ],
    stdout: "piped",
  }).spawn();
  const reader = swapping.stdout.getReader();
  await reader.read();
  try {
    for (let i = 0; i < 200; i++) {
      await writeOutputs(
        [{ remote: "o/", local: directory.join("out/") }],
        { "o/d/file": { s: "new" }, "o/d/d/file": { s: "new" }, [`o/d/${i}`]: { s: "new" } },
        succeeded,
      );
    }
  } finally {
    await Deno.writeTextFile(directory.join("stop"), "");
    await reader.cancel();
    await swapping.status;
  }
  assert.deepEqual(await directory.list("victim"), ["victim/d", "victim/d/file"]);
  assert.equal(await Deno.readTextFile(directory.join("victim/d/file")), "precious");
});

Deno.test("no descriptor is left open, whether files are written or refused", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using directory = new TemporaryDirectory();
  await Deno.mkdir(directory.join("out/a"), { recursive: true });
  await Deno.symlink("..", directory.join("out/a/link"));
  await directory.write("file", "");
  const names = ["o/a/b/c", "o/a/link/c", "o/a/link", "o/x", "p/x", "o/y/../z"];
  const script = `
    const wanted = [
      { remote: "o/", local: ${JSON.stringify(directory.join("out"))} },
      { remote: "p/", local: ${JSON.stringify(directory.join("file/"))} },
    ];
    const answer = Object.fromEntries(
      ${JSON.stringify(names)}.map((name: string) => [name, { s: "" }]),
    );
    const options = { succeeded: true, store: () => { throw new Error("no store"); } };
    const job = () => outputs.writeOutputs(wanted, answer, options);
    const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
    tell((await job()).errors.length);
    const before = count();
    for (let i = 0; i < 100; i++) await job();
    tell(count() - before);`;
  const [errors, more] = await runChild(script, { modules });
  assert.equal(errors, 4);
  // One for each job would be 100; Deno itself may have opened a few.
  assert(Number(more) < 10, `${more} more are open`);
});

Deno.test("a link that the user named is written through as by cp, even if it is broken", async () => {
  // Each is made in a directory of its own; `out` is the name that is written to.
  const setups = [
    "ln -s target out",
    "ln -s a out; ln -s b a; ln -s c b",
    "mkdir d; ln -s d/target out",
    "mkdir d; ln -s d/a out; ln -s ../target d/a",
    "mkdir -p d/e; ln -s d/e f; ln -s f/../target out",
    `ln -s "$PWD/target" out`,
    "echo old > target; ln -s target out",
    "echo old > target; chmod 600 target; ln -s a out; ln -s target a",
    "ln -s missing/target out",
    "ln -s a/target out; ln -s missing a",
    "ln -s out out",
    "ln -s a out; ln -s out a",
    "mkdir d; ln -s d out",
    "echo old > file; ln -s file/target out",
  ];
  for (const setup of setups) {
    await using directory = new TemporaryDirectory();
    for (const name of ["ours", "reference"]) {
      await Deno.mkdir(directory.join(name));
      assert((await shell(`cd "$1"; ${setup}`, directory.join(name))).ok);
    }
    const source = await directory.write("source", "new");
    const reference = await new Deno.Command("cp", {
      args: ["-T", source, directory.join("reference/out")],
      // With it GNU cp writes through a link to nothing, as the standard and a shell's > do.
      env: { POSIXLY_CORRECT: "1" },
      stderr: "null",
    }).output();
    const { errors } = await writeOutputs(
      [{ remote: "o", local: directory.join("ours/out") }],
      { o: { s: "new" } },
      succeeded,
    );
    assert.equal(errors.length === 0, reference.success, setup);
    const tree = async (name: string) =>
      [...await look(directory.join(name))].map(([path, state]) => [
        path,
        state.replace(/^(\w+\t\d+)\t\d+\t\d+/, "$1").replace(directory.join(name), ""),
      ]);
    assert.deepEqual(await tree("ours"), await tree("reference"), setup);
  }
});

Deno.test("a link into a missing directory is reported", async () => {
  await using directory = new TemporaryDirectory();
  await Deno.symlink("disk/out", directory.join("out"));
  const { errors } = await writeOutputs(
    [{ remote: "o", local: directory.join("out") }],
    { o: { s: "new" } },
    succeeded,
  );
  assert.match(
    errors[0]?.message ?? "",
    /: it is a link to ".*\/disk\/out", whose directory does not exist$/,
  );
  assert.equal(errors[0]?.hint, "create that directory, or remove the link");
  assert.deepEqual(await directory.list(), ["out"]);
});

Deno.test("a file where an output directory goes is reported, and stays", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("out", "mine");
  const { errors } = await writeOutputs(
    [{ remote: "o/", local: directory.join("out/") }],
    { "o/x": { s: "new" } },
    succeeded,
  );
  assert.match(errors[0]?.message ?? "", /out\/x": a file has the name of its directory$/);
  assert.equal(await Deno.readTextFile(directory.join("out")), "mine");
});

for (const umask of [0o000, 0o022, 0o027, 0o077]) {
  const octal = umask.toString(8).padStart(3, "0");
  Deno.test(`modes under umask ${octal}: new files as cp makes them, existing ones keep theirs`, async () => {
    await using directory = new TemporaryDirectory();
    const modes = [0o400, 0o600, 0o640, 0o644, 0o664, 0o666, 0o700, 0o755, 0o775, 0o777, 0o711];
    for (const mode of modes) {
      await directory.write(`source/${mode}`, "", mode);
      for (const old of modes) {
        for (const way of ["named", "chosen"]) {
          await directory.write(`${way}/${old}-${mode}`, "", old);
        }
      }
    }
    await Deno.mkdir(directory.join("cp"));
    const copied = await shell(
      `umask ${octal}; cd "$1"; for file in source/*; do cp "$file" cp; done`,
      directory.path,
    );
    assert(copied.ok);
    const [results] = await runChild(
      `
      const [base, modes] = ${JSON.stringify([directory.path, modes])};
      const options = { succeeded: true, store: () => { throw new Error("no store"); } };
      const answer: Record<string, { s: string; m: number }> = {};
      const named = [];
      for (const mode of modes) {
        for (const name of ["new-" + mode, ...modes.map((old: number) => old + "-" + mode)]) {
          answer["o/" + name] = { s: "x", m: mode };
          named.push({ remote: "o/" + name, local: base + "/named/" + name });
        }
      }
      const wanted = [{ remote: "o/", local: base + "/chosen/" }, ...named];
      tell((await outputs.writeOutputs(wanted, answer, options)).errors.map(String));
      `,
      { modules, umask },
    );
    assert.deepEqual(results, []);
    const modeOf = async (path: string) =>
      ((await Deno.stat(directory.join(path))).mode ?? 0) & 0o7777;
    for (const way of ["named", "chosen"]) {
      for (const mode of modes) {
        assert.equal(await modeOf(`${way}/new-${mode}`), await modeOf(`cp/${mode}`), way);
        for (const old of modes) {
          const expected = (old & 0o666) | (mode & 0o111 & ~umask);
          assert.equal(await modeOf(`${way}/${old}-${mode}`), expected, `${way} ${old} ${mode}`);
        }
      }
    }
  });
}

Deno.test("no other user can read an incomplete output, wherever it goes", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("named", "old", 0o666);
  await directory.write("out/chosen", "old", 0o666);
  const store = new MemoryStore();
  const id = await store.put(bytesOf("new"));
  const { getFile } = store;
  const seen: number[] = [];
  store.getFile = async (id, path) => {
    await getFile.call(store, id, path);
    seen.push(((await Deno.stat(path)).mode ?? 0) & 0o777);
  };
  const { written } = await writeOutputs(
    ["named", "new"].map((name) => ({ remote: name, local: directory.join(name) }))
      .concat({ remote: "o/", local: directory.join("out") }),
    Object.fromEntries(
      ["named", "new", "o/chosen", "o/new"].map((name) => [name, { r: id, m: 0o666 }]),
    ),
    { succeeded: true, store: () => store },
  );
  assert.equal(written.length, 4);
  assert.deepEqual(seen, [0o600, 0o600, 0o600, 0o600]);
});

Deno.test({
  name: "another user's file is replaced where cp may write to it, and nowhere else",
  ignore: !isRoot,
  async fn() {
    await using directory = new TemporaryDirectory();
    await Deno.chmod(directory.path, 0o777);
    const modes = [0o444, 0o644, 0o664, 0o600, 0o666, 0o646, 0o777, 0o555];
    for (const way of ["named", "chosen", "cp"]) {
      await Deno.mkdir(directory.join(way));
      await Deno.chmod(directory.join(way), 0o777);
      for (const mode of modes) await directory.write(`${way}/${mode}`, "old", mode);
    }
    const [failed, hints] = await runChild(
      `
      const [base, modes] = ${JSON.stringify([directory.path, modes])};
      const options = { succeeded: true, store: () => { throw new Error("no store"); } };
      const answer = Object.fromEntries(modes.map((mode: number) => ["o/" + mode, { s: "new" }]));
      const named = modes.map((mode: number) => (
        { remote: "o/" + mode, local: base + "/named/" + mode }
      ));
      const wanted = [{ remote: "o/", local: base + "/chosen/" }, ...named];
      const { errors } = await outputs.writeOutputs(wanted, answer, options);
      tell(errors.map(({ message }) => message));
      tell([...new Set(errors.map(({ hint }) => hint))]);
      `,
      { modules, unprivileged: true },
    );
    assert.deepEqual(hints, [
      "the file belongs to another user: remove it, or choose another name",
    ]);
    const source = await directory.write("source", "new");
    for (const mode of modes) {
      const { success } = await new Deno.Command("setpriv", {
        args: [
          ...[`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"],
          ...["cp", source, directory.join(`cp/${mode}`)],
        ],
        stderr: "null",
      }).output();
      const expected = success ? "new" : "old";
      for (const way of ["named", "chosen"]) {
        assert.equal(await Deno.readTextFile(directory.join(way, String(mode))), expected, way);
        const message = `output "${directory.join(way, String(mode))}": permission denied`;
        assert(Array.isArray(failed) && failed.includes(message) !== success, message);
      }
    }
  },
});

Deno.test("one's own read-only file is replaced, as before a repeat, and stays read-only", async () => {
  await using directory = new TemporaryDirectory();
  const local = await directory.write("out", "old", 0o444);
  const { errors } = await writeOutputs([{ remote: "o", local }], { o: { s: "new" } }, succeeded);
  assert.deepEqual(errors, []);
  assert.equal(await Deno.readTextFile(local), "new");
  assert.equal(((await Deno.stat(local)).mode ?? 0) & 0o777, 0o444);
});

Deno.test("a pipe that the user has named is written to, for the one that reads it", async () => {
  await using directory = new TemporaryDirectory();
  const local = directory.join("pipe");
  assert((await shell('mkfifo "$1"', local)).ok);
  const read = shell('cat "$1"', local);
  const { errors } = await writeOutputs([{ remote: "o", local }], { o: { s: "new" } }, succeeded);
  assert.deepEqual(errors, []);
  assert.equal((await read).text, "new");
  assert((await Deno.lstat(local)).isFifo);
});
