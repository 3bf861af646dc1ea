import assert from "node:assert/strict";
import { formatEntry } from "../../lib/memo/entry.ts";
import { namesOf, ownFeatures } from "../../lib/features.ts";
import { sha256 } from "../../lib/files/hash.ts";
import { failure } from "../store/fake_s3.ts";
import { type BenchOptions, type JobOptions, newBench, statesOf, whysOf } from "./bench.ts";

const stores = ["s3", "directory", "none"] as const;

for (const store of stores) {
  Deno.test(`the second run invokes nothing and gives the same (store: ${store})`, async () => {
    await using bench = await newBench();
    const first = await bench.run({ store });
    assert.deepEqual([statesOf(first), first.invoked, first.notices], [["miss", "miss"], 2, []]);
    const reads = bench.s3.requests.length;
    const second = await bench.run({ store });
    assert.deepEqual([statesOf(second), second.invoked, second.error], [
      ["hit", "hit"],
      0,
      undefined,
    ]);
    assert.deepEqual(second.stdout, first.stdout);
    // One GET per job, and one GetFunction.
    const gets = bench.s3.requests.slice(reads).map((line) => line.slice(0, 20));
    assert.deepEqual(gets, store === "s3" ? Array(2).fill("GET /bucket/obj/act/") : []);
    assert.equal(second.lookups, 1);
    const { kept, done, failed, savedMilliseconds, savedDollars, dollars, unkept } = second.counts;
    assert.deepEqual([kept, done, failed, dollars, unkept], [2, 2, 0, 0, 0]);
    assert.equal(savedMilliseconds, 4000);
    assert.equal(savedDollars.toFixed(7), (2 * (2 * 0.0000166667 + 0.0000002)).toFixed(7));
    for (const { attempts, cost, sentBytes, times, ok } of second.records) {
      const free = { dollars: 0, isEstimate: false };
      assert.deepEqual([attempts, cost, sentBytes, times, ok], [0, free, 0, undefined, true]);
    }
  });

  Deno.test(`a kept result has the same outputs, modes and texts (store: ${store})`, async () => {
    await using bench = await newBench();
    const out = bench.directory.join("out");
    const first = await bench.invoke({ store });
    await Deno.remove(out);
    const second = await bench.invoke({ store });
    assert.deepEqual([first.state, second.state, second.invoked], ["miss", "hit", 0]);
    assert.equal(await Deno.readTextFile(out), "CONTENTS OF A");
    assert.equal(((await Deno.stat(out)).mode ?? 0) & 0o700, 0o700);
    assert.deepEqual(second.stdout, first.stdout);
    assert.deepEqual(second.result.stderr, first.result.stderr);
    assert.deepEqual(second.result.written, [out]);
  });
}

const changed: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  [
    "code",
    { CodeSha256: "other", LastModified: "2026-11-27T10:32:00" },
    /^the function's code changed \(2026-11-27T10:32:00\)$/,
  ],
  ["layer", { Layers: [{ Arn: "arn:layer:2" }] }, /^the function's layers changed$/],
  ["handler", { Handler: "other" }, /^the function's command changed$/],
  [
    "variable",
    { Environment: { Variables: { A: "2" } } },
    /^the function's environment variables changed$/,
  ],
  [
    "runtime",
    { RuntimeVersionConfig: { RuntimeVersionArn: "arn:runtime:2" } },
    /^Lambda's runtime was updated$/,
  ],
  ["architecture", { Architectures: ["arm64"] }, /^the function's architecture changed$/],
  [
    "file system",
    { FileSystemConfigs: [{ Arn: "a", LocalMountPath: "/mnt/a" }] },
    /^the function's file systems changed$/,
  ],
];

for (const [what, configuration, why] of changed) {
  Deno.test(`a job runs again after a change of the function's ${what}, and says so`, async () => {
    await using bench = await newBench();
    await bench.run();
    Object.assign(bench.configuration, configuration, { RevisionId: "2" });
    const again = await bench.run();
    assert.deepEqual([statesOf(again), again.invoked], [["miss", "miss"], 2]);
    for (const text of whysOf(again)) assert.match(text ?? "", why);
  });
}

Deno.test("a job runs again after a change of its inputs, and says what has changed", async () => {
  await using bench = await newBench();
  const path = bench.directory.join("a");
  const again = async (expected: string | undefined, job: JobOptions = {}) => {
    const { state, why } = await bench.invoke(job);
    assert.deepEqual([state, why], [expected === undefined ? "hit" : "miss", expected]);
  };
  await again("new: no job with these arguments and outputs was kept");
  await again(undefined);
  await bench.write("a", "other contents");
  await again("input in changed");
  await bench.write("a", "other contents", 0o755);
  await again("input in became executable");
  const inputs = [{ remote: "in", source: path }, { remote: "lib", source: path }];
  await again("input lib is new", { inputs });
  await again("standard input changed", { stdin: new TextEncoder().encode("text") });
  await again("new: no job with these arguments and outputs was kept", { args: ["more"] });
  const outputs = [{ remote: "other", local: bench.directory.join("out") }];
  await again("new: no job with these arguments and outputs was kept", { outputs });
  for (const entry of await bench.entries()) await Deno.remove(entry);
  await again("the kept result has expired or was removed", { outputs });
});

Deno.test("shared files are part of the key, and hashed once", async () => {
  await using bench = await newBench();
  const files = [{ local: bench.directory.join("a"), remote: "lib" }];
  await bench.run();
  assert.deepEqual(whysOf(await bench.run({ files })), Array(2).fill("input lib is new"));
  assert.deepEqual(statesOf(await bench.run({ files })), ["hit", "hit"]);
  await bench.write("a", "other contents");
  assert.deepEqual(whysOf(await bench.run({ files })), Array(2).fill("input lib changed"));
});

Deno.test("touching, renaming, another -j, memory or time limit change nothing", async () => {
  await using bench = await newBench();
  const run = (name: string, options: BenchOptions = {}) =>
    bench.run({
      templates: ["x"],
      lines: ["1"],
      files: [{ local: bench.directory.join(name), remote: "in" }],
      ...options,
    });
  await run("a");
  await Deno.rename(bench.directory.join("a"), bench.directory.join("renamed"));
  await Deno.utime(bench.directory.join("renamed"), 1, 1);
  await Deno.chmod(bench.directory.join("renamed"), 0o600);
  Object.assign(bench.configuration, {
    MemorySize: 2048,
    Timeout: 900,
    EphemeralStorage: { Size: 1024 },
    Description: "other",
    RevisionId: "2",
  });
  const again = await run("renamed", {
    lines: ["another"],
    concurrency: 1,
    timeoutSeconds: 5,
    functionName: "arn:aws:lambda:us-west-2:123456789012:function:f",
  });
  assert.deepEqual([statesOf(again), again.invoked], [["hit"], 0]);
});

Deno.test("a failed job, or one without its outputs, is not kept", async () => {
  await using bench = await newBench();
  for (const status of [0, 1]) {
    bench.answer = () => ({ status, outputs: { out: { e: "was not made by the command" } } });
    await bench.invoke();
    assert.equal((await bench.invoke()).invoked, 1);
  }
  assert.deepEqual(await bench.entries(), []);
});

Deno.test("an answer of another version than GetFunction's is neither kept nor compared", async () => {
  await using bench = await newBench();
  let [version, text] = ["2", "two"];
  bench.answer = () =>
    Response.json({ status: 0, stdout: { s: text }, stderr: {} }, {
      headers: { "x-amz-executed-version": version },
    });
  bench.configuration["Version"] = "2";
  const functionName = "f:live";
  await bench.run({ functionName, lines: ["a"] });
  [version, text] = ["3", "three"];
  const verified = await bench.run({ functionName, cache: "verify" });
  assert.deepEqual(statesOf(verified), ["miss", "miss"]);
  for (const why of whysOf(verified)) assert.equal(why, "version 3 of the function ran it");
  assert.equal((await bench.entries()).length, 1);
});

Deno.test("results are not kept, and said to be, if the function changes meanwhile", async () => {
  await using bench = await newBench();
  const answer = bench.answer;
  bench.answer = (request) => {
    bench.configuration["RevisionId"] = "2";
    return answer(request);
  };
  const { records, notices, counts } = await bench.run();
  assert(records.every(({ ok }) => ok));
  assert.match(notices.join(), /^2 results could not be kept: f changed during the run/);
  assert.deepEqual([counts.unkept, await bench.entries()], [2, []]);
});

Deno.test("a function that is named with :$LATEST is asked for again, since it may change", async () => {
  await using bench = await newBench();
  const answer = bench.answer;
  bench.answer = (request) => {
    bench.configuration["RevisionId"] = "2";
    return answer(request);
  };
  const { notices } = await bench.run({ functionName: "f:$LATEST" });
  assert.match(notices.join(), /^2 results could not be kept: f:\$LATEST changed during the run/);
  assert.deepEqual(await bench.entries(), []);
});

Deno.test("a numbered version never changes, so GetFunction is called once", async () => {
  await using bench = await newBench();
  bench.configuration["Version"] = "7";
  bench.answer = () => ({ status: 0 });
  const { lookups } = await bench.run({ functionName: "f:7" });
  assert.deepEqual([lookups, (await bench.entries()).length], [1, 2]);
});

Deno.test("an input that changes while it is sent is not kept under the old key", async () => {
  await using bench = await newBench();
  const path = bench.directory.join("a");
  // The result is looked for after the input was hashed, and before it is sent.
  bench.s3.intercept = ({ method, url }) => {
    if (method === "GET" && url.includes("/act/")) Deno.writeTextFileSync(path, "contents of b");
    return undefined;
  };
  const { notices, stdout } = await bench.invoke({ store: "s3" });
  assert.equal(stdout, "ran \n");
  assert.match(
    notices.join(),
    /^1 result could not be kept: an input changed while it was being sent/,
  );
  assert.deepEqual([...bench.s3.objects.keys()], []);
});

Deno.test("a store that refuses to write is a warning and a count, and the run succeeds", async () => {
  await using bench = await newBench();
  bench.s3.intercept = ({ method, url }) =>
    method === "PUT" && url.includes("/act/") ? failure(403, "AccessDenied", "no") : undefined;
  const { records, notices, counts, error } = await bench.run({ store: "s3" });
  assert.deepEqual([records.map(({ ok }) => ok), error, counts.unkept], [
    [true, true],
    undefined,
    2,
  ]);
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? "", /^2 results could not be kept: S3 refused PutObject/);
});

Deno.test("a store that refuses to read is said once, and all jobs run", async () => {
  await using bench = await newBench();
  bench.s3.intercept = ({ method, url }) =>
    method === "GET" && url.includes("/act/") ? failure(403, "AccessDenied", "no") : undefined;
  const { notices, invoked } = await bench.run({ store: "s3", concurrency: 1 });
  assert.equal(invoked, 2);
  assert.equal(notices.filter((line) => line.includes("cannot be read")).length, notices.length);
});

Deno.test("LLAMA_CACHE=read uses results and writes none; another value is refused", async () => {
  await using bench = await newBench();
  const environment = { LLAMA_CACHE: "read" };
  await bench.run({ environment });
  assert.deepEqual(await bench.entries(), []);
  await bench.run();
  assert.deepEqual(statesOf(await bench.run({ environment })), ["hit", "hit"]);
  const refreshed = await bench.run({ environment, cache: "refresh" });
  assert.match(String(refreshed.error), /LLAMA_CACHE=read forbids replacing kept results/);
  assert.equal(refreshed.invoked, 0);
  const { error, notices } = await bench.run({ environment: { LLAMA_CACHE: "yes" } });
  assert.match(String(error) + notices.join(), /LLAMA_CACHE must be "read", not "yes"/);
});

Deno.test("-cache-only fails a job that would have to run, without sending anything", async () => {
  await using bench = await newBench();
  await bench.run({ lines: ["a"] });
  const { records, invoked } = await bench.run({ cache: "only", retries: 2 });
  assert.equal(invoked, 0);
  assert.deepEqual(records.map(({ ok, status, errors }) => [ok, status, errors[0]?.code]), [
    [true, 0, undefined],
    [false, null, "not-cached"],
  ]);
});

Deno.test("-cache-refresh runs all jobs and replaces what is kept", async () => {
  await using bench = await newBench();
  await bench.run();
  bench.answer = () => ({ status: 0, stdout: { s: "new" } });
  const refreshed = await bench.run({ cache: "refresh" });
  assert.deepEqual([statesOf(refreshed), refreshed.invoked], [["refreshed", "refreshed"], 2]);
  assert.deepEqual((await bench.run()).stdout, ["new", "new"]);
});

Deno.test("-cache-verify runs all jobs, and says which results differ", async () => {
  await using bench = await newBench();
  const verify = async (answer: unknown) => {
    bench.answer = () => answer;
    const { state, why, invoked } = await bench.invoke({ cache: "verify" });
    return [state, why, invoked];
  };
  const same = {
    status: 0,
    stdout: { s: "1" },
    stderr: { s: "1 s" },
    outputs: { out: { s: "x" } },
  };
  const differs = "differs from the kept result: ";
  assert.equal((await verify(same))[0], "miss");
  // A time on standard error does not count, nor how the wire writes the same bytes.
  const alike = { ...same, stderr: { s: "2 s" }, stdout: { b: btoa("1") } };
  assert.deepEqual(await verify(alike), ["same", undefined, 1]);
  for (
    const [answer, what] of [
      [{ ...same, stdout: { s: "2" } }, "standard output"],
      [{ ...same, outputs: { out: { s: "y" } } }, 'output "out"'],
      [{ ...same, outputs: { out: { s: "x", m: 0o755 } } }, 'output "out"'],
      [{ ...same, outputs: {} }, 'output "out"'],
      [{ ...same, status: 3 }, "status 3"],
    ] as const
  ) assert.deepEqual(await verify(answer), ["impure", differs + what, 1]);
  assert.deepEqual(await verify(same), ["same", undefined, 1]);
});

Deno.test("without cache, nothing is asked and nothing is kept, unless the function is pure", async () => {
  await using bench = await newBench();
  const plain = await bench.run({ cache: undefined });
  assert.deepEqual([plain.lookups, statesOf(plain)], [0, [undefined, undefined]]);
  bench.tags["llama-pure"] = "true";
  // A run with -cache reads the tag, and later runs know it.
  await bench.run();
  const pure = await bench.run({ cache: undefined });
  assert.deepEqual(statesOf(pure), ["hit", "hit"]);
  assert.deepEqual(statesOf(await bench.run({ cache: "off" })), [undefined, undefined]);
  delete bench.tags["llama-pure"];
  assert.deepEqual(statesOf(await bench.run({ cache: undefined })), [undefined, undefined]);
  const after = await bench.run({ cache: undefined });
  assert.deepEqual([after.lookups, after.invoked], [0, 2]);
});

Deno.test("without lambda:GetFunction a run says so and goes on; -cache-only does not", async () => {
  await using bench = await newBench();
  bench.describe = () =>
    Response.json({ message: "not authorized to perform: lambda:GetFunction" }, {
      status: 403,
      headers: { "x-amzn-errortype": "AccessDeniedException" },
    });
  const { invoked, notices } = await bench.run();
  assert.equal(invoked, 2);
  assert.match(notices.join(), /^kept results of f are not used: .*GetFunction/);
  const only = await bench.run({ cache: "only" });
  assert.equal(only.invoked, 0);
});

Deno.test("a function that is being updated is not looked up", async () => {
  await using bench = await newBench();
  bench.configuration["LastUpdateStatus"] = "InProgress";
  const { invoked, notices } = await bench.run();
  assert.equal(invoked, 2);
  assert.match(notices.join(), /the function is not ready: its last update is InProgress/);
});

const payload = JSON.stringify({ status: 0, stdout: { s: "forged" }, stderr: {}, outputs: {} });
const cost = { billedMilliseconds: 1 };

/** Entries that someone else wrote, and what is said about them. */
const hostile:
  readonly (readonly [string, (key: string, entry: string) => string | Uint8Array, RegExp])[] = [
    ["is empty", () => "", /damaged: it has no first line/],
    ["is cut off", (_, entry) => entry.slice(0, -10), /its response was changed/],
    ["has a changed byte", (_, entry) => entry.replace("ran ", "run "), /its response was changed/],
    ["is not UTF-8", () => new Uint8Array([0xff, 0x0a]), /it is not UTF-8/],
    ["is not JSON", () => "{\n{}", /first line is not JSON/],
    [
      "is of another version",
      (_, entry) => entry.replace('"v":1', '"v":2'),
      /of another version: v/,
    ],
    [
      "is another job's",
      () => decode(formatEntry(sha256("x"), payload, cost, Date.now())),
      /that of another job/,
    ],
    [
      "is no response",
      (key) => decode(formatEntry(key, '{"hello":1}', cost, Date.now())),
      /not a llama function/,
    ],
    [
      "is a failed command's",
      (key) => decode(formatEntry(key, '{"status":1,"stdout":{},"outputs":{}}', cost, Date.now())),
      /that of a failed command/,
    ],
    [
      "is from the distant past",
      (key) => decode(formatEntry(key, payload, cost, 1)),
      /has expired/,
    ],
    [
      "claims to save for ever",
      (_, entry) => entry.replace(/"billedMilliseconds":\d+/, '"billedMilliseconds":1e300'),
      /damaged, or of another version: billedMilliseconds/,
    ],
    [
      "claims to save more memory than there is",
      (_, entry) => entry.replace(/"memory":\d+/, '"memory":1e300'),
      /damaged, or of another version: memory/,
    ],
    ["is too large", () => new Uint8Array(7_000_000), /too large|more than the limit/],
    [
      "has no such output",
      (key) => decode(formatEntry(key, payload, cost, Date.now())),
      /of the kept result, output/,
    ],
    [
      "has an output that is not base64",
      (key) =>
        decode(
          formatEntry(
            key,
            JSON.stringify({ status: 0, stdout: {}, outputs: { O: { b: "%" } } }).replace(
              "O",
              "OUT",
            ),
            cost,
            Date.now(),
          ),
        ),
      /of the kept result, output/,
    ],
    [
      "names an object that is gone",
      (key) =>
        decode(
          formatEntry(
            key,
            JSON.stringify({ status: 0, stdout: { r: sha256("gone") }, outputs: {} }),
            cost,
            Date.now(),
          ),
        ),
      /of the kept result/,
    ],
  ];

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

for (const store of ["s3", "directory"] as const) {
  for (const [what, forge, why] of hostile) {
    Deno.test(`an entry that ${what} is a miss that is said (store: ${store})`, async () => {
      await using bench = await newBench();
      await bench.invoke({ store });
      await Deno.remove(bench.directory.join("out"));
      const forged = (key: string, entry: string) => {
        const bytes = forge(key, entry);
        return typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      };
      if (store === "s3") {
        const path = [...bench.s3.objects.keys()].find((key) => key.includes("/act/")) ?? "";
        const entry = bench.s3.objects.get(path) ?? assert.fail();
        bench.s3.objects.set(path, forged(path.slice(-64), decode(entry)));
      } else {
        const [path = ""] = await bench.entries();
        await Deno.writeFile(path, forged(path.slice(-64), await Deno.readTextFile(path)));
      }
      const { state, why: said = "", invoked, result } = await bench.invoke({ store });
      assert.deepEqual([state, invoked, result.outputErrors], ["miss", 1, []]);
      assert.match(said, why);
    });
  }
}

Deno.test("an entry writes no other file than the outputs that were asked for", async () => {
  await using bench = await newBench();
  const job = { outputs: [{ remote: "d/", local: bench.directory.join("d/") }] };
  bench.answer = () => ({ status: 0, outputs: { "d/x": { s: "x" } } });
  await bench.invoke(job);
  const [path = ""] = await bench.entries();
  const evil = { s: "evil" };
  const outputs = {
    "d/x": { s: "x" },
    "d/../escaped": evil,
    "/etc/evil": evil,
    [bench.directory.join("evil")]: evil,
  };
  const forged = JSON.stringify({ status: 0, stdout: {}, outputs });
  await Deno.writeFile(path, formatEntry(path.slice(-64), forged, cost, Date.now()));
  const { state, invoked, why = "" } = await bench.invoke(job);
  assert.deepEqual([state, invoked], ["miss", 1]);
  assert.match(why, /leads out of the requested directory/);
  const names = await bench.directory.list();
  assert.deepEqual(names.filter((name) => /evil|escaped/.test(name)), []);
});

Deno.test("with -no-clobber, a kept result replaces nothing either", async () => {
  await using bench = await newBench();
  await bench.invoke();
  const out = await bench.write("out", "precious");
  await assert.rejects(bench.invoke({ noClobber: true }), /output ".*out" exists/);
  assert.equal(await Deno.readTextFile(out), "precious");
  await Deno.remove(out);
  assert.equal((await bench.invoke({ noClobber: true })).state, "hit");
});

Deno.test("with -no-clobber, outputs of an incomplete kept result do not stop the job", async () => {
  await using bench = await newBench();
  const outputs = ["out", "more"].map((remote) => ({
    remote,
    local: bench.directory.join(remote),
  }));
  await bench.invoke({ outputs });
  for (const { local } of outputs) await Deno.remove(local);
  const [path = ""] = await bench.entries();
  const partial = JSON.stringify({ status: 0, stdout: {}, outputs: { out: { s: "old" } } });
  await Deno.writeFile(path, formatEntry(path.slice(-64), partial, cost, Date.now()));
  const { state, result } = await bench.invoke({ outputs, noClobber: true });
  assert.deepEqual([state, result.outputErrors], ["miss", []]);
  assert.equal(await Deno.readTextFile(bench.directory.join("out")), "CONTENTS OF A");
});

Deno.test("two outputs of one local name are refused, though each has a kept result", async () => {
  await using bench = await newBench();
  const outputs = (...names: string[]) =>
    ["x", "y"].map((remote, i) => ({ remote, local: bench.directory.join(names[i] ?? "") }));
  await bench.invoke({ outputs: outputs("x", "y") });
  await assert.rejects(bench.invoke({ outputs: outputs("x", "x") }), /cannot write two outputs/);
});

Deno.test("a kept result that is too large says nothing about the others", async () => {
  await using bench = await newBench();
  const run = { lines: ["a", "b", "c"], concurrency: 1 };
  await bench.run(run);
  const [path = ""] = await bench.entries();
  await Deno.truncate(path, 7_000_000);
  const { records, notices } = await bench.run(run);
  assert.deepEqual(records.map(({ cache }) => cache?.state).sort(), ["hit", "hit", "miss"]);
  assert.deepEqual(notices, []);
});

Deno.test("an entry that others could have written is a miss", async () => {
  await using bench = await newBench();
  await bench.invoke();
  const [path = ""] = await bench.entries();
  await Deno.chmod(path, 0o666);
  assert.match((await bench.invoke()).why ?? "", /not only this user's own/);
});

Deno.test("big outputs are kept as objects, checked, and missed once they are gone", async () => {
  await using bench = await newBench();
  const big = "x".repeat(100);
  const object = `/bucket/obj/${sha256(big)}`;
  bench.answer = () => {
    bench.s3.objects.set(object, new TextEncoder().encode(big));
    return { status: 0, outputs: { out: { r: sha256(big) } } };
  };
  const job = { store: "s3" as const };
  const out = bench.directory.join("out");
  await bench.invoke(job);
  await Deno.remove(out);
  assert.equal((await bench.invoke(job)).state, "hit");
  assert.equal(await Deno.readTextFile(out), big);
  bench.s3.objects.set(object, new TextEncoder().encode("damaged"));
  assert.match((await bench.invoke(job)).why ?? "", /of the kept result, output .* is damaged/);
  bench.s3.objects.delete(object);
  const gone = await bench.invoke(job);
  assert.deepEqual([gone.result.outputErrors, gone.invoked], [[], 1]);
  assert.match(gone.why ?? "", /of the kept result, output .* is not in s3:/);
});

Deno.test("the counts of hits, misses and jobs add up, in records and in the log", async () => {
  await using bench = await newBench();
  await bench.run({ lines: ["a"] });
  const jobLog = bench.directory.join("log");
  const { records, counts } = await bench.run({ jobLog });
  const hits = records.filter(({ cache }) => cache?.state === "hit");
  const hosts = (await Deno.readTextFile(jobLog)).split("\n").slice(1, -1).map((line) =>
    line.split("\t")[1]
  );
  assert.deepEqual([hits.length, counts.kept, counts.done, counts.failed], [1, 1, 2, 0]);
  assert.equal(hosts.filter((host) => host === "cache").length, counts.kept);
  assert.equal(
    hits.reduce((sum, { cache }) => sum + (cache?.savedMilliseconds ?? 0), 0),
    counts.savedMilliseconds,
  );
  const resumed = await bench.run({ jobLog, resume: "ended" });
  assert.deepEqual([resumed.counts.skipped, resumed.lookups], [2, 0]);
});

Deno.test("stragglers of a pure function are copied by default, and hits are no measure", async () => {
  await using bench = await newBench();
  bench.tags["llama-pure"] = "true";
  const { answer } = bench;
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  await bench.run({ lines });
  const hang = Promise.withResolvers<void>();
  let hanging = 0;
  bench.answer = async (request) => {
    if (Object.values(request.files)[0]?.s?.startsWith("hang") && hanging++ === 0) {
      await hang.promise;
    }
    return answer(request);
  };
  const more = Array.from({ length: 30 }, (_, index) => `more ${index}`);
  const { records, counts } = await bench.run({
    lines: [...lines, "hang", ...more],
    stragglers: undefined,
  });
  hang.resolve();
  assert(records.every(({ ok }) => ok));
  assert.deepEqual([counts.kept, counts.copies, hanging], [30, 1, 2]);
  assert.equal(records.find(({ line }) => line === "hang")?.copies, 1);
});

Deno.test("an aborted run does not wait for results that are being written", async () => {
  await using bench = await newBench();
  const abort = new AbortController();
  const held = Promise.withResolvers<undefined>();
  bench.s3.intercept = ({ method, url }) => {
    if (method !== "PUT" || !url.includes("/act/")) return undefined;
    abort.abort();
    return held.promise;
  };
  const { records, notices } = await bench.run({ store: "s3", signal: abort.signal });
  held.resolve(undefined);
  assert.deepEqual([records.length, notices], [2, []]);
});

Deno.test("a job that is compared and cannot run says nothing about the kept result", async () => {
  await using bench = await newBench();
  await bench.run();
  bench.answer = () =>
    Response.json({ errorType: "Runtime.ExitError", errorMessage: "crashed" }, {
      headers: { "x-amz-function-error": "Unhandled" },
    });
  const { records } = await bench.run({ cache: "verify" });
  assert.deepEqual(records.map(({ ok, cache }) => [ok, cache]), [[false, undefined], [
    false,
    undefined,
  ]]);
});

Deno.test("that a function is pure is learned from the look-up of an unknown function", async () => {
  await using bench = await newBench();
  Object.assign(bench.tags, { llama: "llama", "llama-pure": "true" });
  Object.assign(bench.configuration, { Role: "r", FunctionName: "f", FunctionArn: "a" });
  const { answer } = bench;
  const asked = Promise.withResolvers<void>();
  bench.describe = () => {
    asked.resolve();
    return Response.json({ Configuration: bench.configuration, Tags: bench.tags });
  };
  bench.answer = async (request) => {
    await asked.promise;
    return answer(request);
  };
  const lines = ["1", "2", "3", "4", "5"];
  const options = { lines, cache: undefined };
  assert.deepEqual(statesOf(await bench.run(options)), Array(5).fill(undefined));
  assert.deepEqual(statesOf(await bench.run(options)), Array(5).fill("miss"));
  assert.deepEqual(statesOf(await bench.run(options)), Array(5).fill("hit"));
});

Deno.test("-cache-only runs nothing where GetFunction is not supported", async () => {
  await using bench = await newBench();
  bench.describe = () =>
    Response.json({ Message: "not found" }, {
      status: 404,
      headers: { "x-amzn-errortype": "ResourceNotFoundException" },
    });
  assert.equal((await bench.run({ cache: "only" })).invoked, 0);
  assert.equal((await bench.run({ cache: "on" })).invoked, 2);
});

const day = 86_400_000;

for (
  const [days, big, expected] of [
    [30, false, undefined],
    [32, false, /the kept result has expired/],
    [14, true, undefined],
    [16, true, /the files of the kept result are about to expire/],
  ] as const
) {
  const what = big ? "with big files" : "without big files";
  const use = expected === undefined ? "used" : "not used";
  Deno.test(`a kept result ${what} that is ${days} days old is ${use}`, async () => {
    await using bench = await newBench();
    const contents = new TextEncoder().encode("x".repeat(100));
    const r = sha256(contents);
    bench.s3.objects.set(`/bucket/obj/${r}`, contents);
    bench.answer = () => ({ status: 0, outputs: { out: big ? { r } : { s: "x" } } });
    await bench.invoke({ store: "s3" });
    const path = [...bench.s3.objects.keys()].find((key) => key.includes("/act/")) ?? "";
    const [, payload = ""] = decode(bench.s3.objects.get(path) ?? assert.fail()).split("\n");
    const key = path.slice(-64);
    bench.s3.objects.set(path, formatEntry(key, payload, cost, Date.now() - days * day));
    const { state, why } = await bench.invoke({ store: "s3" });
    if (expected === undefined) assert.equal(state, "hit");
    else assert.match(why ?? "", expected);
  });
}

Deno.test("a store that fails is asked for one result, and not for those of all jobs", async () => {
  await using bench = await newBench();
  let asked = 0;
  bench.s3.intercept = ({ method, url }) => {
    if (method !== "GET" || !url.includes("/act/")) return undefined;
    asked++;
    return failure(400, "InvalidRequest", "no");
  };
  const lines = ["a", "b", "c"];
  const { invoked, notices } = await bench.run({ store: "s3", concurrency: 1, lines });
  assert.deepEqual([invoked, asked, notices.length], [3, 1, 1]);
});

Deno.test("after a batch that could not be written, the next ones are not tried", async () => {
  await using bench = await newBench();
  let asked = 0;
  bench.s3.intercept = ({ method, url }) => {
    if (method !== "PUT" || !url.includes("/act/")) return undefined;
    asked++;
    return failure(403, "AccessDenied", "no");
  };
  const lines = Array.from({ length: 200 }, (_, index) => `${index}`);
  const { counts, notices } = await bench.run({ store: "s3", lines });
  assert.equal(counts.unkept, 200);
  assert.match(notices.join(), /^200 results could not be kept: S3 refused PutObject/);
  // A batch has 64 results, 16 of which are written at a time.
  assert(asked <= 64, `${asked} requests`);
});

Deno.test("a job that is retried is looked up once, and kept if it succeeds", async () => {
  await using bench = await newBench();
  let runs = 0;
  bench.answer = () => ({ status: runs++ === 0 ? 1 : 0 });
  const run = { store: "s3", lines: ["a"], retries: 2 } as const;
  const first = await bench.run({ ...run, lines: ["a"] });
  assert.deepEqual([runs, first.records[0]?.attempts, statesOf(first)], [2, 2, ["miss"]]);
  const gets = bench.s3.requests.filter((line) => /^GET .*\/act\//.test(line));
  assert.equal(gets.length, 1);
  assert.deepEqual(statesOf(await bench.run({ ...run, lines: ["a"] })), ["hit"]);
});

Deno.test("-cache-verify compares links and empty directories, too", async () => {
  await using bench = await newBench();
  const outputs = [{ remote: "d/", local: bench.directory.join("d/") }];
  const verify = async (answered: unknown) => {
    bench.answer = () => ({ status: 0, outputs: { "d/x": answered } });
    const { state, why } = await bench.invoke({ outputs, cache: "verify" });
    await Deno.remove(bench.directory.join("d"), { recursive: true });
    return [state, why];
  };
  const differs = ["impure", 'differs from the kept result: output "d/x"'];
  assert.equal((await verify({ l: "a", e: "new" }))[0], "miss");
  assert.deepEqual(await verify({ l: "a", e: "new" }), ["same", undefined]);
  assert.deepEqual(await verify({ l: "b", e: "new" }), differs);
  assert.deepEqual(await verify({ d: true, e: "new" }), differs);
});

Deno.test("links and empty directories are part of the key", async () => {
  await using bench = await newBench();
  const accepts = namesOf(ownFeatures);
  bench.answer = () => ({ status: 0, accepts });
  const local = bench.directory.join("d");
  await Deno.mkdir(`${local}/empty`, { recursive: true });
  for (const name of ["x", "y"]) await bench.write(`d/${name}`, "the same");
  const link = async (target: string) => {
    await Deno.remove(`${local}/link`).catch(() => {});
    await Deno.symlink(target, `${local}/link`);
  };
  await link("x");
  const run = async () => {
    const ran = await bench.run({
      templates: ["x"],
      lines: ["1"],
      files: [{ local, remote: "d" }],
    });
    assert.deepEqual(ran.notices, []);
    return [statesOf(ran)[0], whysOf(ran)[0]];
  };
  // The first job of a function is sent without links, since it may not accept them.
  await run();
  assert.deepEqual(await bench.entries(), []);
  await run();
  assert.deepEqual(await run(), ["hit", undefined]);
  // What it leads to has the same contents.
  await link("y");
  assert.deepEqual(await run(), ["miss", "input d/link changed"]);
  await link("x");
  await Deno.mkdir(`${local}/more`);
  assert.deepEqual(await run(), ["miss", "input d/more is new"]);
  await Deno.remove(`${local}/more`);
  assert.deepEqual(await run(), ["hit", undefined]);
});

Deno.test("shared files are read for their hash once per run", async () => {
  await using bench = await newBench();
  const files = [{ local: bench.directory.join("a"), remote: "lib" }];
  const run = { templates: ["{{.Line}}"], lines: ["1", "2"], concurrency: 1, files };
  const { answer } = bench;
  bench.answer = (request) => {
    Deno.writeTextFileSync(bench.directory.join("a"), "changed meanwhile");
    return answer(request);
  };
  // All jobs are sent the files as they were when the run began.
  assert.deepEqual((await bench.run(run)).notices, []);
  await bench.write("a", "contents of a");
  assert.deepEqual(statesOf(await bench.run(run)), ["hit", "hit"]);
});

for (
  const hidden of [
    { Environment: { Error: { Message: "no kms:Decrypt" } } },
    { RuntimeVersionConfig: { Error: { Message: "no kms:Decrypt" } } },
  ]
) {
  Deno.test(`without ${Object.keys(hidden)[0]}, which Lambda hides, nothing is looked up`, async () => {
    await using bench = await newBench();
    await bench.run();
    Object.assign(bench.configuration, hidden);
    const { invoked, notices } = await bench.run();
    assert.equal(invoked, 2);
    assert.match(notices.join(), /Lambda does not show its settings: no kms:Decrypt/);
  });
}

Deno.test("output that is shown while the command runs is kept, and shown again", async () => {
  await using bench = await newBench();
  for (const expected of ["miss", "hit"]) {
    const shown = { stdout: "", stderr: "" };
    const decoder = new TextDecoder();
    const { state, result } = await bench.invoke({
      onStdout: (bytes) => void (shown.stdout += decoder.decode(bytes)),
      onStderr: (bytes) => void (shown.stderr += decoder.decode(bytes)),
    });
    assert.deepEqual([state, shown], [expected, { stdout: "ran \n", stderr: "warning\n" }]);
    assert.deepEqual([result.stdout.length, result.stderr.length], [0, 0]);
  }
  // A run that shows nothing has it in its result.
  const { state, stdout, result } = await bench.invoke();
  assert.deepEqual([state, stdout, result.stderr.length], ["hit", "ran \n", 8]);
});

Deno.test("once the function is known to have changed, jobs neither use nor keep results", async () => {
  await using bench = await newBench();
  const answer = bench.answer;
  bench.answer = (request) => {
    bench.configuration["RevisionId"] = "2";
    return answer(request);
  };
  // More than the results that may wait to be written.
  const lines = Array.from({ length: 400 }, (_, index) => `${index}`);
  const { records, counts } = await bench.run({ lines, concurrency: 8 });
  assert.deepEqual([counts.done, records[399]?.cache], [400, undefined]);
  assert.deepEqual(await bench.entries(), []);
});

Deno.test("an output that cannot be written here fails a hit, and the job is not run for it", async () => {
  await using bench = await newBench();
  await bench.invoke();
  const outputs = [{ remote: "out", local: bench.directory.join("a/out") }];
  const { state, invoked, result } = await bench.invoke({ outputs });
  assert.deepEqual([state, invoked, result.outputErrors.length], ["hit", 0, 1]);
});

Deno.test("kept results can be read by this user alone", async () => {
  await using bench = await newBench();
  await bench.invoke();
  for (
    const [path = "", mode] of [[(await bench.entries())[0], 0o600], [
      bench.directory.join("llama/act"),
      0o700,
    ]] as const
  ) assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, mode);
});
