/**
 * Measures llama's own CPU time per job, and its memory with many concurrent jobs.
 *
 * @module
 */

import { type BenchContext, type Figure, median } from "./figure.ts";
import { fromSource, StubRuns } from "./stub.ts";
import type { Usage } from "./usage.ts";

const jobs = 10_000;
const concurrency = 512;
const rounds = 5;

/** Runs the benchmark. */
export async function benchOverhead({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  await using runs = await StubRuns.open({ directory, signal });
  const command = fromSource(["xargs", "-j", String(concurrency), "stub", "{{.Line}}"]);
  const run = async (count: number) => {
    await runs.writeLines(count);
    return await runs.run(`${command} <lines`);
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
      what: `CPU per job, ${jobs.toLocaleString("en")} jobs at \`-j ${concurrency}\``,
      measured: `${cpuPerJob.toFixed(3)} ms`,
      ratio: cpuPerJob / 0.3,
      aim: "0.3 ms",
    },
    {
      what: `peak memory at \`-j ${concurrency}\``,
      measured: megabytes(peak),
      beside: `no job: ${megabytes(idle)}`,
      ratio: peak / 260e6,
      aim: "260 MB",
    },
    {
      what: `${jobs.toLocaleString("en")} jobs from start to end`,
      measured: `${(elapsed(many) / 1000).toFixed(2)} s`,
      beside: `no job: ${(elapsed(none) / 1000).toFixed(2)} s`,
    },
  ];
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
