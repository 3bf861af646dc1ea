/** A function whose runtime was replaced by the original's, which ignores what it does not know. */

import assert from "node:assert/strict";
import { AwsClient } from "../../lib/aws/client.ts";
import { KnownFunctions } from "../../lib/aws/known_functions.ts";
import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { OutputFiles } from "../../lib/jobs/big_output.ts";
import { runJob } from "../../lib/jobs/run.ts";
import { bytesOf, textOf } from "../helpers.ts";
import { later } from "../jobs/runtimes.ts";
import { FakeAws, keys, peerProgram, peerTest } from "./servers.ts";

peerTest(
  "rolling a function back to the original's runtime loses no data",
  async () => {
    await using aws = await FakeAws.start({
      early: {
        cmd: [peerProgram("llama_runtime-early"), "/bin/sh", "-c"],
        env: { ...keys, LLAMA_OBJECT_STORE: "s3://llama.test/obj/" },
      },
    });
    using client = new AwsClient({
      credentials: () =>
        Promise.resolve({
          accessKeyId: keys.AWS_ACCESS_KEY_ID,
          secretAccessKey: keys.AWS_SECRET_ACCESS_KEY,
        }),
      location: () => Promise.resolve({ region: keys.AWS_REGION, endpoints: { lambda: aws.url } }),
    });
    const place = () => Promise.resolve("a test");
    const stdin = "s".repeat(2000);
    const input = "i".repeat(3000);
    const replaced: string[] = [];
    for (
      const { inputs, text } of [
        // It reads a standard input that it does not know as an empty one, and refuses a file.
        { inputs: [], text: stdin },
        { inputs: [{ remote: "in", source: bytesOf(input) }], text: stdin + input },
      ]
    ) {
      const functions = new KnownFunctions({ directory: undefined, place });
      functions.learn("early", { accepts: ["repeated"] });
      const runner = {
        lambda: new Lambda(client),
        store: undefined,
        outputFiles: new OutputFiles("/tmp"),
        features: later,
        functions,
        onReplacedRuntime: (name: string) => void replaced.push(name),
      };
      const job = {
        functionName: "early",
        args: ["cat; if [ -e in ]; then cat in; fi"],
        stdin: bytesOf(stdin),
        inputs,
        outputs: [],
      };
      const { status, stdout } = await runJob(runner, job);
      assert.deepEqual([status, textOf(stdout)], [0, text]);
      assert.deepEqual(functions.get("early")?.accepts, []);
    }
    assert.deepEqual(replaced, ["early", "early"]);
    assert.equal((await aws.requests())["lambda.invoke"], 4);
  },
);
