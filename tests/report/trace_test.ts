import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { type JobOutcome, Llama, Spans, traceText } from "../../mod.ts";
import { noise, TemporaryDirectory } from "../helpers.ts";
import { functionError, InvokeStub, type StubAnswer } from "../invoke_stub.ts";
import { checkNesting, slicesOf, sumOf } from "./slices.ts";

const times = { cold: false, e2e: 300_000, fetch: 50_000, exec: 200_000, upload: 50_000 };

async function outcomesOf(
  count: number,
  answer: StubAnswer,
  concurrency: number,
): Promise<JobOutcome[]> {
  await using lambda = new InvokeStub(answer);
  await using llama = new Llama({ environment: lambda.environment });
  const lines = Array.from({ length: count }, (_, index) => String(index));
  return await Array.fromAsync(llama.map("f", ["{{.Line}}"], lines, { concurrency, spans: true }));
}

Deno.test("slices are nested, and their sums match the records", async () => {
  const outcomes = await outcomesOf(200, async ({ args: [line] }) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (line === "7") return functionError("Runtime.ExitError");
    return { status: 0, times: { ...times, cold: Number(line) < 10 } };
  }, 10);
  const { slices, tracks } = slicesOf([...traceText(outcomes)].join(""));
  checkNesting(slices);
  assert(tracks.size <= 10 && tracks.get(1) === "slot 1", [...tracks.values()].join());
  const records = outcomes.map(({ record }) => record);
  assert.equal(slices.filter(({ name }) => name === "job").length, 200);
  const figure = (of: (record: JobOutcome["record"]) => number) =>
    records.reduce((sum, record) => sum + of(record), 0);
  const close = (name: string, milliseconds: number) => {
    const sum = sumOf(slices, name);
    assert(Math.abs(sum - milliseconds) < 200 * 0.001, `${name}: ${sum}, ${milliseconds}`);
  };
  close("job", figure(({ elapsedMilliseconds }) => elapsedMilliseconds));
  close("fetch", figure(({ times }) => times?.fetchMilliseconds ?? 0));
  close("command", figure(({ times }) => times?.commandMilliseconds ?? 0));
  close("upload", figure(({ times }) => times?.uploadMilliseconds ?? 0));
  const colds = slices.filter(({ name }) => name === "cold start");
  assert.equal(colds.length, records.filter(({ times }) => times?.cold).length);
  assert.deepEqual(
    slices.filter(({ args }) => args.failed).map(({ name, args }) => [name, args.seq, args.failed]),
    [["invoke", 8, "function"]],
  );
  for (const name of ["template", "inputs", "queue", "invoke"]) {
    assert(slices.filter((slice) => slice.name === name).length >= 200, name);
  }
});

Deno.test("a throttled request is a failed invoke, and the pause after it is queue", async () => {
  let refused = 0;
  const [outcome] = await outcomesOf(1, () =>
    refused++ === 0
      ? new Response("{}", {
        status: 429,
        headers: { "x-amzn-errortype": "TooManyRequestsException" },
      })
      : { status: 0, times }, 1);
  const spans = outcome?.spans ?? [];
  const order = spans.filter(({ name }) => name === "queue" || name === "invoke")
    .map(({ name, failed }) => failed ? `${name} ${failed}` : name);
  assert.deepEqual(order, ["queue", "invoke throttled", "queue", "invoke"]);
  assert.equal(spans.findLast(({ name }) => name === "invoke")?.times?.exec, times.exec);
});

const record = { seq: 1, command: "f", ok: true, status: 0, attempts: 1 } as JobOutcome["record"];

Deno.test("spans of transferred files are within those of inputs and outputs", async () => {
  await using directory = new TemporaryDirectory();
  const files = ["a", "b", "c"];
  for (const [index, name] of files.entries()) {
    await directory.write(name, noise(300_000, index + 1));
  }
  const outputs = Object.fromEntries(files.map((name) => [`${name}.out`, { s: "made" }]));
  await using lambda = new InvokeStub(() => ({ status: 0, outputs, times }));
  const store = pathToFileURL(directory.join("store")).href;
  await using llama = new Llama({ environment: lambda.environment, store });
  const spans = new Spans();
  await llama.invoke("f", [], {
    files: files.map((name) => ({ local: directory.join(name), remote: name })),
    outputs: files.map((name) => ({ local: directory.join(`${name}.out`), remote: `${name}.out` })),
    spans,
  });
  const { slices } = slicesOf([...traceText([{ record, spans: spans.all }])].join(""));
  checkNesting(slices);
  for (const [inner, outer] of [["upload", "inputs"], ["write", "outputs"]] as const) {
    const around = slices.filter(({ name }) => name === outer);
    // The runtime also has an upload.
    const found = slices.filter(({ name, ts, dur }) =>
      name === inner &&
      around.some((other) => ts >= other.ts && ts + dur <= other.ts + other.dur + 1e-6)
    );
    assert.equal(found.length, 3, `${inner} in ${outer}`);
  }
});

Deno.test("overlapping slices are on separate tracks", () => {
  const spans = new Spans();
  spans.add("job", 0, 10);
  spans.add("inputs", 1, 8);
  spans.add("upload", 1, 5);
  spans.add("upload", 2, 8);
  spans.add("hash", 5, 6);
  const later = new Spans();
  later.add("job", 4, 12);
  const jobs = [{ record, spans: spans.all }, { record: { ...record, seq: 2 }, spans: later.all }];
  const { slices, tracks } = slicesOf([...traceText(jobs)].join(""));
  checkNesting(slices);
  assert.deepEqual([...tracks.values()].sort(), ["slot 1", "slot 1, file 2", "slot 2"]);
});

Deno.test("outcomes have no spans unless requested", async () => {
  await using lambda = new InvokeStub(() => ({ status: 0 }));
  await using llama = new Llama({ environment: lambda.environment });
  const [outcome] = await Array.fromAsync(llama.map("f", [], ["x"]));
  assert.equal(outcome?.spans, undefined);
});

Deno.test("a trace without jobs has no slices", () => {
  assert.deepEqual(slicesOf([...traceText([])].join("")), { slices: [], tracks: new Map() });
});
