import { FakeAws, peerTest } from "./servers.ts";
import { allSurvive, jobs, noneIsLost } from "./survival.ts";

for (const rate of [0.1, 0.3]) {
  peerTest(`S3's silence in ${rate * 100} % of calls costs none of ${jobs} jobs`, async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    await allSurvive(aws, { rate, kinds: "s3-stall", stored: true });
  });
}

peerTest("with S3's silence in every second call, a job is right or reported", async () => {
  await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
  await noneIsLost(aws, { rate: 0.5, kinds: "s3-stall", stored: true });
});
