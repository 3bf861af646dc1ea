/**
 * Measures what compression saves on a slow network, and what it costs where it saves nothing.
 *
 * @module
 */

import { join } from "node:path";
import { accessLog, noise } from "../../tests/helpers.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";
import { startSlowProxy } from "./slow_proxy.ts";
import { fromSource, StubRuns } from "./stub.ts";
import type { Usage } from "./usage.ts";

const files = 1000;
const fileBytes = 50_000;
const megabits = 50;
const rounds = 5;

type Run = Usage & { elapsedMilliseconds: number };

/** Runs the benchmark. */
export async function benchCompression(context: BenchContext): Promise<Figure[]> {
  const { directory, signal, say } = context;
  const variables = { LLAMA_DIR: join(directory, "notes") };
  const names = (kind: string) => Array.from({ length: files }, (_, i) => `${kind}-${i}`);
  for (const [index, name] of names("log").entries()) {
    await Deno.writeFile(join(directory, name), accessLog(fileBytes, index + 1));
  }
  for (const [index, name] of names("noise").entries()) {
    await Deno.writeFile(join(directory, name), noise(fileBytes, index + 1));
  }
  const compare = async (runs: StubRuns, kind: string, modes: readonly [string, string]) => {
    await Deno.writeTextFile(join(directory, "lines"), names(kind).join("\n") + "\n");
    const command = (mode: string, lines: string) =>
      fromSource(["-compress", mode, "xargs", "-j", "100", "stub", "{{.I .Line}}"]) + ` <${lines}`;
    // One job learns what the function accepts.
    await Deno.writeTextFile(join(directory, "line"), `${kind}-0\n`);
    for (const mode of modes) await runs.run(command(mode, "line"));
    const measured: Record<string, Run[]> = {};
    for (let round = 0; round < rounds; round++) {
      for (const mode of round % 2 === 0 ? modes : modes.toReversed()) {
        const run = await runs.run(command(mode, "lines"));
        (measured[mode] ??= []).push(run);
        const seconds = (run.elapsedMilliseconds / 1000).toFixed(2);
        say(
          `${kind}, -compress ${mode}: ${seconds} s, ${Math.round(run.cpuMilliseconds)} ms of CPU`,
        );
      }
    }
    return modes.map((mode) => measured[mode] ?? []);
  };
  const ratio = (runs: readonly Run[][], of: (run: Run) => number) => {
    const [first = [], second = []] = runs;
    return median(first.map((run, round) => of(run) / of(second[round] ?? run)));
  };
  const elapsed = ({ elapsedMilliseconds }: Run) => elapsedMilliseconds;
  const cpu = ({ cpuMilliseconds }: Run) => cpuMilliseconds;
  const seconds = (runs: readonly Run[] = [], of: (run: Run) => number) =>
    `${(median(runs.map(of)) / 1000).toFixed(2)} s`;
  const megabytes = (runs: readonly Run[] = []) =>
    `${Math.round(median(runs.map(({ peakBytes }) => peakBytes)) / 1e6)} MB`;
  const count = files.toLocaleString("en");
  await using near = await StubRuns.open({ directory, signal }, variables);
  const loopback = await compare(near, "log", ["auto", "off"]);
  const random = await compare(near, "noise", ["on", "off"]);
  await using far = await StubRuns.open(
    { directory, signal },
    variables,
    (port) => startSlowProxy(port, megabits * 1e6 / 8),
  );
  const slow = await compare(far, "log", ["on", "off"]);
  return [
    {
      what: `${count} access logs of 50 kB at ${megabits} Mbit/s, compressed`,
      measured: seconds(slow[0], elapsed),
      beside: `\`-compress off\`: ${seconds(slow[1], elapsed)}`,
      ratio: ratio(slow, elapsed),
      aim: "0.35",
    },
    {
      what: "their peak memory at `-j 100`",
      measured: megabytes(slow[0]),
      beside: `\`-compress off\`: ${megabytes(slow[1])}`,
      ratio: ratio(slow, ({ peakBytes }) => peakBytes),
      aim: "1.00",
    },
    {
      what: `the same on loopback with \`-compress auto\``,
      measured: seconds(loopback[0], elapsed),
      beside: `\`-compress off\`: ${seconds(loopback[1], elapsed)}`,
      ratio: ratio(loopback, elapsed),
      aim: "1.03",
    },
    {
      what: `CPU of ${count} files of 50 kB that do not compress, \`-compress on\``,
      measured: seconds(random[0], cpu),
      beside: `\`-compress off\`: ${seconds(random[1], cpu)}`,
      ratio: ratio(random, cpu),
      aim: "1.02",
    },
  ];
}
