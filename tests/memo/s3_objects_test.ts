/** Kept results of jobs whose data is in S3. */

import assert from "node:assert/strict";
import { formatEntry } from "../../lib/memo/entry.ts";
import type { StubAnswer } from "../invoke_stub.ts";
import { etagOf } from "../store/fake_s3.ts";
import { type JobOptions, type MemoBench, newBench, statesOf } from "./bench.ts";

const input = "s3://data/in";
const output = "s3://data/out";

/** The URL's path in the fake S3. */
const pathOf = (url: string) => url.slice("s3:/".length);

const put = (bench: MemoBench, url: string, text: string) =>
  bench.s3.objects.set(pathOf(url), new TextEncoder().encode(text));

/** Writes the object that it reads to each upload, with what `suffix` returns at its end. */
function answer(bench: MemoBench, suffix: () => string = () => ""): StubAnswer {
  return ({ files, uploads = {} }) => {
    const contents = Object.values(files).map(({ u, t }) => {
      const bytes = bench.s3.objects.get(pathOf(u ?? "")) ?? new Uint8Array();
      if (u !== undefined) assert.equal(t, etagOf(bytes));
      return new TextDecoder().decode(bytes);
    });
    const outputs = Object.entries(uploads).map(([remote, { u }]) => {
      const bytes = new TextEncoder().encode(contents.join("") + suffix());
      bench.s3.objects.set(pathOf(u), bytes);
      return [remote, { u, t: etagOf(bytes), n: bytes.length, e: "newer" }];
    });
    return { status: 0, stdout: { s: contents.join("") }, outputs: Object.fromEntries(outputs) };
  };
}

const inputs = [{ remote: "in", source: input }];
const outputs = [{ remote: "out", local: output }];
const job: JobOptions = { inputs, outputs, store: "s3" };

async function openBench(suffix?: () => string): Promise<MemoBench> {
  const bench = await newBench();
  bench.answer = answer(bench, suffix);
  put(bench, input, "one");
  return bench;
}

/** The requests for the data. */
const dataRequests = (bench: MemoBench) =>
  bench.s3.requests.filter((line) => line.includes("/data/"));

Deno.test("a job with data in S3 is a hit if its output is still there, by one HEAD for each", async () => {
  await using bench = await openBench();
  const first = await bench.invoke(job);
  assert.deepEqual([first.state, first.invoked, first.notices], ["miss", 1, []]);
  bench.s3.requests.length = 0;
  const second = await bench.invoke(job);
  assert.deepEqual([second.state, second.invoked, second.stdout], ["hit", 0, "one"]);
  assert.deepEqual(second.result.written, [output]);
  assert.deepEqual(dataRequests(bench), ["HEAD /data/in", "HEAD /data/out"]);
});

Deno.test("a job without inputs that writes to S3 is kept, too", async () => {
  await using bench = await openBench(() => "text");
  const states = [];
  for (let run = 0; run < 2; run++) {
    const { state, notices } = await bench.invoke({ ...job, inputs: [] });
    states.push(state, notices.length);
  }
  assert.deepEqual(states, ["miss", 0, "hit", 0]);
});

Deno.test("a job runs again if its input in S3 has changed, and not if it was only written again", async () => {
  await using bench = await openBench();
  await bench.invoke(job);
  put(bench, input, "two");
  const changed = await bench.invoke(job);
  assert.deepEqual([changed.state, changed.why], ["miss", "input in changed"]);
  put(bench, input, "two");
  assert.equal((await bench.invoke(job)).state, "hit");
});

Deno.test("a job runs again if its output in S3 has changed, is gone, or is to be another", async () => {
  await using bench = await openBench();
  await bench.invoke(job);
  put(bench, output, "other");
  const changed = await bench.invoke(job);
  assert.deepEqual([changed.state, changed.invoked], ["miss", 1]);
  assert.equal(changed.why, `output ${output} has changed since it was kept`);
  assert.equal((await bench.invoke(job)).state, "hit");
  bench.s3.objects.delete(pathOf(output));
  const gone = await bench.invoke(job);
  assert.deepEqual([gone.state, gone.why], [
    "miss",
    `output ${output}: cannot read ${output}: no such object`,
  ]);
  assert.equal((await bench.invoke(job)).state, "hit");
  // The same name in the job's directory, written elsewhere.
  const elsewhere = { ...job, outputs: [{ remote: "out", local: "s3://data/elsewhere" }] };
  assert.equal((await bench.invoke(elsewhere)).invoked, 1);
  assert(bench.s3.objects.has("/data/elsewhere"));
});

Deno.test("an object of the same bytes as a file on this machine is the same input", async () => {
  await using bench = await openBench();
  await bench.invoke(job);
  bench.answer = () => assert.fail("it is kept");
  const local = [{ remote: "in", source: await bench.write("file", "one") }];
  assert.equal((await bench.invoke({ ...job, inputs: local })).state, "hit");
});

for (
  const [what, headers, other] of [
    ["ETag", {}, { etag: '"2"' }],
    ["version", { "x-amz-version-id": "v1" }, { "x-amz-version-id": "v2" }],
    [
      "ETag, not its hash of hashes,",
      { "x-amz-checksum-sha256": `${"A".repeat(43)}=-2`, "x-amz-checksum-type": "COMPOSITE" },
      { etag: '"2"' },
    ],
  ] as const
) {
  Deno.test(`without a SHA-256 of all its bytes, an object's ${what} is in the key`, async () => {
    await using bench = await newBench();
    let now: Record<string, string> = { etag: '"1"', "content-length": "3", ...headers };
    bench.s3.intercept = ({ method, url }) =>
      method === "HEAD" && url.endsWith("/data/in")
        ? new Response(null, { headers: now })
        : undefined;
    bench.answer = () => ({ status: 0, stdout: { s: "ran" } });
    const run = async (source = input) =>
      (await bench.invoke({ inputs: [{ remote: "in", source }], outputs: [] })).state;
    assert.deepEqual([await run(), await run()], ["miss", "hit"]);
    now = { ...now, ...other };
    assert.deepEqual([await run(), await run()], ["miss", "hit"]);
  });
}

Deno.test("an object whose checksum may not be seen is identified without it", async () => {
  await using bench = await openBench();
  bench.s3.intercept = ({ headers }) =>
    headers.has("x-amz-checksum-mode") ? new Response(null, { status: 403 }) : undefined;
  assert.deepEqual([(await bench.invoke(job)).state, (await bench.invoke(job)).state], [
    "miss",
    "hit",
  ]);
});

Deno.test("an input in S3 that changes between look-up and request is not kept", async () => {
  await using bench = await newBench();
  let heads = 0;
  bench.s3.intercept = ({ method, url }) =>
    method === "HEAD" && url.endsWith("/data/in")
      ? new Response(null, { headers: { etag: `"${++heads}"`, "content-length": "3" } })
      : undefined;
  bench.answer = () => ({ status: 0, stdout: { s: "ran" } });
  // A shared file is looked up when the run begins, and again for the key.
  const files = [{ local: input, remote: "lib" }];
  const { notices } = await bench.run({ files, lines: ["a"], templates: ["x"] });
  assert.match(notices.join(), /1 result could not be kept: an input changed while/);
  assert.deepEqual(await bench.entries(), []);
});

Deno.test("-cache-only takes results with data in S3, and -cache-verify compares their bytes", async () => {
  let suffix = "";
  await using bench = await openBench(() => suffix);
  await assert.rejects(bench.invoke({ ...job, cache: "only" }), { code: "not-cached" });
  await bench.invoke(job);
  assert.equal((await bench.invoke({ ...job, cache: "only" })).state, "hit");
  assert.equal((await bench.invoke({ ...job, cache: "verify" })).state, "same");
  suffix = "random";
  const differs = await bench.invoke({ ...job, cache: "verify" });
  assert.deepEqual([differs.state, differs.why], [
    "impure",
    `differs from the kept result: output "${output}"`,
  ]);
});

Deno.test("-no-clobber takes a result whose object is there, and no file of this machine is replaced", async () => {
  await using bench = await openBench();
  const run = () =>
    bench.run({
      store: "s3",
      lines: [input],
      templates: ["{{.I .Line}}", `{{.O "${output}"}}`],
      noClobber: true,
    });
  assert.deepEqual(statesOf(await run()), ["miss"]);
  assert.deepEqual(statesOf(await run()), ["hit"]);
  const out = bench.directory.join("out");
  bench.answer = ({ outputs }) => ({
    status: 0,
    outputs: Object.fromEntries(outputs.map((remote) => [remote, { s: "new" }])),
  });
  await bench.invoke({ outputs: [{ remote: "out", local: out }] });
  await Deno.writeTextFile(out, "mine");
  const local = [{ remote: "out", local: out }];
  await assert.rejects(
    bench.invoke({ outputs: local, noClobber: true }),
    /output ".*out" exists/,
  );
  assert.equal(await Deno.readTextFile(out), "mine");
});

Deno.test("-no-clobber holds in S3 after a kept result that is incomplete", async () => {
  await using bench = await openBench();
  const own = ["x", "y"].map((remote) => ({ remote, local: bench.directory.join(remote) }));
  const both = { ...job, outputs: [...outputs, ...own] };
  const toS3 = answer(bench);
  let isGuarded: boolean | undefined;
  bench.answer = async (request) => {
    isGuarded = request.uploads?.["out"]?.ifNoneMatch;
    const response = Object(await toS3(request));
    return { ...response, outputs: { ...response.outputs, x: { s: "x" }, y: { s: "y" } } };
  };
  await bench.invoke(both);
  const path = [...bench.s3.objects.keys()].find((key) => key.includes("/act/")) ?? "";
  const text = new TextDecoder().decode(bench.s3.objects.get(path));
  const response = JSON.parse(text.split("\n")[1] ?? "");
  delete response.outputs.y;
  const entry = formatEntry(
    path.slice(-64),
    JSON.stringify(response),
    { billedMilliseconds: 1 },
    Date.now(),
  );
  bench.s3.objects.set(path, entry);
  for (const { local } of own) await Deno.remove(local);
  const { state, result } = await bench.invoke({ ...both, noClobber: true });
  assert.deepEqual([state, result.outputErrors, isGuarded], ["miss", [], true]);
});
