import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { render, type RenderOptions } from "../../../lib/commands/print/render.ts";
import { FunctionError, LlamaError } from "../../../lib/errors.ts";
import type { JobResult } from "../../../lib/jobs/job.ts";
import type { JobOutcome } from "../../../lib/jobs/map_options.ts";
import { jobRecordSchema } from "../../../lib/jobs/record_schema.ts";
import type { Piece } from "../../../lib/commands/print/piece.ts";
import { bytesOf, noise, TemporaryDirectory, textOf } from "../../helpers.ts";

const result: JobResult = {
  status: 0,
  stdout: bytesOf("one\ntwo"),
  stderr: bytesOf("oops\n"),
  written: [],
  outputErrors: [],
  logTail: undefined,
  times: undefined,
  elapsedMilliseconds: 1,
  memory: undefined,
  environment: undefined,
  requestId: undefined,
  runtime: undefined,
  [Symbol.dispose]: () => {},
};

function outcome(more: Partial<JobResult> = {}, line = "a b"): JobOutcome {
  return {
    index: 6,
    line,
    job: { functionName: "f", args: [line], inputs: [], outputs: [] },
    record: {
      seq: 7,
      function: "f",
      command: "f 'a b'",
      line,
      ok: true,
      status: 0,
      attempts: 1,
      started: "2026-11-24T13:40:38.994Z",
      elapsedMilliseconds: 1,
      sentBytes: 1,
      receivedBytes: 1,
      outputs: [],
      errors: [],
    },
    result: { ...result, ...more },
  };
}

const group: RenderOptions = { form: "group", tag: false, json: false, logs: false };

function pieces(what: JobOutcome, options: Partial<RenderOptions>): string[] {
  return render(what, { ...group, ...options }).map((piece) =>
    `${piece.to}: ${"bytes" in piece ? textOf(piece.bytes) : "a stream"}`
  );
}

/** Returns the bytes for one stream. */
async function printed(
  what: JobOutcome,
  options: Partial<RenderOptions>,
  place: Piece["to"],
): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for (const piece of render(what, { ...group, ...options })) {
    if (piece.to !== place) continue;
    if ("bytes" in piece) all.push(piece.bytes);
    // Each piece of a stream is overwritten by the next.
    else for await (const bytes of piece.stream()) all.push(bytes.slice());
  }
  return new Uint8Array(Buffer.concat(all));
}

/** Output of several pieces, which end within lines and characters. */
const longTexts: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "text": bytesOf(`a${"é\u202e\n".repeat(200_000)}end`),
  "lines that end": bytesOf("12345\n".repeat(200_000)),
  "one long line": bytesOf("\u{1f600}".repeat(200_000)),
  "what is not UTF-8": noise(600_001),
  "a character that is cut off": bytesOf("x".repeat(600_000) + "é").slice(0, -1),
};

for (const [what, bytes] of Object.entries(longTexts)) {
  Deno.test(`output in a file is printed as from memory: ${what}`, async () => {
    await using directory = new TemporaryDirectory();
    const file = await directory.write("output", bytes);
    const inMemory = outcome({ stdout: bytes, stderr: bytes });
    const [stdout, stderr] = [new Uint8Array(), new Uint8Array()];
    const inFiles = outcome({ stdout, stderr, stdoutFile: file, stderrFile: file });
    const oneFile = outcome({ stdout, stderr: bytes, stdoutFile: file });
    const forms: Partial<RenderOptions>[] = [
      {},
      { tag: true },
      { form: "line" },
      { form: "line", tag: true },
      { json: true },
      { json: true, form: "none" },
      { form: "none" },
    ];
    for (const form of forms) {
      for (const place of ["data", "talk"] as const) {
        const expected = await printed(inMemory, form, place);
        for (const each of [inFiles, oneFile]) {
          assert(Buffer.from(await printed(each, form, place)).equals(expected));
        }
      }
    }
  });
}

Deno.test("-print group leaves output unchanged", () => {
  assert.deepEqual(pieces(outcome(), {}), ["data: one\ntwo", "talk: oops\n"]);
  assert.deepEqual(pieces(outcome({ stdout: new Uint8Array(), stderr: new Uint8Array() }), {}), []);
});

Deno.test("-print line adds a missing final line feed", () => {
  assert.deepEqual(pieces(outcome(), { form: "line" }), ["data: one\ntwo\n", "talk: oops\n"]);
});

Deno.test("-tag prefixes each line with the input and a tab", () => {
  const tagged = ["data: a b\tone\na b\ttwo\n", "talk: a b\toops\n"];
  assert.deepEqual(pieces(outcome(), { tag: true }), tagged);
  assert.deepEqual(pieces(outcome(), { tag: true, form: "line" }), tagged);
  const two = outcome({ stdout: bytesOf("\n"), stderr: new Uint8Array() }, "a\nb");
  assert.deepEqual(pieces(two, { tag: true }), ["data: a b\t\n"]);
});

Deno.test("-print none omits output but not errors", () => {
  assert.deepEqual(pieces(outcome({ status: 2 }), { form: "none" }), [
    "message: job 7: f 'a b': exit status 2",
  ]);
});

Deno.test("a failure is reported after the output, with a hint", () => {
  const outputErrors = [new LlamaError("output", "no output", { hint: "make it" })];
  assert.deepEqual(pieces(outcome({ status: 137, outputErrors }), {}), [
    "data: one\ntwo",
    "talk: oops\n",
    "message: job 7: f 'a b': exit status 137 (killed by signal 9)",
    "message: job 7: f 'a b': no output",
    "message: hint: make it",
  ]);
  const { result: _, ...rest } = outcome();
  const error = new LlamaError("template", "bad");
  assert.deepEqual(pieces({ ...rest, job: undefined, error }, {}), [
    "message: job 7: line 'a b': bad",
  ]);
});

Deno.test("the message about a failure shortens a long command", () => {
  const failed = outcome({ status: 1 });
  const command = `f ${"x".repeat(100_000)}`;
  const [, , words] = pieces({ ...failed, record: { ...failed.record, command } }, {});
  assert.equal(words, `message: job 7: ${command.slice(0, 1000)}...: exit status 1`);
});

Deno.test("-logs shows the log whether the function failed or not", () => {
  const logged = outcome({ logTail: "START", stdout: new Uint8Array(), stderr: new Uint8Array() });
  assert.deepEqual(pieces(logged, { logs: true }), ["talk: START\n"]);
  assert.deepEqual(pieces(logged, {}), []);
  const { result: _, ...rest } = outcome();
  const details = { errorType: "T", errorMessage: "m", logTail: "LOG\n" };
  const failed = { ...rest, error: new FunctionError("f", details) };
  assert.deepEqual(pieces(failed, { logs: true }), [
    "talk: LOG\n",
    "message: job 7: f 'a b': f: T: m",
  ]);
  assert.deepEqual(pieces(failed, {}), ["message: job 7: f 'a b': f: T: m"]);
});

Deno.test("-json prints a job's record, including its output", () => {
  const binary = outcome({ stderr: new Uint8Array([0xff, 0]), status: 1 });
  const [line = "", failure] = pieces(binary, { json: true });
  assert.match(line, /^data: \{[^\n]*\}\n$/);
  const record = jobRecordSchema.parse(JSON.parse(line.slice("data: ".length)));
  assert.deepEqual([record.stdout, record.stderr, record.stderrBase64], [
    "one\ntwo",
    undefined,
    "/wA=",
  ]);
  assert.equal(failure, "message: job 7: f 'a b': exit status 1");
  const [bare = ""] = pieces(outcome(), { json: true, form: "none" });
  assert.equal("stdout" in JSON.parse(bare.slice("data: ".length)), false);
});
