/**
 * Measures `llama update-function -program`: from the command to the function, with moto as the account
 * and Docker's registry on this machine.
 *
 * @module
 */

import { needs, Programs } from "../../tests/images/programs.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

const rounds = 3;

/** A directory of this size shows whether memory grows with what is packed. */
const bigBytes = 3e9;

/** Runs the benchmark. */
export async function benchPrograms({ signal, say }: BenchContext): Promise<Figure[]> {
  const missing = needs.filter((name) => !Deno.env.get(name));
  if (missing.length > 0) {
    say(`skipped: set ${missing.join(", ")}, as .ci/run does`);
    return [];
  }
  await using programs = await Programs.open();
  const first: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    // A file of its own makes each round's image new, but for the layers that it shares.
    const data = await programs.add(`round-${round}`, `${round}`);
    const args = ["-create", "-program", "optipng", "-include", data, `f${round}`];
    first.push(await seconds(() => programs.ok(...args)));
    again.push(await seconds(() => programs.ok(...args)));
  }
  say(`first: ${median(first).toFixed(2)} s; again: ${median(again).toFixed(2)} s`);
  const megabytes = await peakOfBig(programs) / 1e6;
  return [
    {
      what: '`update-function -create -program optipng`, to "created"',
      measured: `${(first[0] ?? NaN).toFixed(2)} s`,
      beside: `packages sent before: ${median(first.slice(1)).toFixed(2)} s`,
      ratio: (first[0] ?? NaN) / 5,
      aim: "5 s",
    },
    {
      what: "the same again: nothing is sent",
      measured: `${median(again).toFixed(2)} s`,
      ratio: median(again) / 2,
      aim: "2 s",
    },
    {
      what: "its peak memory with an included file of 3 GB",
      measured: `${Math.round(megabytes)} MB`,
      ratio: megabytes / 250,
      aim: "250 MB",
    },
  ];
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Peak resident bytes of llama while it packs a large file; a sparse one, which compresses well. */
async function peakOfBig(programs: Programs): Promise<number> {
  const path = await programs.add("big", "");
  await Deno.truncate(path, bigBytes);
  const args = ["update-function", "-registry", `${programs.registry.host}/llama`]
    .concat(["-runtime", programs.runtime, "-create", "-minimal", "-program", "optipng"])
    .concat(["-include", path, "big"]);
  const child = programs.start(args, {
    environment: { ...programs.variables, PATH: "/usr/bin:/bin" },
  });
  await child.stdin.close();
  // Both are read to the end: a llama whose standard output is closed ends.
  const [output] = [new Response(child.stderr).text(), new Response(child.stdout).text()];
  let peak = 0;
  let hasEnded = false;
  const ended = child.status.then(() => hasEnded = true);
  while (!hasEnded) {
    peak = Math.max(peak, await residentPeak(child.pid));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  if (!(await child.status).success) throw new Error(await output);
  return peak;
}

async function residentPeak(pid: number): Promise<number> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    // It has ended.
    return 0;
  }
}
