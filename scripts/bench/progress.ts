/**
 * Measures the cost of the progress bar.
 *
 * @module
 */

import { quote } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";
import { fromSource, StubRuns } from "./stub.ts";

const jobs = 10_000;
const rounds = 7;

/** Runs the benchmark. */
export async function benchProgress({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  await using runs = await StubRuns.open({ directory, signal }, { TERM: "xterm" });
  await runs.writeLines(jobs);
  const run = async (progress: "bar" | "none") => {
    const command = fromSource(["xargs", "-progress", progress, "-j", "512", "stub", "{{.Line}}"]);
    // script(1) of util-linux provides a terminal.
    const terminal = `script -qec ${quote(`${command} <lines`)} /dev/null </dev/null`;
    return (await runs.run(terminal)).cpuMilliseconds;
  };
  const bar = [];
  const none = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) none.push(await run("none"));
    bar.push(await run("bar"));
    if (round % 2 === 1) none.push(await run("none"));
    say(`${seconds(bar)} of CPU with a bar, ${seconds(none)} without`);
  }
  return [{
    what: `CPU of ${jobs.toLocaleString("en")} jobs with the progress bar`,
    measured: seconds(bar),
    beside: `without: ${seconds(none)}`,
    ratio: median(bar) / median(none),
    aim: "1.10",
  }];
}

function seconds(milliseconds: readonly number[]): string {
  return `${(median(milliseconds) / 1000).toFixed(2)} s`;
}
