import assert from "node:assert/strict";
import { Results } from "../../lib/jobs/results.ts";
import { jobRecord } from "../job_record.ts";
import { bytesOf, isAlive, noise, TemporaryDirectory } from "../helpers.ts";

const record = jobRecord({ seq: 7, sentBytes: 1, receivedBytes: 1 });

const output = (text: string) => ({ stdout: bytesOf(text), stderr: bytesOf("") });

/** Has a run leave results, without coming to its end. */
async function leave(directory: string, seqs: readonly number[], text = "old"): Promise<void> {
  using results = await Results.open(directory);
  for (const seq of seqs) await results.write({ ...record, seq }, output(text));
}

Deno.test("a job's results are in a directory of its own, byte for byte", async () => {
  await using directory = new TemporaryDirectory();
  const output = { stdout: noise(1000), stderr: bytesOf("e\n") };
  {
    using results = await Results.open(directory.join("a/b"));
    await results.begin();
    await results.write(record, output);
    await results.end();
  }
  assert.deepEqual(await directory.list(), [
    "a",
    "a/b",
    "a/b/7",
    "a/b/7/status.json",
    "a/b/7/stderr",
    "a/b/7/stdout",
  ]);
  assert.deepEqual(await Deno.readFile(directory.join("a/b/7/stdout")), output.stdout);
  assert.equal(await Deno.readTextFile(directory.join("a/b/7/stderr")), "e\n");
  assert.deepEqual(
    JSON.parse(await Deno.readTextFile(directory.join("a/b/7/status.json"))),
    record,
  );
});

Deno.test("earlier results are kept in .old-RUN until the run has ended", async () => {
  await using directory = new TemporaryDirectory();
  await leave(directory.path, [1, 2, 30]);
  await directory.write("notes", "mine");
  {
    using results = await Results.open(directory.path);
    await results.begin();
    await results.write({ ...record, seq: 1 }, output("new"));
    const [old = "", ...rest] = (await directory.list()).filter((name) => !name.includes("/"));
    assert.match(old, /^\.llama-lock$/);
    assert.match(rest[0] ?? "", /^\.old-\d{8}T\d{9}Z-\d+$/);
    assert.deepEqual(rest.slice(1), ["1", "notes"]);
    for (const seq of [1, 2, 30]) {
      assert.equal(await Deno.readTextFile(directory.join(`${rest[0]}/${seq}/stdout`)), "old");
    }
  }
  // That run did not come to its end. The next one keeps what both left, until it ends.
  using results = await Results.open(directory.path);
  await results.begin();
  const old = (await directory.list()).filter((name) => /^\.old-[^/]*$/.test(name));
  assert.equal(old.length, 2);
  await results.write({ ...record, seq: 2 }, output("newest"));
  await results.end();
  const names = (await directory.list()).filter((name) => !name.includes("/"));
  assert.deepEqual(names, [".llama-lock", "2", "notes"]);
});

Deno.test("a resumed run replaces the results of the jobs that it repeats, and no others", async () => {
  await using directory = new TemporaryDirectory();
  await leave(directory.path, [1, 2]);
  {
    using results = await Results.open(directory.path);
    await results.write({ ...record, seq: 2 }, output("new"));
    await results.end();
  }
  assert.equal(await Deno.readTextFile(directory.join("1/stdout")), "old");
  assert.equal(await Deno.readTextFile(directory.join("2/stdout")), "new");
  const names = (await directory.list()).filter((name) => !name.includes("/"));
  assert.deepEqual(names, ["1", "2"]);
});

Deno.test("a resumed run ignores foreign files next to the results of skipped jobs", async () => {
  await using directory = new TemporaryDirectory();
  await leave(directory.path, [1, 2]);
  await directory.write("1/notes", "mine");
  await assert.rejects(Results.open(directory.path), /is not the result of an earlier run/);
  {
    using results = await Results.open(directory.path, (seq) => seq === 1);
    await results.write({ ...record, seq: 2 }, output("new"));
    await results.end();
  }
  assert.equal(await Deno.readTextFile(directory.join("1/notes")), "mine");
  assert.equal(await Deno.readTextFile(directory.join("1/stdout")), "old");
  assert.equal(await Deno.readTextFile(directory.join("2/stdout")), "new");
});

/** What a user may have under a job's number; each is given the path that it is to have. */
const foreign: Record<string, (path: string) => Promise<unknown> | void> = {
  "a directory of photos": (path) => fill(path, { "photos/a": "precious" }),
  "an empty directory": (path) => Deno.mkdir(path),
  "a file": (path) => Deno.writeTextFile(path, "precious"),
  "a link to results": async (path) => {
    await leave(`${path}-elsewhere`, [7]);
    await Deno.symlink(`${path}-elsewhere/7`, path);
  },
  "stdout and stderr without a record": (path) => fill(path, { stdout: "", stderr: "" }),
  "a status.json of another program": (path) => fill(path, { "status.json": '{"status": 0}' }),
  "a status.json that is not JSON": (path) => fill(path, { "status.json": "fine" }),
  "the record of another job": (path) =>
    fill(path, { "status.json": JSON.stringify({ ...record, seq: 8 }) }),
  "results and another file": (path) =>
    fill(path, { "status.json": JSON.stringify(record), stdout: "", notes: "precious" }),
  "results and a directory": (path) =>
    fill(path, { "status.json": JSON.stringify(record), "more/a": "precious" }),
  "results with a link for stdout": async (path) => {
    await fill(path, { "status.json": JSON.stringify(record) });
    await Deno.symlink("../notes", `${path}/stdout`);
  },
  "results and a file whose name is not UTF-8": async (path) => {
    await fill(path, { "status.json": JSON.stringify(record) });
    await shell(`cd "$1" && echo precious > "$(printf 'caf\\351')"`, path);
  },
  "a pipe for status.json": async (path) => {
    await Deno.mkdir(path);
    await shell(`mkfifo "$1/status.json"`, path);
  },
};

async function fill(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = `${path}/${name}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
}

async function shell(script: string, path: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", path],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** All that is at a path, with types, modes, sizes and times. */
const look = (path: string) =>
  shell(
    `cd "$(dirname "$1")" && find "$(basename "$1")" -printf '%p %y %m %s %T@ %l\\n' | LC_ALL=C sort`,
    path,
  );

for (const [what, make] of Object.entries(foreign)) {
  Deno.test(`-results refuses ${what} under a job's number, and changes nothing`, async () => {
    await using directory = new TemporaryDirectory();
    const results = directory.join("results");
    await leave(results, [1]);
    await make(`${results}/7`);
    const before = await look(directory.path);
    await assert.rejects(Results.open(results), {
      code: "usage",
      message: `"${results}/7" is not the result of an earlier run`,
      hint: "move it elsewhere, or name another directory with -results",
    });
    // The directories themselves have had the lock, and more, in them.
    const changed = (text: string) =>
      text.split("\n").filter((line) => !/^[^/]*(\/results)? d /.test(line));
    assert.deepEqual(changed(await look(directory.path)), changed(before));
  });

  Deno.test(`-results never replaces ${what} that appears during a run`, async () => {
    await using directory = new TemporaryDirectory();
    const path = directory.join("results");
    using results = await Results.open(path);
    await results.begin();
    await make(`${path}/7`);
    if (what === "an empty directory") return await results.write(record, output("new"));
    const before = await look(`${path}/7`);
    await assert.rejects(results.write(record, output("new")), { code: "output" });
    assert.equal(await look(`${path}/7`), before);
  });
}

Deno.test("a file that a user adds to earlier results during a run stays", async () => {
  await using directory = new TemporaryDirectory();
  await leave(directory.path, [1, 2]);
  {
    using results = await Results.open(directory.path);
    await results.begin();
    const [old] = (await directory.list()).filter((name) => /^\.old-[^/]*$/.test(name));
    await directory.write(`${old}/1/notes`, "precious");
    await results.end();
  }
  const names = await directory.list();
  assert.deepEqual(names.map((name) => name.replace(/^\.old-[^/]*/, "OLD")), [
    "OLD",
    "OLD/1",
    "OLD/1/notes",
  ]);
});

Deno.test("of two runs on one directory the second is refused", async () => {
  await using directory = new TemporaryDirectory();
  {
    using first = await Results.open(directory.path);
    await assert.rejects(Results.open(directory.path), {
      code: "usage",
      message: `another run is writing results to "${directory.path}"`,
      hint: "wait until it ends, or name another directory with -results",
    });
    // The one that was refused has not taken the lock with it.
    await assert.rejects(Results.open(directory.path), { code: "usage" });
    await first.write(record, output(""));
  }
  using next = await Results.open(directory.path);
  await next.begin();
});

Deno.test("a run that was ended by SIGKILL leaves the directory to the next", async () => {
  await using directory = new TemporaryDirectory();
  const module = new URL("../../lib/jobs/results.ts", import.meta.url).href;
  const files = new URL("../../lib/files/whole.ts", import.meta.url).href;
  const path = JSON.stringify(directory.path);
  const script = `import { Results } from ${JSON.stringify(module)};
    import { temporaryName } from ${JSON.stringify(files)};
    await Results.open(${path});
    const half = temporaryName(${path} + "/7");
    Deno.mkdirSync(half);
    Deno.writeTextFileSync(half + "/stdout", "half");
    Deno.kill(Deno.pid, "SIGKILL");`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `data:application/typescript,${encodeURIComponent(script)}`],
    stderr: "inherit",
  }).spawn();
  assert.equal((await child.status).signal, "SIGKILL");
  assert(!isAlive(child.pid));
  assert.equal((await directory.list()).length, 3, "a lock, and half a result");
  {
    using results = await Results.open(directory.path);
    await results.begin();
  }
  assert.deepEqual(await directory.list(), []);
});

Deno.test("results that cannot be written are an error that says where", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("file", "a file is in the way");
  await assert.rejects(Results.open(directory.join("file")), {
    code: "output",
    message: /cannot use the directory ".*\/file" for results: file exists/,
    hint: "name another directory with -results",
  });
});
