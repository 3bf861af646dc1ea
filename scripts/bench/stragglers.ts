/**
 * Measures how long a job that hangs delays its run.
 *
 * @module
 */

import { join } from "node:path";
import { newCounts } from "../../lib/jobs/counts.ts";
import { Llama } from "../../mod.ts";
import type { BenchContext, Figure } from "./figure.ts";

/** The jobs take 1 to 2 s, evenly, so that 90 % of them take at most 1.9 s. */
const [jobs, concurrency, p90Seconds] = [60, 20, 1.9];

/** Runs the benchmark. */
export async function benchStragglers({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  const run = async (hanging: number | undefined) => {
    const marker = join(directory, "hung");
    const sleep =
      `sh -c 'if [ "$0" = ${hanging} ] && mkdir ${marker}; then sleep 300; fi; sleep $1'`;
    await using llama = new Llama({
      local: { functions: directory, commands: [{ name: "work", command: sleep }], concurrency },
      store: "",
    });
    const counts = newCounts();
    const lines = Array.from({ length: jobs }, (_, index) => `${index}`);
    const outcomes = llama.map(
      "work",
      ["{{.Line}}", '1.{{slice (printf "%02s" .Line) 1}}'],
      lines,
      {
        concurrency,
        stragglers: 2,
        counts,
        signal,
      },
    );
    await warmUp(llama);
    const start = performance.now();
    let ok = 0;
    for await (const { record } of outcomes) ok += record.ok ? 1 : 0;
    if (ok !== jobs) throw new Error(`${jobs - ok} jobs failed`);
    const seconds = (performance.now() - start) / 1000;
    say(`${seconds.toFixed(2)} s, ${counts.copies} copies`);
    return { seconds, copies: counts.copies };
  };
  const calm = await run(undefined);
  const helped = await run(10);
  return [{
    what: `${jobs} jobs of 1 to 2 s at \`-j ${concurrency}\`, of which one hangs`,
    measured: `${helped.seconds.toFixed(1)} s, ${helped.copies} copied`,
    beside: `none hangs: ${calm.seconds.toFixed(1)} s`,
    ratio: helped.seconds / (5 * p90Seconds),
    aim: `${5 * p90Seconds} s`,
  }];
}

/** Starts all execution environments: jobs that overlap. */
async function warmUp(llama: Llama): Promise<void> {
  const lines = Array.from({ length: concurrency }, () => "");
  await Array.fromAsync(llama.map("work", ["warm", "3"], lines, { concurrency }));
}
