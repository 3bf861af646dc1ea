import assert from "node:assert/strict";
import {
  type JobOutcome,
  jobRecordSchema,
  Llama,
  LlamaError,
  type MapOptions,
  newCounts,
} from "../../mod.ts";
import { TemporaryDirectory, textOf } from "../helpers.ts";
import { echo, functionError, InvokeStub, logHeader, type StubAnswer } from "../invoke_stub.ts";

/** Runs a job a line over a stub, and gives what came of it in the order of the lines. */
async function run(
  lines: readonly string[] | AsyncIterable<string>,
  answer: StubAnswer,
  options: MapOptions = {},
  templates = ["{{.Line}}"],
) {
  await using lambda = new InvokeStub(answer);
  await using llama = new Llama({ environment: lambda.environment });
  const outcomes: JobOutcome[] = [];
  let error: unknown;
  try {
    for await (const outcome of llama.map("f", templates, lines, options)) outcomes.push(outcome);
  } catch (thrown) {
    error = thrown;
  }
  outcomes.sort((a, b) => a.index - b.index);
  return { outcomes, error, sent: lambda.requests.map(({ args }) => args.join(" ")), lambda };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1));

Deno.test("a record is complete and conforms to the schema", async () => {
  await using directory = new TemporaryDirectory();
  const answer: StubAnswer = ({ args: [line] }) =>
    line === "crash" ? functionError("Runtime.ExitError") : {
      status: line === "fails" ? 3 : 0,
      stdout: { s: "out" },
      outputs: { made: { s: "x" } },
      times: { cold: true, e2e: 12_345_678, fetch: 1e6, exec: 10e6, upload: 1e6, init: 5e6 },
      environment: { memory: 1024, arch: "x86_64" },
      memory: 5_000_000,
    };
  const lines = ["fine", "fails", "crash", "lacks", "/etc/passwd"];
  const templates = [
    "{{.Line}}",
    `{{if eq .Line "lacks"}}{{.O "absent"}}{{end}}`,
    `{{if eq .Line "fine"}}{{.O "${directory.join("made").slice(1)}"}}{{end}}`,
    `{{if eq .Line "/etc/passwd"}}{{.I .Line}}{{end}}`,
  ];
  const { outcomes } = await run(lines, answer, {}, templates);
  const records = outcomes.map(({ record }) =>
    jobRecordSchema.parse(JSON.parse(JSON.stringify(record)))
  );
  assert.deepEqual(
    records.map(({ seq, line, ok, status, attempts }) => ({ seq, line, ok, status, attempts })),
    [
      { seq: 1, line: "fine", ok: false, status: 0, attempts: 1 },
      { seq: 2, line: "fails", ok: false, status: 3, attempts: 1 },
      { seq: 3, line: "crash", ok: false, status: null, attempts: 1 },
      { seq: 4, line: "lacks", ok: false, status: 0, attempts: 1 },
      { seq: 5, line: "/etc/passwd", ok: false, status: null, attempts: 0 },
    ],
  );
  const [first, second, third, fourth, fifth] = records;
  assert.deepEqual(second?.times, {
    cold: true,
    totalMilliseconds: 12.346,
    fetchMilliseconds: 1,
    commandMilliseconds: 10,
    uploadMilliseconds: 1,
    initMilliseconds: 5,
  });
  assert.deepEqual(
    [second?.billedMilliseconds, second?.functionMemory, second?.memoryBytes],
    [18, 1024, 5_000_000],
  );
  assert.deepEqual(second?.cost, { dollars: 5.000006e-7, isEstimate: true });
  assert.deepEqual(second?.errors, []);
  assert.deepEqual(third?.errors, [
    { code: "function", message: "f: Runtime.ExitError: it crashed", type: "Runtime.ExitError" },
  ]);
  assert.equal(fourth?.errors[0]?.code, "output");
  assert.equal(fifth?.errors[0]?.code, "template");
  assert.equal(fifth?.cost, undefined);
  assert.equal(first?.command.startsWith("f fine '' "), true);
  assert(records.every(({ started }) => Math.abs(Date.parse(started) - Date.now()) < 60_000));
});

Deno.test("the counts are kept up to date, and add up", async () => {
  const counts = newCounts();
  const inFlight: number[] = [];
  const { outcomes } = await run(numbers(20), ({ args }) => {
    inFlight.push(counts.running);
    return { status: Number(args[0]) % 5 === 0 ? 1 : 0, environment: { memory: 128 } };
  }, { counts, concurrency: 3, readAhead: 100 });
  const { done, failed, running, waiting, total, isEstimate } = counts;
  assert.deepEqual({ done, failed, running, waiting, total, isEstimate }, {
    done: 16,
    failed: 4,
    running: 0,
    waiting: 0,
    total: 20,
    isEstimate: true,
  });
  assert(inFlight.every((count) => count >= 1 && count <= 3));
  const sum = (of: (outcome: JobOutcome) => number) => outcomes.reduce((s, o) => s + of(o), 0);
  assert.equal(counts.bytesSent, sum(({ record }) => record.sentBytes));
  assert.equal(counts.bytesReceived, sum(({ record }) => record.receivedBytes));
  assert(Math.abs(counts.dollars - sum(({ record }) => record.cost?.dollars ?? 0)) < 1e-12);
  assert(counts.bytesSent > 20 * 30 && counts.dollars > 20 * 2e-7);
});

Deno.test("a job that failed is repeated, and its record is of all attempts", async () => {
  const tries = new Map<string, number>();
  const answer: StubAnswer = ({ args: [line = ""] }) => {
    const count = (tries.get(line) ?? 0) + 1;
    tries.set(line, count);
    if (line === "crashes" && count < 3) return functionError("Runtime.ExitError");
    return { status: line === "never" || (line === "exits" && count < 3) ? 1 : 0 };
  };
  const lines = ["fine", "exits", "crashes", "never"];
  const attempts = async (options: MapOptions) => {
    tries.clear();
    const { outcomes } = await run(lines, answer, options);
    return outcomes.map(({ record: { attempts, ok } }) => `${attempts} ${ok}`);
  };
  assert.deepEqual(await attempts({}), ["1 true", "1 false", "1 false", "1 false"]);
  assert.deepEqual(await attempts({ retries: 2 }), ["1 true", "3 true", "3 true", "3 false"]);
  const exit = { retries: 5, retryOn: "exit" } as const;
  assert.deepEqual(await attempts(exit), ["1 true", "3 true", "1 false", "6 false"]);
  const crash = { retries: 5, retryOn: "function" } as const;
  assert.deepEqual(await attempts(crash), ["1 true", "1 false", "3 true", "1 false"]);
});

Deno.test("all attempts are paid for", async () => {
  const log =
    "REPORT RequestId: x\tDuration: 1 ms\tBilled Duration: 1000 ms\tMemory Size: 1024 MB\t" +
    "Max Memory Used: 40 MB\t\n";
  const { outcomes } = await run(
    ["a"],
    () => Response.json({ status: 1 }, { headers: logHeader(log) }),
    { retries: 2, logs: true },
  );
  const record = outcomes[0]?.record;
  assert.deepEqual([record?.attempts, record?.billedMilliseconds], [3, 3000]);
  assert.deepEqual(record?.cost, { dollars: 0.0000506001, isEstimate: false });
  assert.equal(record?.log, log);
});

Deno.test("a line may be a list of columns, and a text has columns with a separator", async () => {
  await using lambda = new InvokeStub(() => ({ status: 0 }));
  await using llama = new Llama({ environment: lambda.environment });
  const lines = [["a b", "c"], "d,e"];
  const run = llama.map("f", ["{{.Col 2}}", "{{.Each}}"], lines, {
    columnSeparator: ",",
    linesPerJob: 1,
    concurrency: 1,
  });
  const outcomes = await Array.fromAsync(run);
  assert.deepEqual(outcomes.map(({ line }) => line), ["a b c", "d,e"]);
  assert.deepEqual(lambda.requests.map(({ args }) => args), [["c", "a b c"], ["e", "d,e"]]);
});

Deno.test("the timeout goes along with each request", async () => {
  const { lambda } = await run(["a"], echo, { timeoutSeconds: 1.5 });
  assert.deepEqual(lambda.requests.map(({ timeout }) => timeout), [1.5]);
});

Deno.test("halting soon starts no more jobs and waits for those in flight", async () => {
  const slow = Promise.withResolvers<void>();
  const { outcomes, error, sent } = await run(numbers(50), async ({ args: [line] }) => {
    if (line === "1") await slow.promise;
    if (line === "2") return { status: 1 };
    if (line === "3") slow.resolve();
    return { status: 0 };
  }, { halt: { when: "soon", count: 1, isPercent: false }, concurrency: 3 });
  assert(error instanceof LlamaError);
  assert.deepEqual([error.code, error.message], [
    "halted",
    "1 job failed: no more jobs are started",
  ]);
  assert(sent.length < 10, `${sent.length} jobs`);
  assert.equal(outcomes.length, sent.length);
  assert(outcomes[0]?.record.ok);
});

Deno.test("halting now drops those in flight", async () => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { outcomes, error } = await run(numbers(50), async ({ args: [line] }) => {
    if (line === "1") {
      started.resolve();
      await release.promise;
    }
    await started.promise;
    return { status: line === "2" ? 1 : 0 };
  }, { halt: { when: "now", count: 1, isPercent: false }, concurrency: 2 }).finally(
    release.resolve,
  );
  assert(error instanceof LlamaError && error.code === "halted");
  assert.deepEqual(outcomes.map(({ index }) => index), [1]);
});

Deno.test("a run that reaches its cost limit starts no more jobs, and asks Lambda what it bills", async () => {
  const log =
    "REPORT RequestId: x\tDuration: 1 ms\tBilled Duration: 1000 ms\tMemory Size: 1024 MB\t" +
    "Max Memory Used: 40 MB\t\n";
  const counts = newCounts();
  const { outcomes, error } = await run(
    numbers(100),
    () => Response.json({ status: 0 }, { headers: logHeader(log) }),
    { maxDollars: 0.0001, concurrency: 2, counts },
  );
  assert(error instanceof LlamaError && error.code === "halted");
  // A job costs $0.0000168667.
  assert(outcomes.length >= 6 && outcomes.length <= 8, `${outcomes.length} jobs`);
  assert.deepEqual([outcomes[0]?.record.log, counts.isEstimate], [undefined, false]);
});

Deno.test("a stop ends the run after the jobs in flight, even while the input waits", async () => {
  const stop = new AbortController();
  async function* lines() {
    yield "a";
    yield "b";
    yield await new Promise<string>(() => {});
  }
  const { outcomes, error } = await run(lines(), ({ args: [line] }) => {
    if (line === "b") stop.abort();
    return { status: line === "b" ? 1 : 0 };
  }, { stop: stop.signal, retries: 100 });
  assert.equal(error, undefined);
  assert.deepEqual(
    outcomes.map(({ line, record }) => `${line} ${record.attempts}`),
    ["a 1", "b 1"],
  );
});

Deno.test("a stop drops jobs that Lambda had no room for yet: they were not sent", async () => {
  await using directory = new TemporaryDirectory();
  const jobLog = directory.join("log");
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  let refused = 0;
  const { outcomes, error, sent } = await run(numbers(10), async ({ args: [line] }) => {
    if (line === "1") {
      await stopped.promise;
      return { status: 0 };
    }
    if (++refused === 3) {
      stop.abort();
      stopped.resolve();
    }
    return Response.json({ Message: "Rate Exceeded." }, {
      status: 429,
      headers: { "x-amzn-errortype": "TooManyRequestsException" },
    });
  }, { stop: stop.signal, concurrency: 4, jobLog });
  assert.deepEqual([error, sent.toSorted()], [undefined, ["1", "2", "3", "4"]]);
  assert.deepEqual(outcomes.map(({ line }) => line), ["1"]);
  assert.equal((await Deno.readTextFile(jobLog)).split("\n").length, 3);
});

Deno.test("a stop ends the pauses of jobs that Lambda had no room for", async () => {
  const stop = new AbortController();
  await using lambda = new InvokeStub(() =>
    Response.json({ Message: "Rate Exceeded." }, {
      status: 429,
      headers: { "x-amzn-errortype": "TooManyRequestsException", "retry-after": "600" },
    })
  );
  let pauses = 0;
  const debug = (line: string) => {
    // It is told right before a job begins its pause; all four are in theirs when a timer runs.
    if (/^retrying in/.test(line) && ++pauses === 4) setTimeout(() => stop.abort());
  };
  await using llama = new Llama({ environment: lambda.environment, debug });
  const outcomes = [];
  const jobs = llama.map("f", ["{{.Line}}"], numbers(4), { stop: stop.signal });
  for await (const outcome of jobs) outcomes.push(outcome);
  assert.deepEqual([pauses, outcomes, lambda.requests.length], [4, [], 4]);
});

Deno.test("a retry that is no longer sent keeps the failure before it", async () => {
  const stop = new AbortController();
  let calls = 0;
  const { outcomes } = await run(["a"], () => {
    if (++calls === 1) return { status: 7 };
    stop.abort();
    return Response.json({ Message: "Rate Exceeded." }, {
      status: 429,
      headers: { "x-amzn-errortype": "TooManyRequestsException" },
    });
  }, { stop: stop.signal, retries: 5 });
  assert.deepEqual(outcomes.map(({ record: { status, attempts } }) => [status, attempts]), [[
    7,
    1,
  ]]);
});

Deno.test("a failure that affects all jobs ends the run, and is in no outcome and no log", async () => {
  await using directory = new TemporaryDirectory();
  const jobLog = directory.join("log");
  const { outcomes, error } = await run(
    numbers(500),
    () =>
      Response.json({ Message: "Function not found" }, {
        status: 404,
        headers: { "x-amzn-errortype": "ResourceNotFoundException" },
      }),
    { jobLog, concurrency: 4 },
  );
  assert(error instanceof LlamaError && error.code === "no-such-function");
  assert.deepEqual(outcomes, []);
  assert.equal((await Deno.readTextFile(jobLog)).split("\n").length, 2);
});

Deno.test("a source that fails ends the run after the jobs in flight", async () => {
  async function* lines() {
    yield "a";
    throw new Error("broken");
  }
  const { outcomes, error } = await run(lines(), echo);
  assert.match(String(error), /broken/);
  assert.deepEqual(outcomes.map(({ line }) => line), ["a"]);
});

Deno.test("a run resumes where another was stopped, and repeats failed jobs on request", async () => {
  await using directory = new TemporaryDirectory();
  const jobLog = directory.join("log");
  const results = directory.join("results");
  const stop = new AbortController();
  const fails: StubAnswer = ({ args: [line] }) => {
    if (line === "5") stop.abort();
    return { status: line === "3" ? 1 : 0, stdout: { s: `ran ${line}` } };
  };
  const first = await run(numbers(10), fails, {
    jobLog,
    results,
    concurrency: 1,
    stop: stop.signal,
  });
  assert.deepEqual(first.sent, ["1", "2", "3", "4", "5"]);

  const skipped: number[] = [];
  const onSkip = (index: number) => skipped.push(index);
  const counts = newCounts();
  const works: StubAnswer = ({ args: [line] }) => ({
    status: 0,
    stdout: { s: `ran ${line} again` },
  });
  const options = { jobLog, results, onSkip, counts, readAhead: 100 };
  const second = await run(numbers(7), works, { ...options, resume: "ended" });
  assert.deepEqual([second.sent.toSorted(), skipped], [["6", "7"], [0, 1, 2, 3, 4]]);
  assert.deepEqual([counts.total, counts.done], [2, 2]);

  const third = await run(numbers(10), works, { ...options, resume: "succeeded" });
  assert.deepEqual(third.sent.toSorted(), ["10", "3", "8", "9"]);
  const text = await Deno.readTextFile(jobLog);
  assert.equal(text.split("\n").length, 1 + 5 + 2 + 4 + 1);
  const status = (seq: number) => Deno.readTextFile(directory.join(`results/${seq}/status.json`));
  for (const seq of numbers(10)) {
    assert(jobRecordSchema.parse(JSON.parse(await status(Number(seq)))).ok, seq);
    const expected = Number(seq) > 5 || seq === "3" ? `ran ${seq} again` : `ran ${seq}`;
    assert.equal(await Deno.readTextFile(directory.join(`results/${seq}/stdout`)), expected);
  }
  const fourth = await run(["1", "other"], works, { ...options, resume: "ended" });
  assert(fourth.error instanceof LlamaError && fourth.error.code === "usage");
  assert.deepEqual(fourth.sent, []);
});

Deno.test("while jobs are skipped, everything else has its turn, and the counts tell how many", async () => {
  await using directory = new TemporaryDirectory();
  const jobLog = directory.join("log");
  const lines = numbers(2500);
  await run(lines, echo, { jobLog });
  const counts = newCounts();
  const seen: number[] = [];
  const onSkip = () => setImmediate(() => seen.push(counts.skipped));
  const { outcomes, error } = await run(lines, echo, { jobLog, resume: "ended", counts, onSkip });
  assert.deepEqual([outcomes, error, counts.skipped, counts.total], [[], undefined, 2500, 0]);
  assert((seen[0] ?? 2500) < 2500, `first seen after ${seen[0]} jobs`);
});

Deno.test("a stop ends the skipping", async () => {
  await using directory = new TemporaryDirectory();
  const jobLog = directory.join("log");
  await run(numbers(5), echo, { jobLog });
  const stop = new AbortController();
  const skipped: number[] = [];
  const { outcomes, error } = await run(numbers(10), echo, {
    jobLog,
    resume: "ended",
    stop: stop.signal,
    onSkip: (index) => {
      skipped.push(index);
      if (index === 2) stop.abort();
    },
  });
  assert.deepEqual([outcomes, error, skipped], [[], undefined, [0, 1, 2]]);
});

Deno.test("a job log may be a function, which gets whole lines", async () => {
  const texts: string[] = [];
  const jobLog = (text: string) => {
    texts.push(text);
    return Promise.resolve();
  };
  const { error } = await run(numbers(20), echo, { jobLog });
  assert.equal(error, undefined);
  assert(texts.every((text) => text.endsWith("\n")));
  assert.equal(texts.join("").split("\n").length, 1 + 20 + 1);
});

Deno.test("an error of a job log's function ends the run unchanged", async () => {
  const broken = new Error("nobody reads");
  let calls = 0;
  const jobLog = () => ++calls === 1 ? Promise.resolve() : Promise.reject(broken);
  const { error, outcomes } = await run(numbers(100), echo, { jobLog, concurrency: 3 });
  assert.equal(error, broken);
  assert(outcomes.length > 0 && outcomes.length < 50, `${outcomes.length} jobs`);
});

Deno.test("results that cannot be written end the run, and no job's own is lost", async () => {
  await using directory = new TemporaryDirectory();
  const results = directory.join("results");
  const answer: StubAnswer = async (request) => {
    if (request.args[0] === "1") await directory.write("results/1", "a file is in the way");
    return echo(request);
  };
  const { outcomes, error } = await run(numbers(100), answer, { results, concurrency: 3 });
  assert(error instanceof LlamaError && error.code === "output");
  assert(outcomes.length > 0 && outcomes.length < 50, `${outcomes.length} jobs`);
  const outputs = outcomes.map(({ result }) => textOf(result?.stdout ?? new Uint8Array()));
  assert.deepEqual(outputs, outcomes.map(({ line }) => line));
});

Deno.test("results that are not llama's are an error before anything is sent or moved", async () => {
  await using directory = new TemporaryDirectory();
  const results = directory.join("results");
  await run(["a"], echo, { results });
  await directory.write("results/2/photos/a", "precious");
  for (const resume of [undefined, "ended"] as const) {
    const jobLog = directory.join("log");
    const { error, sent } = await run(["a", "b"], echo, { results, jobLog, resume });
    assert(error instanceof LlamaError && error.code === "usage", String(error));
    assert.match(error.message, /results\/2" is not the result of an earlier run$/);
    assert.deepEqual(sent, []);
    assert.equal(await Deno.readTextFile(directory.join("results/1/stdout")), "a");
    assert.equal(await Deno.readTextFile(directory.join("results/2/photos/a")), "precious");
  }
});

Deno.test("a run that ends early keeps earlier results, and the one that resumes it removes them", async () => {
  await using directory = new TemporaryDirectory();
  const results = directory.join("results");
  const jobLog = directory.join("log");
  const names = async () =>
    (await directory.list("results")).map((path) => path.replace(/^results\/(\.old)?[^/]*/, "$1"))
      .filter((path) => /^\.old(\/\d+)?$/.test(path));
  await run(numbers(4), echo, { results, jobLog });
  assert.deepEqual(await names(), []);
  const fails: StubAnswer = () => ({ status: 1 });
  const halt = { when: "soon", count: 1, isPercent: false } as const;
  const halted = await run(numbers(4), fails, { results, jobLog, halt, concurrency: 1 });
  assert(halted.error instanceof LlamaError && halted.error.code === "halted");
  assert.deepEqual(await names(), [".old", ".old/1", ".old/2", ".old/3", ".old/4"]);
  const resumed = await run(numbers(4), echo, { results, jobLog, resume: "ended" });
  assert.equal(resumed.error, undefined);
  assert.deepEqual(await names(), []);
  assert.equal(resumed.sent.length, 4 - halted.outcomes.length);
  for (const seq of numbers(4)) await Deno.stat(`${results}/${seq}/status.json`);
});

Deno.test("a run that is stopped keeps earlier results", async () => {
  await using directory = new TemporaryDirectory();
  const results = directory.join("results");
  await run(numbers(4), echo, { results });
  const stop = new AbortController();
  const stopping: StubAnswer = (request) => {
    stop.abort();
    return echo(request);
  };
  const { error, sent } = await run(numbers(4), stopping, {
    results,
    stop: stop.signal,
    concurrency: 1,
  });
  assert.deepEqual([error, sent.length], [undefined, 1]);
  const old = (await directory.list("results")).filter((path) => /\/\.old-[^/]*\/\d$/.test(path));
  assert.equal(old.length, 4);
});

Deno.test("a log or results that cannot be are an error before anything is sent", async () => {
  await using directory = new TemporaryDirectory();
  const results = await directory.write("results", "a file");
  for (const options of [{ results }, { jobLog: directory.join("no/log") }]) {
    const { error, sent } = await run(["a"], echo, options);
    assert(error instanceof LlamaError && error.code === "output");
    assert.deepEqual(sent, []);
  }
});

Deno.test("options that make no sense are refused before anything is run", async () => {
  for (
    const [options, words] of [
      [{ concurrency: 0 }, /concurrency must be a positive integer, not 0/],
      [{ linesPerJob: 1.5 }, /linesPerJob must be a positive integer, not 1\.5/],
      [{ retries: -1 }, /retries must be a non-negative integer, not -1/],
      [{ stragglers: 0.5 }, /stragglers must be a non-negative integer, not 0\.5/],
    ] as const
  ) {
    const { error, sent } = await run(["a"], echo, options);
    assert(error instanceof LlamaError && error.code === "usage");
    assert.match(error.message, words);
    assert.deepEqual(sent, []);
  }
});

Deno.test("stragglers are not copied by a Llama that runs no job twice", async () => {
  await using lambda = new InvokeStub(echo);
  await using llama = new Llama({ environment: lambda.environment, invokeRetries: 0 });
  await assert.rejects(
    Array.fromAsync(llama.map("f", ["{{.Line}}"], ["a"], { stragglers: 1 })),
    (error) => error instanceof LlamaError && error.code === "usage",
  );
  assert.equal(lambda.requests.length, 0);
  const outcomes = await Array.fromAsync(llama.map("f", ["{{.Line}}"], ["a"], { stragglers: 0 }));
  assert.deepEqual(outcomes.map(({ record }) => record.ok), [true]);
});

Deno.test("stragglers are refused for jobs that write to S3, unless nothing is replaced", async () => {
  const template = '{{.O (printf "s3://bucket/%s" .Line)}}';
  const { error, sent } = await run(["a"], echo, { stragglers: 1 }, [template]);
  assert(error instanceof LlamaError && error.code === "usage", String(error));
  assert.match(error.message, /^a job that writes to S3 cannot be copied/);
  assert.deepEqual(sent, []);
  const guarded = await run(["a"], echo, { stragglers: 1, noClobber: true }, [template]);
  assert.deepEqual([guarded.error, guarded.sent.length], [undefined, 1]);
});
