/**
 * Measures what a job without files costs, layer by layer: each measurement adds a layer to the one
 * before, and a stand-in answers at once for what is below. The network and printing are left out.
 *
 * @module
 */

import { Lambda } from "../../lib/aws/api/lambda_invoke.ts";
import { AwsClient } from "../../lib/aws/client.ts";
import { Deadline } from "../../lib/aws/deadline.ts";
import { ownFeatures } from "../../lib/features.ts";
import { OutputFiles } from "../../lib/jobs/big_output.ts";
import type { Job, JobResult } from "../../lib/jobs/job.ts";
import { mapJobs } from "../../lib/jobs/map.ts";
import { runJob } from "../../lib/jobs/run.ts";
import type { JobRunner, RunJobOptions } from "../../lib/jobs/run_options.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

const jobs = 10_000;
const rounds = 5;

const payload = JSON.stringify({
  status: 0,
  stdout: { s: "hello\n" },
  stderr: {},
  outputs: {},
  times: { cold: false, e2e: 9_000_000, fetch: 1_000_000, exec: 7_000_000, upload: 1_000_000 },
  environment: { memory: 1024, arch: "x86_64" },
  runtime: "0.1.0",
  accepts: ["link", "s3"],
});

const result: JobResult = {
  status: 0,
  stdout: new TextEncoder().encode("hello\n"),
  stdoutFile: undefined,
  stderr: new Uint8Array(),
  stderrFile: undefined,
  written: [],
  outputErrors: [],
  times: undefined,
  memory: undefined,
  environment: undefined,
  runtime: undefined,
  logTail: undefined,
  requestId: undefined,
  elapsedMilliseconds: 1,
  [Symbol.dispose]: () => {},
};

type Run = (job: Job, options: RunJobOptions) => Promise<JobResult>;

/** Runs the benchmark. */
export async function benchLayers({ directory, say }: BenchContext): Promise<Figure[]> {
  using outputFiles = new OutputFiles(directory);
  using client = new AwsClient({
    credentials: () => Promise.resolve({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
    location: () =>
      Promise.resolve({ region: "us-west-2", endpoints: { lambda: "http://127.0.0.1:9" } }),
  });
  // In a run there is always another call in flight, which keeps the timer of all of them.
  using _other = new Deadline(600_000, undefined);
  const lambda = new Lambda(client);
  const runner = { lambda, store: undefined, features: ownFeatures, outputFiles };
  const answered = Object.create(lambda, {
    invoke: {
      value: (_name: string, _payload: Uint8Array, { delivery }: RunJobOptions) => {
        if (delivery) delivery.mayHaveRun = true;
        return Promise.resolve({ payload, payloadBytes: payload.length, logTail: undefined });
      },
    },
  });
  const over = (runner: JobRunner): Run => (job, options) => runJob(runner, job, options);
  const layers: readonly (readonly [what: string, run: Run])[] = [
    ["planning, places, records", (_job, options) => {
      if (options.delivery) Object.assign(options.delivery, { mayHaveRun: true, isLlama: true });
      return Promise.resolve(result);
    }],
    ["encoding, parsing, receiving", over({ ...runner, lambda: answered })],
    ["client, signature, answer", over(runner)],
  ];
  const figures: Figure[] = [];
  let below = 0;
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.resolve(answer());
  try {
    for (const [what, run] of layers) {
      const each = await measure(run);
      // The stand-in for `fetch` makes a response, which `fetch` would make, too.
      const own = each - below - (run === layers.at(-1)?.[1] ? responseMicroseconds() : 0);
      below = each;
      say(`${what}: ${own.toFixed(1)} us`);
      figures.push({ what: `one job: ${what}`, measured: `${own.toFixed(1)} us` });
    }
  } finally {
    globalThis.fetch = fetch;
  }
  return figures;
}

function answer(): Response {
  return new Response(payload, {
    headers: { "content-length": String(payload.length), "x-amzn-requestid": "id" },
  });
}

/** Returns how long it takes to make a response, in microseconds. */
function responseMicroseconds(): number {
  const start = performance.now();
  for (let index = 0; index < jobs; index++) answer();
  return (performance.now() - start) * 1000 / jobs;
}

/** Returns the median time per job of several rounds, in microseconds, without the first. */
async function measure(run: Run): Promise<number> {
  const lines = Array.from({ length: jobs }, (_, index) => `picture-${index}.png`);
  const connection = {
    prepare: () => Promise.resolve(),
    hashShared: () => Promise.resolve(0),
    async *list() {},
    run,
    region: () => Promise.resolve("us-west-2"),
    isPure: () => false,
    isLocal: () => false,
    hasRoom: () => true,
    isLlama: () => Promise.resolve(true),
    notice: () => {},
  };
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    let done = 0;
    for await (const { record } of mapJobs(connection, "f", ["{{.Line}}"], lines, {})) {
      if (!record.ok) throw new Error(`a job failed: ${record.errors[0]?.message}`);
      done++;
    }
    if (done !== jobs) throw new Error(`${done} of ${jobs} jobs ran`);
    if (round > 0) times.push((performance.now() - start) * 1000 / jobs);
  }
  return median(times);
}
