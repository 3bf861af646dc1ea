/** Kept results, with the real program. */

import assert from "node:assert/strict";
import type { JobRecord } from "../../mod.ts";
import { bytesOf, noise, until } from "../helpers.ts";
import { InvokeStub } from "../invoke_stub.ts";
import { Workplace } from "./llama.ts";

/** A stand-in for optipng: the output is executable, and has another file's bytes appended. */
const handler = `#!/bin/sh
echo "optimizing $1"; echo "warning: $1" >&2
cat "$1" "$1" > "$3"; chmod 750 "$3"
`;
const args = ["optipng", "{{.I .Line}}", "-out", '{{.O (printf "out/%s" .Line)}}'];
const images = ["a.png", "b.png", "c.png"];

async function newPlace(settings = {}): Promise<Workplace> {
  const place = new Workplace();
  await place.addFunction("optipng", handler, settings);
  for (const [index, name] of images.entries()) {
    // One of them is large enough for the store.
    await place.write(`work/${name}`, noise(index === 0 ? 200_000 : 5000, index + 1));
  }
  return place;
}

/** Runs the images, and returns the records. */
async function run(place: Workplace, flags: readonly string[], more: readonly string[] = []) {
  const ended = await place.local(["xargs", "-json", ...flags, ...args, ":::", ...images, ...more]);
  const records: JobRecord[] = ended.stdout.trim().split("\n").map((line) => JSON.parse(line));
  records.sort((a, b) => a.seq - b.seq);
  return { ...ended, records, states: records.map(({ cache }) => cache?.state) };
}

Deno.test("a run again: no invocation, the same bytes and modes, and what it saved", async () => {
  await using place = await newPlace();
  const first = await run(place, ["-cache"]);
  assert.deepEqual([first.status, first.states], [0, ["miss", "miss", "miss"]]);
  const outputs = () => Promise.all(images.map((name) => Deno.readFile(place.here("out", name))));
  const before = await outputs();
  await Deno.remove(place.here("out"), { recursive: true });

  const second = await run(place, ["-cache", "-summary", "-joblog", "log"]);
  assert.deepEqual([second.status, second.states], [0, ["hit", "hit", "hit"]]);
  assert.deepEqual(await outputs(), before);
  const { mode } = await Deno.stat(place.here("out/a.png"));
  assert.equal((mode ?? 0) & 0o777, 0o750);
  for (const [index, { stdout, stderr, attempts }] of second.records.entries()) {
    const { records: { [index]: earlier } } = first;
    assert.deepEqual([stdout, stderr, attempts], [earlier?.stdout, earlier?.stderr, 0]);
  }
  assert.match(second.stderr, /^llama: 3 jobs, 3 kept, 0 cold starts/m);
  assert.match(second.stderr, /; 0 requests to Lambda; \$0 if run in AWS/);
  assert.match(second.stderr, /^llama: 3 kept results saved .* of work and ~\$.* if run in AWS$/m);
  const log = (await Deno.readTextFile(place.here("log"))).trim().split("\n").slice(1);
  assert.deepEqual(log.map((line) => line.split("\t")[1]), ["cache", "cache", "cache"]);
});

Deno.test("-cache-explain says what has changed in the function's folder", async () => {
  await using place = new Workplace();
  await place.addFunction("optipng", "#!/bin/sh\n");
  const path = "work/images/optipng/function.json";
  const why = async () => {
    const { status, stderr } = await place.local(["invoke", "-cache-explain", "optipng", "a", "b"]);
    assert.equal(status, 0);
    const [, reason] = /^llama: (.*)$/m.exec(stderr) ?? [];
    return reason;
  };
  assert.equal(await why(), "new: no job with these arguments and outputs was kept");
  assert.equal(await why(), undefined);
  await place.write("work/images/optipng/handler", "#!/bin/sh\n# changed\n", 0o755);
  assert.equal(await why(), "the function's code changed");
  await place.write("work/images/optipng/data", "a file that the handler may read");
  assert.equal(await why(), "the function's code changed");
  await place.write(path, '{"handler": "handler", "environment": {"LEVEL": "7"}}');
  assert.equal(
    await why(),
    "the function's code changed; the function's environment variables changed",
  );
  const rest = '"handler": "handler", "environment": {"LEVEL": "7"}';
  await place.write(path, `{${rest}, "memory": 2048, "timeout": 9, "description": "new"}`);
  assert.equal(await why(), undefined);
});

Deno.test('"pure": true makes -cache the default, and -no-cache runs all jobs', async () => {
  await using place = await newPlace({ pure: true });
  assert.deepEqual((await run(place, [])).states, ["miss", "miss", "miss"]);
  assert.deepEqual((await run(place, [])).states, ["hit", "hit", "hit"]);
  const all = await run(place, ["-no-cache"]);
  assert.deepEqual(all.records.map(({ cache, attempts }) => [cache, attempts]), [
    [undefined, 1],
    [undefined, 1],
    [undefined, 1],
  ]);
});

Deno.test("-cache-verify finds a command that is not pure", async () => {
  await using place = new Workplace();
  const date = ["-function", "now=date +%N; echo", "xargs"];
  const lines = ["now", "{{.Line}}", ":::", "a", "b"];
  await place.local([...date, "-cache", ...lines]);
  const { status, stderr } = await place.local([...date, "-cache-verify", ...lines]);
  assert.equal(status, 1);
  assert.match(stderr, /^llama: job 1: differs from the kept result: standard output$/m);
  assert.match(stderr, /^llama: the results of 2 of 2 jobs differ from the kept ones$/m);
  const pure = ["-function", "same=echo", "xargs"];
  await place.local([...pure, "-cache", "same", ...lines.slice(1)]);
  const same = await place.local([...pure, "-cache-verify", "same", ...lines.slice(1)]);
  assert.deepEqual([same.status, same.stderr], [0, ""]);
});

Deno.test("what was written before a SIGKILL is not run again", async () => {
  await using place = new Workplace();
  const ran: string[] = [];
  let holds = true;
  await using lambda = new InvokeStub(async ({ args: [line = ""] }) => {
    ran.push(line);
    // The last job does not end before the client does.
    await until(() => !(holds && line === "9"), "the client is killed");
    return { status: 0, stdout: { s: line } };
  }, () =>
    Response.json({
      Configuration: { RevisionId: "1", Version: "$LATEST", CodeSha256: "code" },
      Tags: { llama: "llama" },
    }));
  const input = Array.from({ length: 10 }, (_, i) => `${i}\n`).join("");
  const options = { environment: lambda.environment, stdin: input };
  const xargs = ["xargs", "-j", "1", "-cache", "f", "{{.Line}}"];
  const child = place.start(xargs, options);
  const writer = child.stdin.getWriter();
  await writer.write(bytesOf(input));
  await writer.close();
  const output = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const entries = async () => {
    const names = await place.list("settings/act").catch(() => []);
    return names.filter((name) => /[0-9a-f]{64}$/.test(name)).length;
  };
  await until(async () => await entries() === 9, "nine results are kept");
  child.kill("SIGKILL");
  await Promise.all([child.status, output]);
  holds = false;
  ran.splice(0);
  const { status, stdout } = await place.run(xargs, options);
  assert.deepEqual([status, stdout, ran], [0, "0123456789", ["9"]]);
});

Deno.test("records, summary, job log, trace and report count the same", async () => {
  await using place = await newPlace();
  await run(place, ["-cache"]);
  await place.write("work/d.png", noise(100));
  const { status, stdout, stderr } = await place.local([
    ...["-trace", "trace.json", "xargs", "-json", "-summary", "-cache", "-joblog", "log"],
    ...["-report", "report.html", ...args, ":::", ...images, "d.png"],
  ]);
  assert.equal(status, 0, stderr);
  const records: JobRecord[] = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const hits = records.filter(({ cache }) => cache?.state === "hit");
  const saved = hits.reduce((sum, { cache }) => sum + (cache?.savedMilliseconds ?? 0), 0);
  const log = (await Deno.readTextFile(place.here("log"))).split("\n");
  const trace = JSON.parse(await Deno.readTextFile(place.here("trace.json")));
  const slices: { name: string; args: { cache?: string } }[] = trace.traceEvents;
  const [line = ""] = /[\d,]+ kept results? saved .* if run in AWS/.exec(stderr) ?? [];
  assert.deepEqual({
    records: hits.length,
    log: log.filter((line) => line.split("\t")[1] === "cache").length,
    trace: slices.filter(({ name, args }) => name === "job" && args.cache === "hit").length,
    lookups: slices.filter(({ name }) => name === "cache").length,
    summary: Number(/, (\d+) kept,/.exec(stderr)?.[1]),
    line: `${parseInt(line)} in ${(saved / 1000).toFixed(1)}s`,
  }, {
    records: 3,
    log: 3,
    trace: 3,
    lookups: 4,
    summary: 3,
    line: `3 in ${/saved (\S+)/.exec(line)?.[1]}`,
  });
  const report = await Deno.readTextFile(place.here("report.html"));
  assert(report.includes(line), line);
});

Deno.test("invoke uses kept results, and -time says what they saved", async () => {
  await using place = await newPlace();
  const invoke = ["invoke", "-cache", "-time", "optipng", '{{.I "a.png"}}', "-o", '{{.O "o"}}'];
  const first = await place.local(invoke);
  await Deno.remove(place.here("o"));
  const second = await place.local(invoke);
  assert.deepEqual([first.status, second.status], [0, 0]);
  assert.equal(second.stdout, first.stdout);
  assert.equal((await Deno.stat(place.here("o"))).size, 400_000);
  assert.match(second.stderr, /^warning: a\.png\nllama: total .*\nllama: 1 kept result saved /);
  const only = await place.local(["invoke", "-cache-only", "optipng", "x"]);
  assert.equal(only.status, 125);
  assert.match(
    only.stderr,
    /^llama: no kept result: .*\nllama: hint: run it without -cache-only\n/,
  );
});

Deno.test("-dry-run with -cache says how many jobs have kept results, and runs and keeps nothing", async () => {
  await using place = await newPlace();
  const shared = ["-f", "shared"];
  await place.write("work/shared", noise(50_000, 9));
  assert.equal((await run(place, ["-cache", ...shared])).status, 0);
  await Deno.remove(place.here("out"), { recursive: true });
  await place.write("work/c.png", noise(5000, 7));
  const dry = async (...flags: string[]) => {
    const { status, stderr } = await place.local(
      ["xargs", "-dry-run", ...flags, ...shared, ...args, ":::", ...images],
    );
    assert.equal(status, 0);
    const [, count] =
      /^llama: (\d+) of these need not run: their results are kept$/m.exec(stderr) ??
        [];
    return count;
  };
  assert.equal(await dry("-cache"), "2");
  assert.equal(await dry("-cache-only"), "2");
  assert.equal(await dry("-cache-refresh"), undefined);
  assert.equal(await dry(), undefined);
  assert(!(await place.list("work")).includes("work/out"));
  assert.deepEqual((await run(place, ["-cache", ...shared])).states, ["hit", "hit", "miss"]);
});
