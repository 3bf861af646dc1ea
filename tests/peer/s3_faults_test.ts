import { FakeAws, peerTest } from "./servers.ts";
import { survives } from "./survival.ts";

for (const kind of ["503", "500", "reset", "truncate"]) {
  peerTest(`200 of 200 jobs are right where S3 fails with ${kind}`, async () => {
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    for (const rate of [0.1, 0.3]) await survives(aws, rate, `s3-${kind}`);
  });
}
