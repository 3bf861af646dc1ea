/**
 * Measures how the cost per job of the compiled `llama` depends on the number of jobs, from a
 * hundred to a hundred thousand.
 *
 * @module
 */

import { join } from "node:path";
import { dist } from "../compile.ts";
import { type ChildUsage, measureChild } from "./child.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";
import { plot } from "./plot.ts";
import { startEndpoint, stubEnvironment, writeLines } from "./stub.ts";

const counts = [100, 1000, 10_000, 100_000];
const concurrency = 100;
const rounds = 3;

/** Runs the benchmark. */
export async function benchGrowth(context: BenchContext): Promise<Figure[]> {
  const { directory, signal, say } = context;
  const program = join(dist, "llama");
  if (!await isThere(program) || !await isThere("/usr/bin/time")) {
    say("skipped: this requires GNU time and a compiled llama (`deno task compile`)");
    return [];
  }
  await using endpoint = await startEndpoint();
  const run = async (count: number, j: number): Promise<ChildUsage> => {
    const stdin = join(directory, "lines");
    await writeLines(stdin, count);
    return await measureChild({
      command: [program, "xargs", "-j", String(j), "stub", "{{.Line}}"],
      environment: { ...stubEnvironment(endpoint.port), PATH: "/usr/bin:/bin" },
      cwd: directory,
      ...{ stdin, directory, signal },
    });
  };
  const several = async (count: number, j: number): Promise<ChildUsage> => {
    const runs: ChildUsage[] = [];
    // The longest run is long enough to need no repetition.
    const often = count < 100_000 ? rounds : 1;
    for (let round = 0; round < often; round++) runs.push(await run(count, j));
    const middle = (key: keyof ChildUsage) => median(runs.map((each) => each[key]));
    const usage: ChildUsage = {
      seconds: middle("seconds"),
      cpuSeconds: middle("cpuSeconds"),
      peakBytes: middle("peakBytes"),
    };
    const { seconds, cpuSeconds, peakBytes } = usage;
    say(
      `${count} lines, -j ${j}: ${seconds} s, ${cpuSeconds.toFixed(2)} s of CPU, ${
        megabytes(peakBytes)
      }`,
    );
    return usage;
  };
  const none = await several(0, concurrency);
  const growth = [];
  for (const count of counts) growth.push({ count, ...await several(count, concurrency) });
  const many = await several(10_000, 512);

  const perJob = (usage: ChildUsage, count: number, key: "seconds" | "cpuSeconds") =>
    ((usage[key] - none[key]) * 1000) / count;
  context.drawings.set(
    "growth.svg",
    plot([
      {
        title: "CPU per job, ms",
        points: growth.map((each) => [each.count, perJob(each, each.count, "cpuSeconds")]),
      },
      {
        title: "time per job, ms",
        points: growth.map((each) => [each.count, perJob(each, each.count, "seconds")]),
      },
      {
        title: "peak memory, MB",
        points: growth.map((each) => [each.count, each.peakBytes / 1e6]),
      },
    ], "lines of input, at -j 100"),
  );
  const cpu = perJob(many, 10_000, "cpuSeconds");
  return [
    {
      what: "compiled: CPU per job, 10,000 jobs at `-j 512`",
      measured: `${cpu.toFixed(3)} ms`,
      ratio: cpu / 0.3,
      aim: "0.3 ms",
    },
    {
      what: "compiled: peak memory at `-j 512`",
      measured: megabytes(many.peakBytes),
      beside: `no job: ${megabytes(none.peakBytes)}`,
      ratio: many.peakBytes / 260e6,
      aim: "260 MB",
    },
    ...growth.map((each): Figure => ({
      what: `compiled: ${each.count.toLocaleString("en")} jobs at \`-j ${concurrency}\``,
      measured: `${each.seconds.toFixed(2)} s`,
      beside: `CPU per job: ${perJob(each, each.count, "cpuSeconds").toFixed(3)} ms, peak: ` +
        megabytes(each.peakBytes),
    })),
  ];
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
