import assert from "node:assert/strict";
import { type FunctionFacts, KnownFunctions } from "../../lib/aws/known_functions.ts";
import { TemporaryDirectory } from "../helpers.ts";

const day = 86_400_000;

/** The note as each new process opens it. */
function open(
  directory: TemporaryDirectory,
  { place = "aws us-west-2 123456789012", now = Date.now } = {},
): KnownFunctions {
  return new KnownFunctions({
    directory: directory.join("notes"),
    place: () => Promise.resolve(place),
    now,
  });
}

/** Writes facts as a process of its own. */
async function learn(
  directory: TemporaryDirectory,
  name: string,
  facts: FunctionFacts,
  options?: Parameters<typeof open>[1],
): Promise<void> {
  const known = open(directory, options);
  await known.load(name);
  known.learn(name, facts);
  known.save();
}

/** The path of the only record. */
async function recordPath(directory: TemporaryDirectory): Promise<string> {
  const [name, ...more] = await directory.list("notes/functions");
  assert(name !== undefined && more.length === 0);
  return directory.join(name);
}

Deno.test("facts that one process learns about a function are known to the next", async () => {
  await using directory = new TemporaryDirectory();
  assert.equal(await open(directory).load("f"), undefined);
  await learn(directory, "f", { isLlama: true });
  await learn(directory, "f", { accepts: ["zstd"], runtime: "2.0.0" });
  assert.deepEqual(await open(directory).load("f"), {
    isLlama: true,
    accepts: ["zstd"],
    runtime: "2.0.0",
  });
});

Deno.test("the note holds for its own account, region and function", async () => {
  await using directory = new TemporaryDirectory();
  await learn(directory, "f", { isLlama: true });
  assert.equal(await open(directory).load("g"), undefined);
  assert.equal(await open(directory, { place: "elsewhere" }).load("f"), undefined);
});

Deno.test("a function that was forgotten is unknown to the next process", async () => {
  await using directory = new TemporaryDirectory();
  await learn(directory, "f", { isLlama: true });
  const known = open(directory);
  await known.load("f");
  known.forget("f");
  assert.equal(known.get("f"), undefined);
  known.save();
  assert.equal(await open(directory).load("f"), undefined);
  assert.deepEqual(await directory.list("notes/functions"), []);
});

Deno.test("a record is the user's own, and one that others could have written is ignored", async () => {
  await using directory = new TemporaryDirectory();
  await learn(directory, "f", { isLlama: true });
  const path = await recordPath(directory);
  const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
  const folder = directory.join("notes/functions");
  assert.deepEqual([mode(path), mode(folder)], [0o600, 0o700]);
  const isKnown = async () => await open(directory).load("f") !== undefined;
  assert(await isKnown());
  for (const open of [path, folder]) {
    const before = mode(open);
    for (const others of [0o020, 0o002]) {
      Deno.chmodSync(open, before | others);
      assert(!await isKnown(), `${open} with ${others.toString(8)}`);
    }
    Deno.chmodSync(open, before);
  }
  await Deno.rename(path, directory.join("elsewhere"));
  await Deno.symlink(directory.join("elsewhere"), path);
  assert(!await isKnown());
});

Deno.test("records are valid for 15 days, and renewed after one", async () => {
  await using directory = new TemporaryDirectory();
  const start = Date.now();
  const at = (days: number) => ({ now: () => start + days * day });
  await learn(directory, "f", { isLlama: true }, at(0));
  const isKnown = async (days: number) => await open(directory, at(days)).load("f") !== undefined;
  assert.deepEqual([await isKnown(14.9), await isKnown(15.1)], [true, false]);
  assert(!await isKnown(-1), "a record from the future");
  await learn(directory, "f", { isLlama: true }, at(0.5));
  assert(!await isKnown(15.1), "renewed too early");
  await learn(directory, "f", { isLlama: true }, at(2));
  assert(await isKnown(15.1));
});

Deno.test("a damaged record is ignored and replaced", async () => {
  await using directory = new TemporaryDirectory();
  await learn(directory, "f", { isLlama: true });
  const path = await recordPath(directory);
  const whole = await Deno.readTextFile(path);
  const damaged = [
    "",
    whole.slice(0, 20),
    "null",
    "[]",
    whole.replace("true", '"yes"'),
    whole.replace("us-west-2", "eu-west-1"),
    whole.trimEnd() + " ".repeat(70_000),
  ];
  for (const text of damaged) {
    await Deno.writeTextFile(path, text);
    assert.equal(await open(directory).load("f"), undefined, text.slice(0, 80));
  }
  await learn(directory, "f", { isLlama: true });
  assert.deepEqual(await open(directory).load("f"), { isLlama: true });
});

Deno.test("processes that learn of functions at the same time lose nothing", async () => {
  await using directory = new TemporaryDirectory();
  const names = Array.from({ length: 20 }, (_, i) => `f${i}`);
  const processes = names.map(() => open(directory));
  await Promise.all(processes.map((known, i) => known.load(names[i] ?? "")));
  processes.forEach((known, i) => known.learn(names[i] ?? "", { isLlama: true }));
  for (const known of processes) known.save();
  for (const name of names) assert.deepEqual(await open(directory).load(name), { isLlama: true });
  const left = await directory.list("notes/functions");
  assert.equal(left.filter((name) => !name.endsWith(".json")).length, 0);
});

Deno.test("without a directory, facts last as long as the process", async () => {
  const place = () => Promise.reject(new Error("the place is not asked for"));
  const known = new KnownFunctions({ directory: undefined, place });
  assert.equal(await known.load("f"), undefined);
  known.learn("f", { isLlama: true });
  known.save();
  assert.deepEqual(await known.load("f"), { isLlama: true });
});

Deno.test("a note that cannot be written is not an error", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("notes", "a file where the directory should be");
  await learn(directory, "f", { isLlama: true });
  assert.equal(await open(directory).load("f"), undefined);
});
