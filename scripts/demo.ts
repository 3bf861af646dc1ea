/**
 * The demo: llama at work on this machine, without AWS.
 *
 * @module
 */

import { join, relative } from "node:path";
import { readEnvironment } from "../lib/environment.ts";
import { messageOf } from "../lib/errors.ts";
import { shellQuote } from "../lib/jobs/quote.ts";
import { Interrupted, onInterrupt } from "../lib/terminal/interrupt.ts";
import { makePicture, type Picture, pictureName } from "./pictures.ts";
import { decodePng, samePixels } from "./png.ts";
import { findProgram, root, Shell } from "./shell.ts";

const pictureCount = 151;

const folder = join(root, "demo");
const log = "log.txt";
const results = "optimized";

/** What is done to the pictures. */
interface Plan {
  /** The command line. */
  readonly command: string;
  /** What the person should know before. */
  readonly note?: string;
  /** Whether the pictures are made without compression, which gzip finds nothing to do in. */
  readonly uncompressed: boolean;
  /** The file that a picture's result is in. */
  resultName(name: string): string;
  /** What every result has been found to be. */
  readonly verdict: string;
  /** Says what is wrong with a result, if anything is. */
  check(
    picture: Picture,
    result: Uint8Array<ArrayBuffer>,
  ): string | undefined | Promise<string | undefined>;
}

/** The demo shows that something does not work. */
class DemoError extends Error {}

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const stop = new AbortController();
  using _signals = onInterrupt((interrupted) => stop.abort(interrupted));
  try {
    await demo(stop.signal);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      console.error(`demo: ${error.message}`);
      return error.exitCode;
    }
    console.error(`demo: ${error instanceof DemoError ? error.message : messageOf(error)}`);
    return 1;
  }
}

async function demo(signal: AbortSignal): Promise<void> {
  const environment = readEnvironment();
  const variables = { LLAMA_FUNCTIONS: "../images" };
  await using shell = await Shell.open({ environment, variables, signal });
  const plan = planFor(findProgram("optipng", environment["PATH"]));

  console.log(`Making ${pictureCount} pictures in ${shown()}`);
  const pictures = await makePictures(plan, signal);
  if (plan.note !== undefined) console.log(plan.note);

  console.log(`\n$ cd ${shown()}`);
  console.log(`$ export LLAMA_FUNCTIONS=${variables.LLAMA_FUNCTIONS}`);
  const hello = "llama -local invoke hello world";
  console.log(`$ ${hello}`);
  const { status, stdout } = await shell.run(hello, { cwd: folder });
  await Deno.stdout.write(new TextEncoder().encode(stdout));
  if (status !== 0 || stdout !== "Hello from Amazon Lambda\nReceived args: world\n") {
    throw new DemoError(`that is not what hello should say (exit status ${status})`);
  }

  console.log(`$ ${plan.command}`);
  const { status: xargsStatus, elapsedMilliseconds } = await withProgress(
    () => shell.run(plan.command, { cwd: folder, log }),
  );
  if (xargsStatus !== 0) throw new DemoError(`exit status ${xargsStatus}\n${await endOfLog()}`);
  await report(plan, pictures, elapsedMilliseconds);
}

/** The README's command, as near to it as this machine allows. */
function planFor(optipng: string | undefined): Plan {
  const xargs = `xargs -logs -j ${pictureCount}`;
  if (optipng === undefined) {
    return {
      command: `ls -1 *.png | llama -local -function sh='sh -c' ${xargs} sh ` +
        `'gzip -9 < {{.I .Line}} > {{.O (printf "${results}/%s.gz" .Line)}}'`,
      note: "optipng is not installed, so gzip -9 does the work, on pictures without compression",
      uncompressed: true,
      resultName: (name) => `${name}.gz`,
      verdict: "every result unpacks to the same bytes, and none is larger",
      check: checkGzip,
    };
  }
  // images/optipng/function.json names the place where distributions put it.
  const usual = "/usr/bin/optipng";
  const elsewhere = optipng !== usual && findProgram("optipng", "/usr/bin") === undefined;
  const named = elsewhere ? ` -function ${shellQuote([`optipng=${shellQuote([optipng])}`])}` : "";
  return {
    command: `ls -1 *.png | llama -local${named} ${xargs} optipng ` +
      `'{{.I .Line}}' -out '{{.O (printf "${results}/%s" .Line)}}'`,
    uncompressed: false,
    resultName: (name) => name,
    verdict: "every result is a valid PNG with the same pixels, and none is larger",
    check: checkPng,
  };
}

async function makePictures(plan: Plan, signal: AbortSignal): Promise<Picture[]> {
  await Deno.mkdir(join(folder, results), { recursive: true });
  await removeOld(folder);
  await removeOld(join(folder, results));
  // Without compression a picture of the same size would be ten times the bytes.
  const size = plan.uncompressed ? { minSize: 200, maxSize: 300 } : {};
  const pictures = [];
  for (let index = 0; index < pictureCount; index++) {
    signal.throwIfAborted();
    const picture = makePicture(index, { ...size, uncompressed: plan.uncompressed });
    await Deno.writeFile(join(folder, picture.name), picture.bytes);
    pictures.push(picture);
  }
  return pictures;
}

/** Removes what an earlier run made, and nothing else. */
async function removeOld(directory: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(directory)) {
    const ours = name === log || pictureName.test(name.replace(/\.gz$/, ""));
    if (isFile && ours) await Deno.remove(join(directory, name));
  }
}

async function report(
  plan: Plan,
  pictures: readonly Picture[],
  elapsedMilliseconds: number,
): Promise<void> {
  const wrong: string[] = [];
  let before = 0;
  let after = 0;
  for (const picture of pictures) {
    const result = await readIfThere(join(folder, results, plan.resultName(picture.name)));
    const problem = result ? await problemOf(plan, picture, result) : "there is no result";
    if (problem !== undefined) wrong.push(`${picture.name}: ${problem}`);
    before += picture.bytes.length;
    after += result?.length ?? 0;
  }
  const logged = (await Deno.readTextFile(join(folder, log))).split("\n").length - 1;
  if (wrong.length > 0) {
    const more = wrong.length > 10 ? [`and ${wrong.length - 10} more`] : [];
    const list = [...wrong.slice(0, 10), ...more].join("\n  ");
    throw new DemoError(
      `${wrong.length} of ${pictures.length} results are wrong; the log is in ${
        shown(log)
      }\n  ${list}`,
    );
  }
  const saved = before - after;
  console.log(`
${pictures.length} jobs ran in ${(elapsedMilliseconds / 1000).toFixed(1)} s, and ${plan.verdict}
${kilobytes(before)} became ${kilobytes(after)}: ${kilobytes(saved)} saved, ${
    Math.round(100 * saved / before)
  } %
The results are in ${shown(results)}, what the jobs logged (${logged} lines) is in ${shown(log)}`);
}

async function problemOf(
  plan: Plan,
  picture: Picture,
  result: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  if (result.length > picture.bytes.length) {
    return `${result.length} bytes, and the original has ${picture.bytes.length}`;
  }
  try {
    return await plan.check(picture, result);
  } catch (error) {
    return messageOf(error);
  }
}

function checkPng(picture: Picture, result: Uint8Array): string | undefined {
  const same = samePixels(decodePng(picture.bytes), decodePng(result));
  return same ? undefined : "its pixels have changed";
}

async function checkGzip(
  picture: Picture,
  result: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  const unpacked = new Blob([result]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(unpacked).bytes();
  const same = bytes.length === picture.bytes.length &&
    bytes.every((byte, index) => byte === picture.bytes[index]);
  return same ? undefined : "it unpacks to something else";
}

/** Counts the results on a terminal while work goes on. */
async function withProgress<T>(work: () => Promise<T>): Promise<T> {
  if (!Deno.stderr.isTerminal()) return await work();
  const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  const timer = setInterval(() => {
    const count = [...Deno.readDirSync(join(folder, results))].length;
    say(`${count} of ${pictureCount}`);
  }, 200);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    say("");
  }
}

async function endOfLog(): Promise<string> {
  const lines = (await Deno.readTextFile(join(folder, log))).trimEnd().split("\n");
  return [...lines.slice(-10).map((line) => `  ${line}`), `all of it is in ${shown(log)}`].join(
    "\n",
  );
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A file of the demo as it is reached from where the person is. */
function shown(name = ""): string {
  return relative(Deno.cwd(), join(folder, name)) || ".";
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000).toLocaleString("en")} kB`;
}
