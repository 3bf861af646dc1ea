import assert from "node:assert/strict";
import { Workplace } from "../e2e/llama.ts";
import { FakeAws, peerTest } from "./servers.ts";
import { allSurvive, jobs, noneIsLost, survivors } from "./survival.ts";

for (const kind of ["429", "500", "503", "reset", "truncate"]) {
  for (const rate of [0.1, 0.3]) {
    peerTest(`Lambda's ${kind} in ${rate * 100} % of calls costs no job`, async () => {
      await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
      await allSurvive(aws, { rate, kinds: `lambda-${kind}`, stored: false });
    });
  }
  peerTest(`Lambda's ${kind} costs no job whose files go through the store`, async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    await allSurvive(aws, { rate: 0.3, kinds: `lambda-${kind}`, stored: true });
  });
  peerTest(`with Lambda's ${kind} in every second call, a job is right or reported`, async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    await noneIsLost(aws, { rate: 0.5, kinds: `lambda-${kind}`, stored: false });
  });
}

peerTest("without retries every fault is a reported job, and none runs twice", async () => {
  await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
  const { status, right, reported, requests, stderr } = await survivors(aws, {
    rate: 0.3,
    kinds: "lambda-500,lambda-reset,lambda-truncate",
    stored: false,
    flags: ["-invoke-retries", "0"],
  });
  assert(reported > 0);
  assert.equal(status, 1);
  assert.equal(right + reported, jobs, stderr);
  assert.equal(requests["lambda.invoke"], jobs);
});

peerTest("with a limit of ten, few calls are throttled and all jobs run", async () => {
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
    /^llama: Lambda is throttling: reduced to about \d+ concurrent jobs?\nllama: hint: .*Service Quotas.*\n$/,
  );
  const calls = (await aws.requests())["lambda.invoke"] ?? 0;
  assert(calls >= 1000 && calls <= 1150, `${calls} calls`);
});
