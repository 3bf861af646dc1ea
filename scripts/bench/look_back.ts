/**
 * What it costs to measure where the time of each job goes, and to write that down.
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
const rounds = 9;

/** How llama is called: the flags before `xargs`, and those after it. */
const calls = {
  none: [[], []],
  trace: [["-trace", "trace.json"], []],
  report: [[], ["-report", "report.html"]],
} as const;

/** Measures it. */
export async function benchLookBack({ directory, signal, say }: BenchContext): Promise<Figure[]> {
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
  const lines = Array.from({ length: jobs }, (_, index) => `picture-${index}.png\n`).join("");
  await Deno.writeTextFile(join(directory, "lines"), lines);

  const run = async (name: keyof typeof calls) => {
    const [before, after] = calls[name];
    const command = [
      ...[Deno.execPath(), "run", "--allow-all", "--quiet"],
      ...["--preload", join(root, "scripts/bench/usage.ts"), join(root, "cli.ts")],
      ...[...before, "xargs", ...after, "-j", "512", "stub", "{{.Line}}"],
    ].map(quote).join(" ");
    const { status } = await shell.run(`${command} <lines`, { cwd: directory, log: "log" });
    if (status !== 0) throw new Error(`exit status ${status}; see ${directory}/log`);
    const usage: Usage = JSON.parse(await Deno.readTextFile(usagePath));
    return usage.cpuMilliseconds;
  };
  const used: Record<keyof typeof calls, number[]> = { none: [], trace: [], report: [] };
  const names = ["none", "trace", "report"] as const;
  for (let round = 0; round < rounds; round++) {
    // Taking turns at being first: what else the machine does hits all.
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
