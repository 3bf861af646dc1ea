import { FakeAws, peerTest } from "./servers.ts";
import { allSurvive, noneIsLost } from "./survival.ts";

// A second for the job and 15 for its way: each silence takes as long.
const flags = ["-timeout", "1"];

for (const rate of [0.1, 0.3]) {
  peerTest(`Lambda's silence in ${rate * 100} % of calls costs no job`, async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    await allSurvive(aws, { rate, kinds: "lambda-stall", stored: false, flags });
  });
}

peerTest("with every second Lambda call stalling, each job is correct or reported", async () => {
  await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
  await noneIsLost(aws, {
    rate: 0.5,
    kinds: "lambda-stall",
    stored: false,
    flags: [...flags, "-invoke-retries", "3"],
  });
});
