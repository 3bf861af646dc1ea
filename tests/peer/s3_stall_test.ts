import { FakeAws, peerTest } from "./servers.ts";
import { survives } from "./survival.ts";

for (const rate of [0.1, 0.3]) {
  peerTest(
    `200 of 200 jobs are right where S3 never answers ${rate * 100} % of calls`,
    async () => {
      await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
      await survives(aws, rate, "s3-stall");
    },
  );
}
