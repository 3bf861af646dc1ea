/**
 * Measures the live output of `llama invoke`, with the emulator.
 *
 * @module
 */

import { join } from "node:path";
import { root } from "../shell.ts";
import { measureChild } from "./child.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

const rounds = 5;

/** How much a command writes where throughput and memory are measured, in bytes. */
const bigBytes = 20_000_000;

/** Runs the benchmark. */
export async function benchLive({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  const environment = { ...Deno.env.toObject(), TMPDIR: directory, LLAMA_DIR: directory };
  const invoke = (flags: readonly string[], words: readonly string[]) => [
    ...[Deno.execPath(), "run", "-A", "--quiet", join(root, "cli.ts"), "-local"],
    ...["-function", "any=env", "invoke", ...flags, "any", ...words],
  ];
  const measure = (command: readonly string[]) =>
    measureChild({ command, environment, cwd: directory, directory, signal });
  const delays = await delaysOf(invoke([], ["sh", "-c", clock]), environment, signal);
  say(`a line is shown after ${median(delays)} ms, at most ${Math.max(...delays)}`);
  await Deno.writeFile(join(directory, "big"), new Uint8Array(bigBytes).fill(97));
  const big = { live: [], buffered: [] } as Record<"live" | "buffered", [number, number][]>;
  const ends: number[] = [];
  const starts: number[] = [];
  const head = 'set -o pipefail; "$@" | head -1; [ $? = 141 ]';
  for (let round = 0; round < rounds; round++) {
    const cat = ["cat", join(directory, "big")];
    for (const [kind, flags] of [["live", []], ["buffered", ["-no-stream"]]] as const) {
      const { seconds, peakBytes } = await measure(invoke(flags, cat));
      big[kind].push([seconds, peakBytes]);
    }
    ends.push((await measure(["bash", "-c", head, "bash", ...invoke([], ["yes"])])).seconds);
    starts.push((await measure(invoke([], ["true"]))).seconds);
  }
  const seconds = (values: readonly number[]) => `${median(values).toFixed(2)} s`;
  const megabytes = (kind: "live" | "buffered") =>
    median(big[kind].map(([, bytes]) => bytes)) / 1e6;
  const times = (kind: "live" | "buffered") => big[kind].map(([seconds]) => seconds);
  return [
    {
      what: "from the writing of a line to its appearance, `-local invoke`",
      measured: `${median(delays)} ms`,
      beside: `at most: ${Math.max(...delays)} ms`,
      ratio: Math.max(...delays) / 200,
      aim: "200 ms",
    },
    {
      what: "`-local invoke` of a command that writes 20 MB",
      measured: seconds(times("live")),
      beside: `\`-no-stream\`: ${seconds(times("buffered"))}`,
      ratio: median(times("live")) / median(times("buffered")),
    },
    {
      what: "its peak memory",
      measured: `${megabytes("live").toFixed(0)} MB`,
      beside: `\`-no-stream\`: ${megabytes("buffered").toFixed(0)} MB`,
      ratio: megabytes("live") / megabytes("buffered"),
      aim: "1.10",
    },
    {
      what: "`-local invoke any yes`, read by `head -1`, to its end",
      measured: seconds(ends),
      beside: `\`invoke any true\`: ${seconds(starts)}`,
      ratio: median(ends) / 1,
      aim: "1 s",
    },
  ];
}

/** Writes the time, in milliseconds since 1970, at intervals at which nothing gathers. */
const clock = "for i in $(seq 20); do date +%s%3N; sleep 0.1; done";

/** Runs a command that writes the time, and returns how much later each line arrived. */
async function delaysOf(
  command: readonly string[],
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<number[]> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, { args, env, stdout: "piped", stdin: "null", signal })
    .spawn();
  const delays: number[] = [];
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const now = Date.now();
    for (const line of text.trim().split("\n")) delays.push(now - Number(line));
  }
  if (!(await child.status).success) throw new Error(`${command.join(" ")} failed`);
  return delays;
}
