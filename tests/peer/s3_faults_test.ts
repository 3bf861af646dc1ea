import { FakeAws, peerTest } from "./servers.ts";
import { allSurvive, jobs, noneIsLost } from "./survival.ts";

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
  "with both S3 and Lambda failing every second time, a job is right or reported",
  async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    const kinds =
      "s3-503,s3-500,s3-reset,s3-truncate,lambda-429,lambda-500,lambda-503,lambda-reset," +
      "lambda-truncate";
    await noneIsLost(aws, { rate: 0.5, kinds, stored: true });
  },
);
