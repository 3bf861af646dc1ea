import assert from "node:assert/strict";
import { Workplace } from "../e2e/llama.ts";
import { noise } from "../helpers.ts";
import { FakeAws, peerTest } from "./servers.ts";

const jobs = 200;
const lines = Array.from({ length: jobs }, (_, index) => `f${index}`);

/** 200 files of 20 kB, each of which a job sends and gets back. */
async function files(place: Workplace): Promise<void> {
  for (const [index, name] of lines.entries()) {
    await place.write(`work/in/${name}`, noise(20_000, index + 1));
  }
}

async function run(place: Workplace, aws: FakeAws, flags: readonly string[] = []) {
  const args = ['{{.I (printf "in/%s" .Line)}}', '{{.O (printf "out/%s" .Line)}}'];
  return await place.run(["xargs", "-j", "50", ...flags, "echo", ...args], {
    stdin: lines.join("\n"),
    environment: aws.environment,
  });
}

/** How many outputs are there; each of them must be what it should be. */
async function whole(place: Workplace): Promise<number> {
  const names = (await place.list("work/out")).map((path) => path.replace("work/out/", ""));
  for (const name of names) {
    const [got, sent] = await Promise.all([
      Deno.readFile(place.here("out", name)),
      Deno.readFile(place.here("in", name)),
    ]);
    assert.deepEqual(got, sent, name);
  }
  return names.length;
}

for (const kind of ["429", "500", "503", "reset", "truncate"]) {
  for (const rate of [0.1, 0.3]) {
    peerTest(`Lambda's ${kind} in ${rate * 100} % of calls costs no job`, async () => {
      await using place = new Workplace();
      await files(place);
      await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
      await aws.fail(rate, `lambda-${kind}`);
      const { status, stderr } = await run(place, aws);
      assert.equal(status, 0, stderr);
      assert.equal(await whole(place), jobs);
      const requests = await aws.requests();
      assert((requests["lambda.invoke"] ?? 0) > jobs, "there were no faults");
    });
  }
}

for (const rate of [0.1, 0.3]) {
  // A second for the job and 15 for its way: each silence takes as long.
  peerTest(`Lambda's silence in ${rate * 100} % of calls costs no job`, async () => {
    await using place = new Workplace();
    await files(place);
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    await aws.fail(rate, "lambda-stall");
    const { status, stderr } = await run(place, aws, ["-timeout", "1", "-progress", "none"]);
    assert.equal(status, 0, stderr);
    assert.equal(await whole(place), jobs);
  });
}

peerTest("with every second call failing, a job is right or reported, and exit tells", async () => {
  await using place = new Workplace();
  await files(place);
  await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
  await aws.fail(0.5, "lambda-500,lambda-503,lambda-reset,lambda-truncate,lambda-429");
  const { status, stderr } = await run(place, aws);
  const reported = stderr.match(/^llama: job \d+: /gm)?.length ?? 0;
  assert.equal(await whole(place) + reported, jobs, stderr);
  assert.equal(status, reported === 0 ? 0 : 1);
});

peerTest("without repeats every fault is a reported job, and none runs twice", async () => {
  await using place = new Workplace();
  await files(place);
  await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
  await aws.fail(0.3, "lambda-500,lambda-reset,lambda-truncate");
  const { status, stderr } = await run(place, aws, ["-invoke-retries", "0"]);
  const reported = stderr.match(/^llama: job \d+: /gm)?.length ?? 0;
  assert(reported > 0);
  assert.equal(status, 1);
  assert.equal(await whole(place) + reported, jobs);
  assert.equal((await aws.requests())["lambda.invoke"], jobs);
});

peerTest("where Lambda has room for ten, few calls are refused and all jobs run", async () => {
  await using place = new Workplace();
  await using aws = await FakeAws.start({ slow: { stub: { delayMs: 100 } } }, [
    "-max-concurrency",
    "10",
  ]);
  const { status, stderr } = await place.run(["xargs", "-j", "50", "slow", "{{.Line}}"], {
    stdin: Array.from({ length: 1000 }, (_, index) => index).join("\n"),
    environment: aws.environment,
  });
  assert.equal(status, 0, stderr);
  assert.match(
    stderr,
    /^llama: Lambda has no room for more: sending about \d+ jobs at once.*\nllama: hint: .*Service Quotas.*\n$/,
  );
  const calls = (await aws.requests())["lambda.invoke"] ?? 0;
  assert(calls >= 1000 && calls <= 1150, `${calls} calls`);
});
