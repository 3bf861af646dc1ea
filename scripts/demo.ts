/**
 * A demo of llama on this machine, without AWS.
 *
 * @module
 */

import { join, relative } from "node:path";
import { readEnvironment } from "../lib/environment.ts";
import { messageOf } from "../lib/errors.ts";
import { shellQuote } from "../lib/text/shell_quote.ts";
import { Interrupted, onInterrupt } from "../lib/terminal/interrupt.ts";
import { makePicture, type Picture, pictureName } from "./pictures.ts";
import { decodePng, samePixels } from "./png.ts";
import { findProgram, root, Shell } from "./shell.ts";

const pictureCount = 151;

const folder = join(root, "demo");
const log = "log.txt";
const results = "optimized";

/** The processing of the pictures. */
interface Plan {
  /** The command line. */
  readonly command: string;
  /** A note to print before it. */
  readonly note?: string;
  /** Whether the pictures are uncompressed, so that gzip can shrink them. */
  readonly uncompressed: boolean;
  /** Returns the name of the result for a picture. */
  resultName(name: string): string;
  /** The message if all results are correct. */
  readonly verdict: string;
  /** Returns what is wrong with a result, if anything. */
  check(
    picture: Picture,
    result: Uint8Array<ArrayBuffer>,
  ): string | undefined | Promise<string | undefined>;
}

/** A failure of llama that the demo detected. */
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
    throw new DemoError(`unexpected output of hello (exit status ${status})`);
  }

  console.log(`$ ${plan.command}`);
  const { status: xargsStatus, elapsedMilliseconds } = await withProgress(
    () => shell.run(plan.command, { cwd: folder, log }),
  );
  if (xargsStatus !== 0) throw new DemoError(`exit status ${xargsStatus}\n${await endOfLog()}`);
  await report(plan, pictures, elapsedMilliseconds);
}

/** Returns the README's command, or a similar one if optipng is not installed. */
function planFor(optipng: string | undefined): Plan {
  const xargs = `xargs -logs -j ${pictureCount}`;
  if (optipng === undefined) {
    return {
      command: `ls -1 *.png | llama -local -function sh='sh -c' ${xargs} sh ` +
        `'gzip -9 < {{.I .Line}} > {{.O (printf "${results}/%s.gz" .Line)}}'`,
      note: "optipng is not installed: using gzip -9 on uncompressed pictures instead",
      uncompressed: true,
      resultName: (name) => `${name}.gz`,
      verdict: "every result decompresses to the original bytes, and none is larger",
      check: checkGzip,
    };
  }
  // images/optipng/function.json has the path that distributions use.
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
  // Uncompressed, a picture of the same size would have ten times the bytes.
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

/** Removes the files of an earlier run, and nothing else. */
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
    const problem = result ? await problemOf(plan, picture, result) : "the result is missing";
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
    return `${result.length} bytes, more than the original's ${picture.bytes.length}`;
  }
  try {
    return await plan.check(picture, result);
  } catch (error) {
    return messageOf(error);
  }
}

function checkPng(picture: Picture, result: Uint8Array): string | undefined {
  const same = samePixels(decodePng(picture.bytes), decodePng(result));
  return same ? undefined : "its pixels differ from the original's";
}

async function checkGzip(
  picture: Picture,
  result: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  const unpacked = new Blob([result]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(unpacked).bytes();
  const same = bytes.length === picture.bytes.length &&
    bytes.every((byte, index) => byte === picture.bytes[index]);
  return same ? undefined : "it decompresses to something else";
}

/** Shows the number of results on a terminal while `work` runs. */
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
  return [...lines.slice(-10).map((line) => `  ${line}`), `the full log is ${shown(log)}`].join(
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

/** Returns the path of one of the demo's files relative to the current directory. */
function shown(name = ""): string {
  return relative(Deno.cwd(), join(folder, name)) || ".";
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000).toLocaleString("en")} kB`;
}
