/**
 * Compares llama with the original, in one run on one machine: the figures of
 * docs/performance.md.
 *
 * @module
 */

import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readEnvironment } from "../lib/environment.ts";
import { messageOf } from "../lib/errors.ts";
import { Interrupted, onInterrupt } from "../lib/terminal/interrupt.ts";
import { version } from "../lib/version.ts";
import { benchPeerClients, type PeerBenchContext } from "./bench/peer_clients.ts";
import { type PeerFigure, peerTableOf } from "./bench/peer_figure.ts";
import { benchPeerReadme } from "./bench/peer_readme.ts";
import { benchPeerRuntime } from "./bench/peer_runtime.ts";
import { Peers } from "./bench/peers.ts";
import { describeRun, writeSection } from "./bench/page.ts";
import { pinProcessors } from "./bench/processors.ts";
import { runDeno } from "../lib/deploy/deno.ts";
import { root } from "./shell.ts";

type PeerBenchmark = (context: PeerBenchContext) => Promise<PeerFigure[]>;

const benchmarks: ReadonlyMap<string, PeerBenchmark> = new Map([
  ["clients", benchPeerClients],
  ["runtime", benchPeerRuntime],
  ["readme", benchPeerReadme],
]);

const usage = `usage: deno task bench:peer [FLAGS] FOLDER

Requires root (for AWS host names in /etc/hosts and port 443), bash, Go, GNU time and taskset, and
to compile the floor what \`deno task compile\` requires.

  FOLDER          the original's programs and their server
  --programs DIR  the directory of the compiled llama and bootstrap (default dist)
  --only NAME     one of ${[...benchmarks.keys()].join(", ")}
  --rounds N      runs per program (default 5)
  --write         add the table to docs/performance.md
`;

if (import.meta.main) Deno.exit(await main(Deno.args));

interface Options {
  readonly folder: string;
  readonly programs: string;
  readonly only: string | undefined;
  readonly rounds: number;
  readonly write: boolean;
}

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(usage);
    return 2;
  }
  const stop = new AbortController();
  using _signals = onInterrupt((interrupted) => stop.abort(interrupted));
  try {
    const figures = await measure(options, stop.signal);
    const [measured, table] = [await origin(), peerTableOf(figures)];
    console.log(`${await describeRun(measured)}:

${table}`);
    if (options.write) await writeSection("peers", measured, table);
    return 0;
  } catch (error) {
    console.error(`bench:peer: ${messageOf(error)}`);
    return error instanceof Interrupted ? error.exitCode : 1;
  }
}

/** Parses the arguments; undefined if they are invalid. */
function readOptions(args: string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: {
        programs: { type: "string", default: join(root, "dist") },
        only: { type: "string" },
        rounds: { type: "string", default: "5" },
        write: { type: "boolean", default: false },
      },
      allowPositionals: true,
    });
    const { programs, only, write } = values;
    const [folder, ...more] = positionals;
    const rounds = Number(values.rounds);
    const isKnown = only === undefined || benchmarks.has(only);
    // The figures in the file must come from a single run.
    if (only !== undefined && write) return undefined;
    if (
      folder === undefined || more.length > 0 || !isKnown || !Number.isInteger(rounds) || rounds < 1
    ) return undefined;
    return { folder: resolve(folder), programs: resolve(programs), only, rounds, write };
  } catch {
    return undefined;
  }
}

async function measure(
  { folder, programs, only, rounds }: Options,
  signal: AbortSignal,
): Promise<PeerFigure[]> {
  const [llama, bootstrap] = [join(programs, "llama"), join(programs, "bootstrap")];
  for (const program of [llama, bootstrap]) {
    await Deno.stat(program).catch((cause) => {
      throw new Error(`${program} does not exist: compile the programs, or use --programs`, {
        cause,
      });
    });
  }
  console.error(`pinned to ${await pinProcessors()} processors`);
  await using peers = await Peers.open(folder, readEnvironment());
  const directory = await makeDirectory();
  const figures: PeerFigure[] = [];
  try {
    const floor = await compileFloor(directory);
    for (const [name, benchmark] of benchmarks) {
      if (only !== undefined && only !== name) continue;
      console.error(name);
      const say = (text: string) => console.error(`  ${text}`);
      const context = {
        peers,
        programs: { llama, bootstrap, ...floor },
        rounds,
        directory,
        signal,
        say,
      };
      figures.push(...await benchmark(context));
    }
  } catch (error) {
    // The figures so far took minutes and are valid.
    if (figures.length > 0) console.error(peerTableOf(figures));
    throw error;
  }
  // If a benchmark fails, the directory is kept for the programs' output.
  await Deno.remove(directory, { recursive: true });
  return figures;
}

/**
 * Creates a directory, in memory if possible: on a disk, the time to create files depends on files
 * removed earlier, so each program would pay for those of the one before it.
 */
async function makeDirectory(): Promise<string> {
  const memory = "/dev/shm";
  const options = { prefix: "llama-bench-" };
  try {
    return await Deno.makeTempDir({ dir: memory, ...options });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return await Deno.makeTempDir(options);
  }
}

/** Compiles the programs that llama is compared with, with V8's default settings. */
async function compileFloor(directory: string): Promise<{ floor: string; empty: string }> {
  const [floor, empty] = [join(directory, "floor"), join(directory, "empty")];
  for (const output of [floor, empty]) {
    await runDeno([
      ...["compile", "--quiet", "--no-check", "--no-config", "--no-lock", "--no-code-cache"],
      ...["--allow-all", "--output", output],
      join(root, "scripts/bench", `${basename(output)}.ts`),
    ]);
  }
  return { floor, empty };
}

/** The commit that is measured. */
async function origin(): Promise<string> {
  const { stdout } = await new Deno.Command("git", {
    args: ["-C", root, "describe", "--always", "--dirty"],
  }).output();
  return `llama ${version} (${new TextDecoder().decode(stdout).trim()})`;
}
