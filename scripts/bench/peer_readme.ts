/**
 * Measures the README's job with real runtimes: 151 pictures, all at once.
 *
 * @module
 */

import { join } from "node:path";
import { type ChildUsage, measureChild } from "./child.ts";
import { median } from "./figure.ts";
import type { PeerBenchContext } from "./peer_clients.ts";
import {
  asMegabytes,
  asSeconds,
  type Contender,
  contenders,
  type PeerFigure,
} from "./peer_figure.ts";

/** Functions of the early version have a fixed command; later ones get it with each request. */
const functions: Record<Contender, readonly string[]> = {
  llama: ["optipng"],
  head: ["run", "optipng"],
  early: ["optipng"],
};

/** Runs the benchmark. */
export async function benchPeerReadme(context: PeerBenchContext): Promise<PeerFigure[]> {
  const { peers, rounds, say } = context;
  const pictures = [...Deno.readDirSync(join(peers.home, "png"))].map(({ name }) => name)
    .filter((name) => name.endsWith(".png"));
  const cwd = join(context.directory, "pictures");
  await Deno.mkdir(cwd);
  for (const name of pictures) await Deno.copyFile(join(peers.home, "png", name), join(cwd, name));
  await Deno.writeTextFile(join(cwd, "lines"), pictures.map((name) => `${name}\n`).join(""));
  const runs: Record<Contender, ChildUsage[]> = { llama: [], head: [], early: [] };
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    for (const name of contenders) runs[name].push(await run(name, cwd, pictures.length, context));
  }
  const figure = (
    what: string,
    key: keyof ChildUsage,
    format: PeerFigure["format"],
    ratio?: number,
  ): PeerFigure => ({
    what: `the README's job, ${pictures.length} pictures: ${what}`,
    measured: Object.fromEntries(
      contenders.map((name) => [name, median(runs[name].map((each) => each[key]))]),
    ),
    format,
    aim: ratio === undefined ? undefined : { ratio },
  });
  const figures = [
    figure("time", "seconds", asSeconds, 1.15),
    figure("the client's CPU", "cpuSeconds", asSeconds, 1),
    figure("the client's peak memory", "peakBytes", asMegabytes),
  ];
  for (const { what, measured, format } of figures) {
    say(`${what}: ${contenders.map((name) => format(measured[name] ?? NaN)).join(", ")}`);
  }
  return figures;
}

async function run(
  name: Contender,
  cwd: string,
  pictures: number,
  { peers, programs, directory, signal }: PeerBenchContext,
): Promise<ChildUsage> {
  const runtime = name === "llama" ? programs.bootstrap : peers.program(`llama_runtime-${name}`);
  await peers.serve(runtime);
  const out = join(cwd, "optimized");
  await Deno.remove(out, { recursive: true }).catch(() => {});
  await Deno.mkdir(out);
  const program = name === "llama" ? programs.llama : peers.program(`llama-${name}`);
  const usage = await measureChild({
    command: [
      ...[program, "xargs", "-logs", "-j", "151", ...functions[name]],
      ...["{{.I .Line}}", "-out", '{{.O (printf "optimized/%s" .Line)}}'],
    ],
    environment: peers.environment,
    stdin: join(cwd, "lines"),
    ...{ cwd, directory, signal },
  });
  const made = [...Deno.readDirSync(out)].length;
  if (made !== pictures) throw new Error(`${name}: made ${made} of ${pictures} pictures`);
  return usage;
}
