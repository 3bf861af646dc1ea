/**
 * Regenerates the pictures of docs/report.md: Chromium's screenshots of the reports of two runs of
 * llama from this checkout.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { readEnvironment } from "../lib/environment.ts";
import { Browser, type PageOptions } from "./browser.ts";
import { makePicture } from "./pictures.ts";
import { findProgram, quote, root, Shell } from "./shell.ts";
import { startThrottle } from "./throttled_lambda.ts";

const pictureCount = 151;
const stubJobs = 10_000;

/** The variants of each picture, with the height to capture in CSS pixels. */
const looks: readonly [name: string, options: PageOptions, height: number][] = [
  ["light", { width: 1200, height: 900 }, 1180],
  ["dark", { width: 1200, height: 900, dark: true }, 1180],
  ["phone", { width: 390, height: 844, mobile: true }, 1340],
];

if (import.meta.main) {
  const environment = readEnvironment();
  const chromium = ["chromium", "chromium-browser", "google-chrome"]
    .map((name) => findProgram(name, environment["PATH"]))
    .find((path) => path !== undefined);
  if (chromium === undefined) throw new Error("chromium is not on PATH");
  const directory = await Deno.makeTempDir({ prefix: "llama-report-" });
  const pages = [await optimizePictures(directory), await runStubJobs(directory)];
  await using browser = await Browser.open(chromium);
  await Deno.mkdir(join(root, "docs/report"), { recursive: true });
  for (const { name, path } of pages) {
    for (const [look, options, height] of looks) {
      const milliseconds = await browser.show(pathToFileURL(path).href, options);
      const file = join(root, "docs/report", `${name}-${look}.png`);
      await Deno.writeFile(file, await browser.picture(height));
      await shrink(file);
      console.log(
        `${file}: ${(await Deno.stat(file)).size} bytes; loaded in ${milliseconds.toFixed(0)} ms`,
      );
    }
  }
  console.log(`the reports are in ${directory}`);
}

interface Page {
  readonly name: string;
  readonly path: string;
}

/** Runs the README's example on this machine. */
async function optimizePictures(directory: string): Promise<Page> {
  for (let index = 0; index < pictureCount; index++) {
    const size = { minSize: 220, maxSize: 280 };
    const { name, bytes } = makePicture(index * 6 + 5, size);
    await Deno.writeFile(join(directory, name), bytes);
  }
  const line = `ls -1 *.png | llama -local xargs -report pictures.html -j ${pictureCount} ` +
    `optipng -o2 '{{.I .Line}}' -out '{{.O (printf "optimized/%s" .Line)}}'`;
  return await run("pictures", line, directory, { LLAMA_FUNCTIONS: join(root, "images") });
}

/** Runs many short jobs in an account that allows fewer at once than are sent. */
async function runStubJobs(directory: string): Promise<Page> {
  await using lambda = startThrottle();
  const line = `seq ${stubJobs} | llama xargs -report throttled.html -j 512 ` +
    `resize -width 320 photo-{{.Line}}.jpg`;
  return await run("throttled", line, directory, lambda.environment);
}

async function run(
  name: string,
  line: string,
  directory: string,
  variables: Readonly<Record<string, string>>,
): Promise<Page> {
  console.log(`$ ${line}`);
  await using shell = await Shell.open({ environment: readEnvironment(), variables });
  await shell.run(line, { cwd: directory, log: `${name}.log` });
  return { name, path: join(directory, `${name}.html`) };
}

/** Optimizes a picture losslessly if optipng is installed. */
async function shrink(file: string): Promise<void> {
  await using shell = await Shell.open({ environment: readEnvironment() });
  await shell.run(`optipng -quiet -o2 ${quote(file)}`, { cwd: dirname(file), log: "/dev/null" });
}
