/**
 * What a job costs llama itself, and how much memory many at once take.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readEnvironment } from "../../lib/environment.ts";
import { quote, root, Shell } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";
import { type Usage, usageVariable } from "./usage.ts";

const jobs = 10_000;
const concurrency = 512;
const rounds = 5;

/** Measures it. */
export async function benchOverhead({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  await using endpoint = await startEndpoint();
  const usagePath = join(directory, "usage.json");
  await using shell = await Shell.open({
    environment: readEnvironment(),
    variables: {
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${endpoint.port}`,
      AWS_REGION: "us-west-2",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      [usageVariable]: usagePath,
    },
    signal,
  });
  const command = [
    ...[Deno.execPath(), "run", "--allow-all", "--quiet"],
    ...["--preload", join(root, "scripts/bench/usage.ts"), join(root, "cli.ts")],
    ...["xargs", "-j", String(concurrency), "stub", "{{.Line}}"],
  ].map(quote).join(" ");

  const run = async (count: number) => {
    const lines = Array.from({ length: count }, (_, index) => `picture-${index}.png\n`).join("");
    await Deno.writeTextFile(join(directory, "lines"), lines);
    const { status, elapsedMilliseconds } = await shell.run(`${command} < lines`, {
      cwd: directory,
      log: "log",
    });
    if (status !== 0) throw new Error(`exit status ${status}; see ${directory}/log`);
    const usage: Usage = JSON.parse(await Deno.readTextFile(usagePath));
    return { ...usage, elapsedMilliseconds };
  };
  const many = [];
  const none = [];
  for (let round = 0; round < rounds; round++) {
    none.push(await run(0));
    const used = await run(jobs);
    many.push(used);
    say(`${(used.cpuMilliseconds / 1000).toFixed(2)} s of CPU, ${megabytes(used.peakBytes)}`);
  }
  const cpu = (runs: readonly Usage[]) => median(runs.map((usage) => usage.cpuMilliseconds));
  const elapsed = (runs: readonly { elapsedMilliseconds: number }[]) =>
    median(runs.map(({ elapsedMilliseconds }) => elapsedMilliseconds));
  const cpuPerJob = (cpu(many) - cpu(none)) / jobs;
  const peak = median(many.map(({ peakBytes }) => peakBytes));
  const idle = median(none.map(({ peakBytes }) => peakBytes));
  return [
    {
      what: `CPU a job, ${jobs.toLocaleString("en")} jobs at \`-j ${concurrency}\``,
      measured: `${cpuPerJob.toFixed(3)} ms`,
      ratio: cpuPerJob / 0.3,
      aim: "0.3 ms",
    },
    {
      what: `peak memory at \`-j ${concurrency}\``,
      measured: megabytes(peak),
      beside: `no job: ${megabytes(idle)}`,
      ratio: peak / 150e6,
      aim: "150 MB",
    },
    {
      what: `${jobs.toLocaleString("en")} jobs from start to end`,
      measured: `${(elapsed(many) / 1000).toFixed(2)} s`,
      beside: `no job: ${(elapsed(none) / 1000).toFixed(2)} s`,
    },
  ];
}

/** Starts the stub, over TLS where it has a certificate. */
export async function startEndpoint(
  certificate?: { readonly cert: string; readonly key: string },
): Promise<{ port: number } & AsyncDisposable> {
  const script = fileURLToPath(new URL("./stub_endpoint.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-net", "--allow-read", "--quiet", script],
      ...(certificate ? [certificate.cert, certificate.key] : []),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value).trim());
  return {
    port,
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
