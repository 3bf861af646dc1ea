/**
 * Measures the README's job again, with kept results.
 *
 * @module
 */

import { join } from "node:path";
import { readEnvironment } from "../../lib/environment.ts";
import { findProgram, root, Shell } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";
import { commandLines, fileCount, makeFiles } from "./xargs.ts";

const rounds = 5;

/** The most that the job may take again, in seconds. */
const aimSeconds = 1.5;

/** Runs the benchmark. */
export async function benchCache({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  const environment = readEnvironment();
  const variables = { LLAMA_FUNCTIONS: join(root, "images"), LLAMA_DIR: join(directory, "llama") };
  await using shell = await Shell.open({ environment, variables, signal });
  const optipng = findProgram("optipng", environment["PATH"]);
  await makeFiles(directory, optipng === undefined);
  const processors = navigator.hardwareConcurrency;
  const run = async (flag: string) => {
    const { program, llama } = commandLines(optipng, processors, flag);
    await Deno.remove(join(directory, "out"), { recursive: true }).catch(() => {});
    const { status, elapsedMilliseconds } = await shell.run(llama, { cwd: directory, log: "log" });
    const made = [...Deno.readDirSync(join(directory, "out"))].length;
    if (status !== 0 || made !== fileCount) {
      throw new Error(`${flag}: exit status ${status}, ${made} results; see ${directory}/log`);
    }
    say(`${flag}: ${(elapsedMilliseconds / 1000).toFixed(2)} s`);
    return { program, seconds: elapsedMilliseconds / 1000 };
  };
  const first = await run("-cache");
  const again: number[] = [];
  // Fails if a job would have to run.
  for (let round = 0; round < rounds; round++) again.push((await run("-cache-only")).seconds);
  return [{
    what: `\`-local xargs -cache\`, ${fileCount} files, ${first.program}, again: no invocation`,
    measured: `${median(again).toFixed(2)} s`,
    beside: `the first time: ${first.seconds.toFixed(2)} s`,
    ratio: median(again) / aimSeconds,
    aim: `${aimSeconds} s`,
  }];
}
