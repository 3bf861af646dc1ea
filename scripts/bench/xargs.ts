/**
 * Compares `llama -local xargs` with `xargs -P`, on the same program, files and concurrency.
 *
 * @module
 */

import { join } from "node:path";
import { readEnvironment } from "../../lib/environment.ts";
import { makePicture } from "../pictures.ts";
import { findProgram, quote, root, Shell } from "../shell.ts";
import { type BenchContext, type Figure, median } from "./figure.ts";

/** The number of files of the README's job. */
export const fileCount = 151;
const rounds = 5;

/** Runs the benchmark. */
export async function benchXargs({ directory, signal, say }: BenchContext): Promise<Figure[]> {
  const environment = readEnvironment();
  const variables = { LLAMA_FUNCTIONS: join(root, "images") };
  await using shell = await Shell.open({ environment, variables, signal });
  const optipng = findProgram("optipng", environment["PATH"]);
  await makeFiles(directory, optipng === undefined);
  const processors = navigator.hardwareConcurrency;
  const { program, llama, xargs } = commandLines(optipng, processors);

  const times = { llama: new Array<number>(), xargs: new Array<number>() };
  const run = async (name: keyof typeof times, line: string) => {
    await Deno.remove(join(directory, "out"), { recursive: true }).catch(() => {});
    await Deno.mkdir(join(directory, "out"));
    const { status, elapsedMilliseconds } = await shell.run(line, { cwd: directory, log: "log" });
    const made = [...Deno.readDirSync(join(directory, "out"))].length;
    if (status !== 0 || made !== fileCount) {
      throw new Error(`${name}: exit status ${status}, ${made} results; see ${directory}/log`);
    }
    times[name].push(elapsedMilliseconds / 1000);
    say(`${name}: ${(elapsedMilliseconds / 1000).toFixed(2)} s`);
  };
  for (let round = 0; round < rounds; round++) {
    // They take turns at going first, so that other load on the machine affects both.
    const order = [["llama", llama], ["xargs", xargs]] as const;
    for (const [name, line] of round % 2 === 0 ? order : order.toReversed()) await run(name, line);
  }
  const [withLlama, withXargs] = [median(times.llama), median(times.xargs)];
  // The ratio of adjacent runs, so that a slow minute of the machine affects both.
  const ratio = median(times.llama.map((time, round) => time / (times.xargs[round] ?? NaN)));
  const jobSeconds = (withXargs * processors / fileCount).toFixed(2);
  return [{
    what: `\`-local xargs\`, ${fileCount} files, ${program}, ${jobSeconds} s per job`,
    measured: `${withLlama.toFixed(2)} s`,
    beside: `\`xargs -P ${processors}\`: ${withXargs.toFixed(2)} s`,
    ratio,
    aim: "1.10",
  }];
}

/** Pictures with many colors, each of which takes the program more than a tenth of a second. */
export async function makeFiles(directory: string, uncompressed: boolean): Promise<void> {
  const size = uncompressed ? { minSize: 640, maxSize: 800 } : { minSize: 220, maxSize: 280 };
  for (let index = 0; index < fileCount; index++) {
    // Every sixth is marble, which has the most colors.
    const { name, bytes } = makePicture(index * 6 + 5, { ...size, uncompressed });
    await Deno.writeFile(join(directory, name), bytes);
  }
}

/** Returns the README's job as command lines, with further flags of `llama xargs`. */
export function commandLines(optipng: string | undefined, processors: number, flags = "") {
  const llama = `ls -1 *.png | llama -local`;
  const xargs = `ls -1 *.png | xargs -P ${processors} -I{}`;
  if (optipng === undefined) {
    return {
      program: "`gzip -9`",
      llama: `${llama} -function sh='sh -c' xargs ${flags} -j ${fileCount} sh ` +
        `'gzip -9 < {{.I .Line}} > {{.O (printf "out/%s" .Line)}}'`,
      xargs: `${xargs} sh -c 'gzip -9 < {} > out/{}'`,
    };
  }
  return {
    program: "`optipng -o2`",
    llama:
      `${llama} -function optipng=${
        quote(quote(optipng))
      } xargs ${flags} -j ${fileCount} optipng ` +
      `-o2 '{{.I .Line}}' -out '{{.O (printf "out/%s" .Line)}}'`,
    xargs: `${xargs} ${quote(optipng)} -o2 {} -out out/{}`,
  };
}
