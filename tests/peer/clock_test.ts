import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Workplace } from "../e2e/llama.ts";
import { noise } from "../helpers.ts";
import { FakeAws, peerTest, VersityGw } from "./servers.ts";
import { areCopies } from "./survival.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const skewed = ["--preload", path("skewed_clock.ts"), path("../../cli.ts")];

for (const minutes of [30, -30]) {
  peerTest(`a clock that is off by ${minutes} minutes costs no job, -j 50`, async () => {
    await using gateway = await VersityGw.start();
    await using aws = await FakeAws.start({ echo: { stub: { echo: true } } });
    const runs = [
      // All that is sent first is 50 invocations.
      { bytes: 20_000, servers: {} },
      { bytes: 300_000, servers: {} },
      { bytes: 300_000, servers: { ...gateway.environment, AWS_ENDPOINT_URL_LAMBDA: aws.url } },
    ];
    for (const { bytes, servers } of runs) {
      await using place = new Workplace();
      const names = Array.from({ length: 100 }, (_, index) => `f${index}`);
      for (const [index, name] of names.entries()) {
        await place.write(`work/in/${name}`, noise(bytes, index + 1));
      }
      const { status, stderr } = await place.run(
        [
          ...["xargs", "-j", "50", "echo"],
          ...['{{.I (printf "in/%s" .Line)}}', '{{.O (printf "out/%s" .Line)}}'],
        ],
        {
          stdin: names.join("\n"),
          program: [Deno.execPath(), "run", "-A", "--quiet", "--no-prompt", ...skewed],
          environment: {
            ...aws.environment,
            ...servers,
            LLAMA_OBJECT_STORE: "s3://bucket/obj/",
            LLAMA_TEST_SKEW_MINUTES: `${minutes}`,
          },
        },
      );
      assert.deepEqual([status, stderr], [0, ""]);
      await areCopies(place, names);
    }
    const { "s3.HEAD 403": heads = 0, "lambda.invoke 403": invocations = 0 } = await aws.requests();
    assert(heads > 0 && invocations > 0, "nothing was refused for its date");
  });
}
