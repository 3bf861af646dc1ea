/** Symbolic links and empty directories, from one side of the wire to the other. */

import assert from "node:assert/strict";
import { KnownFunctions } from "../../lib/aws/known_functions.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { ownFeatures } from "../../lib/features.ts";
import { OutputFiles } from "../../lib/jobs/big_output.ts";
import { expandInputs, type OutwardLinks } from "../../lib/jobs/input_directory.ts";
import { encodeInputs, findInputs } from "../../lib/jobs/inputs.ts";
import type { Job, JobResult } from "../../lib/jobs/job.ts";
import { hashSharedFiles } from "../../lib/jobs/log/identity.ts";
import { writeOutputs } from "../../lib/jobs/outputs.ts";
import { runJob } from "../../lib/jobs/run.ts";
import { SharedFiles } from "../../lib/jobs/shared_files.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { first, none, original, ours, type Runtime } from "./runtimes.ts";

/** One function, whose runtime may be replaced, and one client. */
class World implements AsyncDisposable {
  readonly directory = new TemporaryDirectory();
  readonly store = new MemoryStore();
  runtime: Runtime = ours(this.store, ownFeatures);
  readonly stub: InvokeStub = new InvokeStub((request) => this.runtime(JSON.stringify(request)));
  readonly #client: AwsClient;
  readonly #functions: KnownFunctions;

  constructor() {
    const { AWS_ENDPOINT_URL_LAMBDA: lambda = "" } = this.stub.environment;
    this.#client = new AwsClient({
      credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
      location: () => Promise.resolve({ region: "us-west-2", endpoints: { lambda } }),
    });
    this.#functions = new KnownFunctions({
      directory: this.directory.join("notes"),
      place: () => Promise.resolve("a test"),
    });
  }

  /** Runs a shell script; its inputs are shared by all jobs, or its own. */
  async run(script: string, job: Partial<Job> = {}, shared?: Job["inputs"]): Promise<JobResult> {
    const sharedFiles = shared && new SharedFiles(shared, async (novel) => {
      const found = await findInputs(shared);
      return (await encodeInputs(found, undefined, 0, { store: this.store, novel })).files;
    });
    return await runJob({
      lambda: new Lambda(this.#client),
      store: this.store,
      outputFiles: new OutputFiles(this.directory.path),
      functions: this.#functions,
    }, {
      functionName: "f",
      args: ["/bin/sh", "-c", script],
      inputs: [],
      outputs: [],
      ...job,
    }, { sharedFiles });
  }

  /** The kinds of content of the last request's files, by path. */
  sent(): Record<string, string> {
    const entries: [string, Record<string, unknown>][] = Object.entries(
      this.stub.requests.at(-1)?.files ?? {},
    );
    return Object.fromEntries(
      entries.map(([path, { e: _e, m: _m, ...content }]) => [path, JSON.stringify(content)]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    await this.stub[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** Prints the tree `in`: paths, and what links lead to. */
const list = "find in -type l -exec ls -ld {} + | sed 's/.*[0-9] in/in/' | sort; " +
  "find in -type f -exec echo {} + ; find in -type d -empty";

/** Writes a directory with links of all kinds. */
async function writeTree(directory: TemporaryDirectory): Promise<string> {
  const top = directory.join("tree");
  await directory.write("outside/secret", "secret");
  await directory.write("tree/data/v1/file", "one");
  await Deno.mkdir(`${top}/empty/inner`, { recursive: true });
  await Deno.symlink("v1", `${top}/data/latest`);
  await Deno.symlink("latest/file", `${top}/data/chain`);
  await Deno.symlink(`${top}/data/v1/file`, `${top}/absolute`);
  await Deno.symlink("../data/v1/../v1/file", `${top}/empty/winding`);
  await Deno.symlink("inner", `${top}/empty/link`);
  return top;
}

const asLinks = {
  "in/absolute": '{"l":"data/v1/file"}',
  "in/data/chain": '{"l":"latest/file"}',
  "in/data/latest": '{"l":"v1"}',
  "in/data/v1/file": '{"s":"one"}',
  "in/empty/inner": '{"d":true}',
  "in/empty/link": '{"l":"inner"}',
  "in/empty/winding": '{"l":"../data/v1/file"}',
};

const asFiles = {
  "in/absolute": '{"s":"one"}',
  "in/data/chain": '{"s":"one"}',
  "in/data/latest/file": '{"s":"one"}',
  "in/data/v1/file": '{"s":"one"}',
  "in/empty/winding": '{"s":"one"}',
};

for (const isShared of [false, true]) {
  const whose = isShared ? "a run's shared files" : "a job's own files";
  Deno.test(`links of ${whose} are sent as links to a function that accepts them, else as files`, async () => {
    await using world = new World();
    const inputs = await expandInputs([
      { local: await writeTree(world.directory), remote: "in" },
    ]);
    const run = async () => {
      const script = `cat in/absolute in/data/latest/file in/empty/winding; ${list}`;
      const { stdout, status } = isShared
        ? await world.run(script, {}, inputs)
        : await world.run(script, { inputs });
      assert.equal(status, 0);
      const text = textOf(stdout);
      assert.match(text, /^oneoneone/);
      return [world.sent(), text.slice(9)];
    };
    const files = "in/absolute in/data/chain in/data/latest/file in/data/v1/file in/empty/winding";
    const [sent, listed = ""] = await run();
    assert.deepEqual(sent, asFiles);
    assert.deepEqual(String(listed).trim().split(" ").sort().join(" "), files);
    const links = [
      "in/absolute -> data/v1/file\nin/data/chain -> latest/file\nin/data/latest -> v1\n" +
      "in/empty/link -> inner\nin/empty/winding -> ../data/v1/file\n" +
      "in/data/v1/file\nin/empty/inner\n",
    ];
    assert.deepEqual(await run(), [asLinks, ...links]);
    // Other runtimes refuse a link, and get its contents once they have.
    for (const runtime of [ours(world.store, none), first(world.store), original(world.store)]) {
      world.runtime = runtime;
      await world.run("true", isShared ? {} : { inputs }, isShared ? inputs : undefined);
      assert.deepEqual(world.sent(), asFiles);
      world.runtime = ours(world.store, ownFeatures);
      await run();
      assert.deepEqual((await run())[0], asLinks);
    }
  });
}

Deno.test("a job that names a file below a link gets a directory in its place", async () => {
  await using world = new World();
  const inputs = await expandInputs([{ local: await writeTree(world.directory), remote: "in" }]);
  const file = world.directory.join("tree/data/latest/file");
  const own = [{ remote: "in/data/latest/file", source: file }];
  const local = world.directory.join("made");
  const outputs = { "in/data/latest/made": "made", "in/data/latest/deep/er/": "deep/er/made" };
  await world.run("true");
  assert.equal((await world.run("true", { inputs: own }, inputs)).status, 0);
  assert.deepEqual(world.sent(), asFiles);
  await world.directory.write("tree/data/v1/other", "two");
  const more = await expandInputs([{ local: world.directory.join("tree"), remote: "in" }]);
  assert.equal((await world.run("true", { inputs: [...more, ...own] })).status, 0);
  assert.equal(world.sent()["in/data/latest/other"], '{"s":"two"}');
  for (const [remote, name] of Object.entries(outputs)) {
    const { written, outputErrors } = await world.run(
      `echo new > in/data/latest/${name}`,
      { outputs: [{ remote, local }] },
      inputs,
    );
    assert.deepEqual([outputErrors, written.length], [[], 1]);
    assert.deepEqual(world.sent(), asFiles);
    await Deno.remove(local, { recursive: true });
  }
  // The next job has links again.
  await world.run("true", {}, inputs);
  assert.deepEqual(world.sent(), asLinks);
});

Deno.test("-f-links says what becomes of links that lead out of a directory", async () => {
  await using world = new World();
  const top = await writeTree(world.directory);
  await Deno.symlink("../outside", `${top}/out`);
  await Deno.symlink("../outside/secret", `${top}/secret`);
  const expand = async (outward?: OutwardLinks) =>
    (await expandInputs([{ local: top, remote: "in" }], outward))
      .map(({ remote }) => remote).filter((remote) => /out|secret|dead/.test(remote));
  await assert.rejects(expand(), {
    message: `cannot send ${top}/out: the link points outside the directory`,
    hint: "send its target with another -f, or write -f-links follow or skip",
  });
  await assert.rejects(expand("refuse"), /the link points outside the directory/);
  assert.deepEqual(await expand("skip"), []);
  assert.deepEqual(await expand("follow"), ["in/out/secret", "in/secret"]);
  await Deno.symlink("nothing", `${top}/dead`);
  assert.deepEqual(await expand("skip"), []);
  await assert.rejects(expand("follow"), {
    message: `cannot send ${top}/dead: the link is broken`,
    hint: "remove the link, create its target, or omit such links with -f-links skip",
  });
  await Deno.remove(`${top}/dead`);
  // A circle by way of a followed link ends, too.
  await Deno.symlink("..", world.directory.join("outside/up"));
  await assert.rejects(expand("follow"), /the link points to a directory that contains it/);
});

Deno.test("a link in a followed directory means the same in the job", async () => {
  await using world = new World();
  const top = await writeTree(world.directory);
  await Deno.symlink("../outside", `${top}/out`);
  await Deno.symlink("../tree/data/v1/file", world.directory.join("outside/back"));
  await world.run("true");
  const inputs = await expandInputs([{ local: top, remote: "in" }], "follow");
  const { stdout } = await world.run("cat in/out/back in/out/secret", { inputs });
  assert.equal(textOf(stdout), "onesecret");
  assert.equal(world.sent()["in/out/back"], '{"l":"../data/v1/file"}');
});

/** All entries below a directory: links with their targets, files with their contents. */
async function look(top: string): Promise<string[]> {
  const entries: string[] = [];
  const walk = async (below: string) => {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(`${top}/${below}`)) {
      const path = below + name;
      if (isDirectory) {
        entries.push(`${path}/`);
        await walk(`${path}/`);
      } else if (isSymlink) entries.push(`${path} -> ${await Deno.readLink(`${top}/${path}`)}`);
      else entries.push(`${path}: ${await Deno.readTextFile(`${top}/${path}`)}`);
    }
  };
  await walk("");
  return entries.sort();
}

Deno.test("links and empty directories come back where they stay inside, and others are named", async () => {
  await using world = new World();
  const local = `${world.directory.join("here")}/`;
  const script = "mkdir -p out/d/empty out/e && printf x >out/d/file && printf s >secret && " +
    "ln -s d/file out/link && ln -s ../d out/e/dir && ln -s dir/file out/e/chain && " +
    'ln -s "$PWD/out/d/file" out/absolute && ln -s later out/dangling && ' +
    "ln -s ../secret out/outside && ln -s /etc/passwd out/passwd && ln -s loop out/loop";
  const outputs = [{ remote: "out/", local }];
  const expected = [
    "absolute -> d/file",
    "d/",
    "d/empty/",
    "d/file: x",
    "dangling -> later",
    "e/",
    "e/chain -> dir/file",
    "e/dir -> ../d",
    "link -> d/file",
    "loop -> loop",
  ];
  // The second time, everything is there already.
  for (let i = 0; i < 2; i++) {
    const { outputErrors, stderr, written } = await world.run(script, { outputs });
    assert.deepEqual(outputErrors, []);
    assert.equal(
      textOf(stderr),
      "llama: left out out/outside: a symbolic link that leads out\n" +
        "llama: left out out/passwd: a symbolic link that leads out\n",
    );
    assert.deepEqual(await look(local), expected);
    assert.equal(written.length, 8);
  }
  // A link of an earlier run moves on.
  const moved = await world.run("mkdir out/e && ln -s ../link out/e/dir", { outputs });
  assert.deepEqual(moved.outputErrors, []);
  assert.equal(await Deno.readLink(`${local}e/dir`), "../link");
});

Deno.test("a client that does not accept links is told what was left out", async () => {
  const answer = await (await ours(undefined, ownFeatures)(JSON.stringify({
    args: ["/bin/sh", "-c", "mkdir -p out/empty && ln -s empty out/link"],
    outputs: ["out/"],
  }))).json();
  assert.deepEqual(answer.outputs, {});
  assert.deepEqual(answer.stderr, { s: "llama: left out out/link: a symbolic link\n" });
});

Deno.test("no link of an answer leads out of its directory, and nothing is written through it", async () => {
  const hostile: Record<string, object>[] = [
    { "o/x": { l: "/etc/passwd" } },
    { "o/x": { l: "../victim" } },
    { "o/x": { l: "inside/../../victim" } },
    { "o/x": { l: "mine" } },
    { "o/x": { l: "mine/deeper" } },
    { "o/x": { l: "" } },
    { "o/x": { l: "a\0b" } },
    { "o/../x": { l: "inside" } },
    { "o/inside": { l: "x" } },
    { "o/mine": { l: "inside" } },
    { "o/mine/file": { s: "new" } },
    { "o/mine/empty": { d: true } },
    { "o/x": { l: "inside" }, "o/x/file": { s: "new" } },
    { "o/x/file": { s: "new" }, "o/x": { l: "inside" } },
    { "o/x": { l: "." }, "o/x/y": { l: ".." } },
    { "o/.llama-01234567-89ab-cdef-0123-456789abcdef": { l: "inside" } },
    { "named": { l: "inside" } },
    { "named": { d: true } },
  ];
  for (const answered of hostile) {
    await using place = new TemporaryDirectory();
    await place.write("victim/file", "precious");
    await place.write("out/inside", "mine");
    // The user's own.
    await Deno.symlink("../victim", place.join("out/mine"));
    const files = Object.fromEntries(
      Object.entries(answered).map(([path, file]) => [path, { ...file, e: "newer" }]),
    );
    const decoded = Object.fromEntries(
      Object.entries(files).map(([path, file]) =>
        "s" in file ? [path, { s: "new" }] : [path, file]
      ),
    );
    // Twice: the second answer meets what the first has left.
    for (let i = 0; i < 2; i++) {
      const { errors } = await writeOutputs(
        [
          { remote: "o/", local: place.join("out/") },
          ...Object.hasOwn(answered, "named")
            ? [{ remote: "named", local: place.join("named") }]
            : [],
        ],
        decoded,
        { succeeded: true, store: () => assert.fail("the store must not be asked for") },
      );
      const what = JSON.stringify(answered);
      assert(errors.length >= 1, what);
      assert.equal(errors[0]?.code, "output", what);
      const { isSymlink } = await Deno.lstat(place.join("out/inside"));
      assert(!isSymlink, what);
      assert.equal(await Deno.readTextFile(place.join("victim/file")), "precious", what);
      assert.deepEqual([...Deno.readDirSync(place.join("victim"))].length, 1, what);
      assert.equal(await Deno.readLink(place.join("out/mine")), "../victim", what);
      assert.deepEqual((await place.list()).filter((path) => path.startsWith("etc")), [], what);
      for (const path of await place.list()) {
        const { isSymlink } = await Deno.lstat(place.join(path));
        if (!isSymlink || path === "out/mine") continue;
        const real = await Deno.realPath(place.join(path));
        assert(real.startsWith(await Deno.realPath(place.join("out"))), `${what}: ${path}`);
      }
    }
  }
});

Deno.test("a runtime creates no link that leads out of the job's directory, and no file below one", async () => {
  const cases: [Record<string, object>, RegExp][] = [
    [{ x: { l: "/etc" } }, /files\.x: a link to "\/etc" leads out of the job's directory/],
    [{ "a/x": { l: "../.." } }, /leads out of the job's directory/],
    [{ x: { l: "a/.." } }, /leads out of the job's directory/],
    [{ x: { l: "a" }, "x/file": { s: "new" } }, /"x" is a file, but "x\/file" needs a directory/],
    [{ x: { l: 7 } }, /files\.x\.l/],
    [{ x: { d: false } }, /files\.x\.d/],
    [{ x: { d: true, s: "bytes" } }, /has more than one/],
    [{ x: { d: true, l: "a" } }, /has more than one/],
    [{ x: { d: true }, "x/": { s: "file" } }, /names a directory, not a file/],
  ];
  for (const [files, message] of cases) {
    const withText = Object.fromEntries(
      Object.entries(files).map((
        [path, file],
      ) => [path, "s" in file && !("d" in file) ? file : { ...file, e: "newer" }]),
    );
    const { errorType, errorMessage } = await (await ours(undefined, ownFeatures)(
      JSON.stringify({ args: ["true"], files: withText }),
    )).json();
    assert.equal(errorType, "Llama.BadRequest", JSON.stringify(files));
    assert.match(errorMessage, message);
  }
});

Deno.test("a resumed run knows a link that leads elsewhere, and an empty directory", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("tree/a", "same");
  await directory.write("tree/b", "same");
  const hash = async () =>
    await hashSharedFiles(await expandInputs([{ local: directory.join("tree"), remote: "t" }]));
  const hashes = [await hash()];
  await Deno.symlink("a", directory.join("tree/link"));
  hashes.push(await hash());
  await Deno.remove(directory.join("tree/link"));
  await Deno.symlink("b", directory.join("tree/link"));
  hashes.push(await hash());
  await Deno.mkdir(directory.join("tree/empty"));
  hashes.push(await hash(), await hash());
  assert.equal(new Set(hashes).size, 4);
});
