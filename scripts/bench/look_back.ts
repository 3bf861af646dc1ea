/**
 * Measures the cost of the journal, `-trace` and `-report`.
 *
 * @module
 */

import { type BenchContext, type Figure, median } from "./figure.ts";
import { fromSource, StubRuns } from "./stub.ts";

const jobs = 10_000;
const rounds = 9;

/** The flags before and after `xargs`. */
const calls = {
  none: [[], ["-no-journal"]],
  journal: [[], []],
  trace: [["-trace", "trace.json"], ["-no-journal"]],
  report: [[], ["-no-journal", "-report", "report.html"]],
} as const;

/** What is compared with none of them, and the aim. */
const compared = {
  journal: ["the journal", "1.03"],
  trace: ["`-trace`", "1.05"],
  report: ["`-report`", "1.05"],
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
  const used: Record<keyof typeof calls, number[]> = {
    none: [],
    journal: [],
    trace: [],
    report: [],
  };
  const names = ["none", "journal", "trace", "report"] as const;
  for (let round = 0; round < rounds; round++) {
    // They take turns at going first, so that other load on the machine affects all.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      used[name].push(await run(name));
    }
    say(names.map((name) => `${name} ${seconds(used[name])}`).join(", "));
  }
  return (["journal", "trace", "report"] as const).map((name) => ({
    what: `CPU of ${jobs.toLocaleString("en")} jobs with ${compared[name][0]}`,
    measured: seconds(used[name]),
    beside: `without: ${seconds(used.none)}`,
    ratio: median(used[name]) / median(used.none),
    aim: compared[name][1],
  }));
}

function seconds(milliseconds: readonly number[]): string {
  return `${(median(milliseconds) / 1000).toFixed(2)} s`;
}
