import assert from "node:assert/strict";
import type { JobRecord } from "../../lib/jobs/record.ts";
import { makeResults, writeResults } from "../../lib/jobs/results.ts";
import { bytesOf, noise, TemporaryDirectory } from "../helpers.ts";

const record: JobRecord = {
  seq: 7,
  function: "f",
  command: "f",
  line: "",
  ok: true,
  status: 0,
  attempts: 1,
  started: "2026-11-24T13:40:38.994Z",
  elapsedMilliseconds: 1,
  sentBytes: 1,
  receivedBytes: 1,
  outputs: [],
  errors: [],
};

Deno.test("a job's results are in a directory of its own, byte for byte", async () => {
  await using directory = new TemporaryDirectory();
  const output = { stdout: noise(1000), stderr: bytesOf("e\n") };
  await makeResults(directory.join("a/b"));
  await writeResults(directory.join("a/b"), record, output);
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

Deno.test("results replace those of an earlier run whole", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("7/stdout", "old");
  await directory.write("7/more", "old");
  await writeResults(directory.path, record, { stdout: bytesOf("new"), stderr: bytesOf("") });
  assert.deepEqual(await directory.list("7"), ["7/status.json", "7/stderr", "7/stdout"]);
  assert.equal(await Deno.readTextFile(directory.join("7/stdout")), "new");
});

Deno.test("results that cannot be written are an error that says where, and leave nothing", async () => {
  await using directory = new TemporaryDirectory();
  await directory.write("7", "a file is in the way");
  await assert.rejects(
    writeResults(directory.path, record, { stdout: bytesOf(""), stderr: bytesOf("") }),
    { code: "output", message: /cannot write the results ".*\/7": / },
  );
  assert.deepEqual(await directory.list(), ["7"]);
  await assert.rejects(makeResults(directory.join("7")), {
    code: "output",
    message: /cannot make the directory ".*\/7" for results: file exists/,
    hint: "name another directory with -results",
  });
});
