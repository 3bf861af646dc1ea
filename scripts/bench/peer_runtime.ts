/**
 * Compares the runtime with the original's, as real processes under an independent Lambda emulator.
 *
 * @module
 */

import { median } from "./figure.ts";
import type { PeerBenchContext } from "./peer_clients.ts";
import {
  asMegabytes,
  asMilliseconds,
  type Contender,
  contenders,
  type PeerFigure,
} from "./peer_figure.ts";

const starts = 20;
const invocations = 500;
const manyInvocations = 10_000;

/** An event that both versions of the original accept. */
const event = JSON.stringify({ args: [], outputs: null });

/** Runs the benchmark. */
export async function benchPeerRuntime(context: PeerBenchContext): Promise<PeerFigure[]> {
  const { rounds, say } = context;
  const runs: Record<Contender, Run[]> = { llama: [], head: [], early: [] };
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    for (const name of contenders) runs[name].push(await run(name, round === 0, context));
  }
  const figure = (
    what: string,
    key: keyof Run,
    format: PeerFigure["format"],
    aim: PeerFigure["aim"],
  ): PeerFigure => {
    const all = contenders.map((name): [string, number] => {
      const values = runs[name].map((each) => each[key]);
      return [name, median(values.filter((value) => value !== undefined))];
    });
    return { what, format, aim, measured: Object.fromEntries(all) };
  };
  const figures = [
    figure("runtime: exec to first request", "start", asMilliseconds, { value: 0.025 }),
    figure("runtime: warm `/bin/true`", "warm", asMilliseconds, { ratio: 0.8 }),
    figure(`runtime: peak memory after ${invocations}`, "peakBytes", asMegabytes, { value: 64e6 }),
    figure(
      `runtime: peak memory after ${manyInvocations.toLocaleString("en")}`,
      "laterPeakBytes",
      asMegabytes,
      { value: 64e6 },
    ),
  ];
  for (const { what, measured, format } of figures) {
    say(`${what}: ${contenders.map((name) => format(measured[name] ?? NaN)).join(", ")}`);
  }
  return figures;
}

interface Run {
  readonly start: number;
  readonly warm: number;
  readonly peakBytes: number;
  readonly laterPeakBytes?: number | undefined;
}

async function run(
  name: Contender,
  toTheEnd: boolean,
  { peers, programs, signal }: PeerBenchContext,
): Promise<Run> {
  await peers.serve(
    name === "llama" ? programs.bootstrap : peers.program(`llama_runtime-${name}`),
  );
  const invoke = async () => {
    signal.throwIfAborted();
    const answer = await peers.invoke("true", event);
    if (/"errorType"|"status":[1-9]/.test(answer)) throw new Error(`${name} responded ${answer}`);
  };
  const start = [];
  for (let index = 0; index < starts; index++) {
    await peers.reset();
    await invoke();
    start.push((await peers.stats()).environments.exec_to_first_next_ms?.p50 ?? NaN);
  }
  await peers.stats(true);
  for (let index = 1; index < invocations; index++) await invoke();
  const { environments } = await peers.stats();
  const peak = ({ list: [first] }: typeof environments) => (first?.VmHWM_kB ?? NaN) * 1024;
  let laterPeakBytes: number | undefined;
  if (toTheEnd) {
    for (let index = invocations; index < manyInvocations; index++) await invoke();
    laterPeakBytes = peak((await peers.stats()).environments);
  }
  return {
    start: median(start) / 1000,
    warm: (environments.next_to_response_ms?.p50 ?? NaN) / 1000,
    peakBytes: peak(environments),
    laterPeakBytes,
  };
}
