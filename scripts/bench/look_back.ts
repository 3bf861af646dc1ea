/**
 * Measures the cost of `-trace` and `-report`.
 *
 * @module
 */

import { type BenchContext, type Figure, median } from "./figure.ts";
import { fromSource, StubRuns } from "./stub.ts";

const jobs = 10_000;
const rounds = 9;

/** The flags before and after `xargs`. */
const calls = {
  none: [[], []],
  trace: [["-trace", "trace.json"], []],
  report: [[], ["-report", "report.html"]],
} as const;

/** Runs the benchmark. */
export async function benchLookBack({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  await using runs = await StubRuns.open({ directory, signal });
  await runs.writeLines(jobs);
  const run = async (name: keyof typeof calls) => {
    const [before, after] = calls[name];
    const command = fromSource([...before, "xargs", ...after, "-j", "512", "stub", "{{.Line}}"]);
    return (await runs.run(`${command} <lines`)).cpuMilliseconds;
  };
  const used: Record<keyof typeof calls, number[]> = { none: [], trace: [], report: [] };
  const names = ["none", "trace", "report"] as const;
  for (let round = 0; round < rounds; round++) {
    // They take turns at going first, so that other load on the machine affects all.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      used[name].push(await run(name));
    }
    say(names.map((name) => `${name} ${seconds(used[name])}`).join(", "));
  }
  return (["trace", "report"] as const).map((name) => ({
    what: `CPU of ${jobs.toLocaleString("en")} jobs with \`-${name}\``,
    measured: seconds(used[name]),
    beside: `without: ${seconds(used.none)}`,
    ratio: median(used[name]) / median(used.none),
    aim: "1.05",
  }));
}

function seconds(milliseconds: readonly number[]): string {
  return `${(median(milliseconds) / 1000).toFixed(2)} s`;
}
