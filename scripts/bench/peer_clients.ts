/**
 * Compares the client with the original's in complete runs, with functions that respond without a
 * process.
 *
 * @module
 */

import { join } from "node:path";
import { type ChildUsage, measureChild } from "./child.ts";
import { median } from "./figure.ts";
import {
  asCount,
  asMegabytes,
  asMilliseconds,
  asSeconds,
  type Column,
  columns,
  type PeerFigure,
} from "./peer_figure.ts";
import type { Peers } from "./peers.ts";

/** The arguments of a comparison. */
export interface PeerBenchContext {
  /** The server, and the original's programs. */
  readonly peers: Peers;
  /** llama's programs, and the floors of its jobs and of its start. */
  readonly programs: Readonly<Record<"llama" | "bootstrap" | "floor" | "empty", string>>;
  /** Runs per program. */
  readonly rounds: number;
  /** A directory of its own. */
  readonly directory: string;
  /** Aborts the comparison. */
  readonly signal: AbortSignal;
  /** Reports progress. */
  readonly say: (text: string) => void;
}

/** A measurement of a run. */
type Measure = "seconds" | "cpuSeconds" | "peakBytes" | "connections" | "requests" | "sends";

/** The measurements of a run: those of its process, and the server's counts. */
type Run = ChildUsage & Readonly<Record<"connections" | "requests" | "sends", number>>;

/** One complete run of a client. */
interface ClientCase {
  readonly name: string;
  readonly args: readonly string[];
  /** The number of input lines. */
  readonly lines?: number;
  /** The size of the input and output file of each line, in bytes. */
  readonly fileBytes?: number;
  /** The latency added to each request, in milliseconds. */
  readonly delay?: number;
  /** The floor's program and arguments. @default {none} */
  readonly floor?: readonly ["floor" | "empty", ...string[]] | undefined;
  /** Variables for llama, which the original does not know: it is left out. @default {none} */
  readonly environment?: Readonly<Record<string, string>>;
  /** The function, if llama knows it from an earlier run. @default {it is the first run} */
  readonly knownFunction?: string | undefined;
  /** Whether to measure a second run, which finds the objects in the store. */
  readonly again?: boolean;
  readonly aims: Readonly<Partial<Record<Measure, PeerFigure["aim"]>>>;
}

const formats: Record<Measure, PeerFigure["format"]> = {
  seconds: asSeconds,
  cpuSeconds: asSeconds,
  peakBytes: asMegabytes,
  connections: asCount,
  requests: asCount,
  sends: asCount,
};

const words: Record<Measure, string> = {
  seconds: "time",
  cpuSeconds: "CPU",
  peakBytes: "peak memory",
  connections: "connections opened",
  requests: "requests",
  sends: "PUT and HEAD",
};

const fileArguments = ["echo", "cat", '{{.I (printf "in/%s" .Line)}}'];
const outputArgument = '{{.O (printf "out/%s" .Line)}}';

function files(j: number, fileBytes: number, more: Partial<ClientCase> = {}): ClientCase {
  const size = fileBytes >= 1e6 ? `${fileBytes / 1e6} MB` : `${fileBytes / 1000} kB`;
  return {
    name: `1,000 files of ${size} in and out, -j ${j}`,
    args: ["xargs", "-j", String(j), ...fileArguments, outputArgument],
    lines: 1000,
    fileBytes,
    floor: ["floor", "echo", String(j), "in", "out"],
    knownFunction: "echo",
    aims: {
      seconds: { floor: 1.5, ratio: 0.3 },
      cpuSeconds: { floor: 1.5, ratio: 0.3 },
      requests: { value: 1000 },
    },
    ...more,
  };
}

const cases: readonly ClientCase[] = [
  {
    name: "help",
    args: ["help"],
    floor: ["empty"],
    aims: { seconds: { floor: 1.15 }, cpuSeconds: undefined, peakBytes: undefined },
  },
  {
    name: "invoke of a stub",
    args: ["invoke", "stub", "x"],
    floor: ["empty"],
    aims: { seconds: undefined, peakBytes: undefined },
  },
  {
    name: "invoke of a stub, over plain HTTP",
    args: ["invoke", "stub", "x"],
    floor: ["empty"],
    environment: { AWS_ENDPOINT_URL_LAMBDA: "http://127.0.0.1:9900" },
    aims: { seconds: { floor: 1.6 }, cpuSeconds: undefined },
  },
  {
    name: "10,000 lines, -j 100",
    args: ["xargs", "-j", "100", "stub", "{{.Line}}"],
    lines: 10_000,
    floor: ["floor", "stub", "100"],
    knownFunction: "stub",
    aims: {
      seconds: { ratio: 0.35 },
      cpuSeconds: { ratio: 0.35 },
      peakBytes: undefined,
      connections: { value: 110 },
    },
  },
  {
    name: "1,000 lines, stub of 1 s, -j 1000",
    args: ["xargs", "-j", "1000", "stub1s", "{{.Line}}"],
    lines: 1000,
    floor: ["floor", "stub1s", "1000"],
    knownFunction: "stub1s",
    aims: { seconds: { value: 1.3 }, cpuSeconds: undefined, peakBytes: undefined },
  },
  files(100, 2000),
  files(100, 2000, {
    name: "the same in the first run on a function",
    knownFunction: undefined,
    aims: { seconds: undefined },
  }),
  files(100, 50_000, {
    aims: {
      seconds: { floor: 1.3, ratio: 0.6 },
      cpuSeconds: { floor: 1.3, ratio: 0.6 },
      requests: { value: 1000 },
      peakBytes: { value: 260e6 },
    },
  }),
  files(100, 50_000, {
    name: "the same with 20 ms added to each request",
    delay: 20,
    aims: { seconds: { floor: 1.3, ratio: 0.6 } },
  }),
  files(1000, 50_000, {
    aims: { seconds: undefined, cpuSeconds: undefined, peakBytes: { value: 420e6 } },
  }),
  // Through S3, which the floor does without.
  files(50, 1_000_000, {
    floor: undefined,
    aims: { seconds: { ratio: 0.7 }, cpuSeconds: { ratio: 0.7 }, peakBytes: undefined },
  }),
  files(50, 1_000_000, {
    name: "the same again, from a new process",
    floor: undefined,
    again: true,
    aims: { seconds: undefined, sends: { value: 0 } },
  }),
];

/** Runs the benchmark. */
export async function benchPeerClients(context: PeerBenchContext): Promise<PeerFigure[]> {
  const { peers, rounds, say, signal } = context;
  await peers.serve(peers.program("llama_runtime-head"));
  const figures: PeerFigure[] = [];
  for (const each of cases) {
    const work = await prepare(each, context.directory);
    const runs: Record<Column, Run[]> = { llama: [], floor: [], head: [], early: [] };
    const taking = columns.filter((name) => takesPart(name, each));
    for (let round = 0; round < rounds; round++) {
      for (const [index] of taking.entries()) {
        signal.throwIfAborted();
        // They take turns at going first.
        const name = taking[(index + round) % taking.length] ?? "llama";
        runs[name].push(await run(name, each, work, context));
      }
    }
    for (const measure of Object.keys(words) as Measure[]) {
      if (!(measure in each.aims)) continue;
      const measured = Object.fromEntries(
        taking.map((name) => [name, median(runs[name].map((one) => one[measure]))]),
      );
      const format = each.args.length < 4 && /econds$/.test(measure)
        ? asMilliseconds
        : formats[measure];
      const what = `${each.name}: ${words[measure]}`;
      figures.push({ what, measured, format, aim: each.aims[measure] });
    }
    const seconds = taking.map((name) => median(runs[name].map((one) => one.seconds)));
    say(`${each.name}: ${seconds.map(asSeconds).join(", ")}`);
  }
  return figures;
}

/** Whether a program can run a case. */
function takesPart(name: Column, { floor, environment }: ClientCase): boolean {
  if (name === "floor") return floor !== undefined;
  return name === "llama" || environment === undefined;
}

interface Work {
  readonly cwd: string;
  readonly stdin: string | undefined;
}

/** Writes the input lines and the files that they name. */
async function prepare({ lines, fileBytes }: ClientCase, directory: string): Promise<Work> {
  if (lines === undefined) return { cwd: directory, stdin: undefined };
  const cwd = join(directory, `${lines}-${fileBytes ?? 0}`);
  const stdin = join(cwd, "lines");
  const names = Array.from({ length: lines }, (_, index) => `f${String(index).padStart(6, "0")}`);
  await Deno.mkdir(join(cwd, "in"), { recursive: true });
  // Lines that are not file names have a hundred bytes.
  const text = names.map((name) => fileBytes === undefined ? name.padEnd(100, "x") : name);
  await Deno.writeTextFile(stdin, text.map((line) => `${line}\n`).join(""));
  if (fileBytes !== undefined) {
    const bytes = new Uint8Array(fileBytes);
    for (const name of names) {
      for (let at = 0; at < fileBytes; at += 65_536) {
        crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      }
      await Deno.writeFile(join(cwd, "in", name), bytes);
    }
  }
  return { cwd, stdin };
}

async function run(
  name: Column,
  each: ClientCase,
  { cwd, stdin }: Work,
  { peers, programs, directory, signal }: PeerBenchContext,
): Promise<Run> {
  const [floor = "empty", ...floorArgs] = each.floor ?? [];
  const command = name === "floor"
    ? [programs[floor], ...floorArgs]
    : [name === "llama" ? programs.llama : peers.program(`llama-${name}`), ...each.args];
  // llama remembers what it has uploaded; limit that to this case.
  const notes = join(directory, "llama-dir");
  const environment = {
    ...peers.environment,
    ...each.environment,
    ...(name === "llama" ? { LLAMA_DIR: notes } : {}),
  };
  await Deno.remove(notes, { recursive: true }).catch(() => {});
  const measure = (whole = command) =>
    measureChild({
      ...{ command: whole, environment },
      ...{ cwd, stdin, directory, signal },
    });
  if (name === "llama" && each.knownFunction !== undefined) {
    await measure([programs.llama, "invoke", each.knownFunction, "x"]);
  }
  await Deno.remove(join(cwd, "out"), { recursive: true }).catch(() => {});
  await Deno.mkdir(join(cwd, "out"), { recursive: true });
  await peers.reset();
  if (each.again) {
    await measure();
    await peers.stats(true);
  }
  await peers.delay(each.delay ?? 0);
  const usage = await measure();
  await peers.delay(0);
  const { requests, connections_opened: connections } = await peers.stats();
  const count = (kind: RegExp) =>
    Object.entries(requests).reduce((sum, [key, value]) => kind.test(key) ? sum + value : sum, 0);
  if (each.fileBytes !== undefined) await compare(join(cwd, "in"), join(cwd, "out"));
  return {
    ...usage,
    connections,
    requests: count(/^[\w.]+$/),
    sends: count(/^s3\.(PUT|HEAD)$/),
  };
}

/** Checks that the outputs equal the inputs; otherwise the figures would be meaningless. */
async function compare(from: string, to: string): Promise<void> {
  for await (const { name } of Deno.readDir(from)) {
    const [before, after] = await Promise.all([
      Deno.readFile(join(from, name)),
      Deno.readFile(join(to, name)),
    ]);
    if (before.length !== after.length || before.some((byte, index) => byte !== after[index])) {
      throw new Error(`${join(to, name)} differs from its input`);
    }
  }
}
