import assert from "node:assert/strict";
import { runtimeProgram, Workplace } from "../e2e/llama.ts";
import { noise } from "../helpers.ts";
import { FakeAws, keys, peerTest } from "./servers.ts";
import { allSurvive, areCopies, jobs, noneIsLost } from "./survival.ts";

for (const kind of ["503", "500", "reset", "truncate"]) {
  for (const rate of [0.1, 0.3]) {
    peerTest(`S3's ${kind} in ${rate * 100} % of calls costs none of ${jobs} jobs`, async () => {
      await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
      await allSurvive(aws, { rate, kinds: `s3-${kind}`, stored: true });
    });
  }
  peerTest(`with S3's ${kind} in every second call, a job is right or reported`, async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    await noneIsLost(aws, { rate: 0.5, kinds: `s3-${kind}`, stored: true });
  });
}

peerTest(
  "with S3 and Lambda failing every second time, each job is correct or reported",
  async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    const kinds =
      "s3-503,s3-500,s3-reset,s3-truncate,lambda-429,lambda-500,lambda-503,lambda-reset," +
      "lambda-truncate";
    await noneIsLost(aws, { rate: 0.5, kinds, stored: true });
  },
);

peerTest(
  "with 30 % of S3 calls failing, including the runtime's, all jobs are correct",
  async () => {
    await using place = new Workplace();
    const store = { LLAMA_OBJECT_STORE: "s3://bucket/obj/" };
    await using aws = await FakeAws.start({
      copy: { cmd: [...runtimeProgram, "/bin/cp"], env: { ...keys, ...store } },
    });
    const names = Array.from({ length: 40 }, (_, index) => `f${index}`);
    for (const [index, name] of names.entries()) {
      await place.write(`work/in/${name}`, noise(300_000, index + 1));
    }
    await aws.fail(0.3, "s3-503,s3-500,s3-reset,s3-truncate");
    const { status, stderr } = await place.run(
      [
        ...["xargs", "-j", "4", "copy"],
        ...['{{.I (printf "in/%s" .Line)}}', '{{.O (printf "out/%s" .Line)}}'],
      ],
      { stdin: names.join("\n"), environment: { ...aws.environment, ...store } },
    );
    assert.deepEqual([status, stderr], [0, ""]);
    await areCopies(place, names);
  },
);
