/**
 * What it costs to show progress on a terminal.
 *
 * @module
 */

import { join } from "node:path";
import { readEnvironment } from "../../lib/environment.ts";
import { quote, root, Shell } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";
import { startEndpoint } from "./overhead.ts";
import { type Usage, usageVariable } from "./usage.ts";

const jobs = 10_000;
const rounds = 7;

/** Measures it. */
export async function benchProgress({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  await using endpoint = await startEndpoint();
  const usagePath = join(directory, "usage.json");
  await using shell = await Shell.open({
    environment: readEnvironment(),
    variables: {
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${endpoint.port}`,
      AWS_REGION: "us-west-2",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      TERM: "xterm",
      [usageVariable]: usagePath,
    },
    signal,
  });
  const lines = Array.from({ length: jobs }, (_, index) => `picture-${index}.png\n`).join("");
  await Deno.writeTextFile(join(directory, "lines"), lines);

  const run = async (progress: "bar" | "none") => {
    const command = [
      ...[Deno.execPath(), "run", "--allow-all", "--quiet"],
      ...["--preload", join(root, "scripts/bench/usage.ts"), join(root, "cli.ts")],
      ...["xargs", "-progress", progress, "-j", "512", "stub", "{{.Line}}"],
    ].map(quote).join(" ");
    // util-linux's script gives it a terminal that nobody has to look at.
    const { status } = await shell.run(
      `script -qec ${quote(`${command} <lines`)} /dev/null </dev/null`,
      { cwd: directory, log: "log" },
    );
    if (status !== 0) throw new Error(`exit status ${status}; see ${directory}/log`);
    const usage: Usage = JSON.parse(await Deno.readTextFile(usagePath));
    return usage.cpuMilliseconds;
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
