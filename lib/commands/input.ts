/**
 * The input lines of a run.
 *
 * @module
 */

import { LlamaError, reasonOf } from "../errors.ts";
import type { FlagValues } from "../cli/flags.ts";
import type { Llama } from "../llama.ts";
import { isS3Url, parseS3Url } from "../store/s3_url.ts";
import { combinations, type Line, type WordList } from "../jobs/job_input.ts";
import { readLines } from "../jobs/lines.ts";
import type { xargsFlags } from "./spec/xargs.ts";

/** Sources of lines besides a file. */
export interface InputSources {
  /** The lists after `:::` on the command line. */
  readonly lists: readonly WordList[] | undefined;
  /** Opens standard input; called only if it is read. */
  readonly stdin: () => ReadableStream<Uint8Array>;
  /** Tells the user about an input that looks wrong. */
  readonly onNotice: (message: string, hint: string) => void;
  /** Opens the connection; called only if the lines come from S3. */
  readonly s3: () => Promise<Pick<Llama, "listObjects" | "openObject">>;
  /** Stops reading. */
  readonly signal: AbortSignal;
}

/**
 * Returns the name of the input file.
 *
 * @param name The value of `-a`.
 * @returns An empty string for standard input, which `-` names too.
 */
export function inputName(name: string): string {
  return name === "-" ? "" : name;
}

/**
 * Opens the input that a command line names.
 *
 * @returns The lines, read on demand.
 * @throws {LlamaError} `input` if the file cannot be read.
 */
export async function openInput(
  values: Pick<FlagValues<typeof xargsFlags>, "a" | "a-as" | "d" | "0">,
  sources: InputSources,
): Promise<Iterable<Line> | AsyncIterable<Line>> {
  const { lists, stdin, onNotice, signal } = sources;
  const { "a-as": form } = values;
  if (form !== "auto" && !isS3Url(values.a)) {
    throw new LlamaError("usage", `-a-as ${form} is about objects in S3`, {
      hint: "add -a s3://BUCKET/..., or omit it",
    });
  }
  if (lists !== undefined) return combinations(lists);
  const isListed = form === "prefix" ||
    (form === "auto" && isS3Url(values.a) && /\/$|[*?]/.test(values.a));
  if (isListed && (values["0"] || values.d !== undefined)) {
    throw new LlamaError("usage", `-a ${values.a} lists objects, which have no delimiter`, {
      hint: "omit -0 and -d",
    });
  }
  if (isListed) return listed(values.a, form === "prefix", sources);
  const delimiter = values["0"] ? 0 : values.d ?? 10;
  const path = inputName(values.a);
  const input = path === ""
    ? stdin()
    : isS3Url(path)
    ? await (await sources.s3()).openObject(path, signal)
    : await openFile(path);
  return checkBeginning(readLines(input, { delimiter, signal }), onNotice);
}

/**
 * Lists objects as lines, without those that stand for directories.
 *
 * @param url A prefix that ends in `/`, or a pattern.
 * @param isPrefix Whether it is a prefix whatever its characters are.
 */
async function* listed(
  url: string,
  isPrefix: boolean,
  { s3, onNotice, signal }: InputSources,
): AsyncGenerator<string, void, undefined> {
  parseS3Url(url);
  const [prefix = url] = isPrefix ? [] : url.split(/[*?]/, 1);
  const pattern = isPrefix ? undefined : patternOf(url);
  let isEmpty = true;
  for await (const page of (await s3()).listObjects(prefix, signal)) {
    for (const { url, size } of page) {
      if (pattern?.test(url) === false || (url.endsWith("/") && size === 0)) continue;
      isEmpty = false;
      yield url;
    }
  }
  if (!isEmpty) return;
  const hint = isPrefix
    ? "with -a-as prefix, * and ? stand for themselves"
    : "a pattern has * and ?; a prefix ends in /; -a-as lines reads one object";
  onNotice(`no objects: ${url}`, hint);
}

/** Returns what matches the URLs that a prefix or a pattern means: `*` matches `/`, too. */
function patternOf(url: string): RegExp {
  const pattern = Array.from(url, (char) => {
    if (char === "*") return ".*";
    return char === "?" ? "." : RegExp.escape(char);
  });
  return new RegExp(`^${pattern.join("")}${url.endsWith("/") ? "" : "$"}`, "su");
}

/** Tells the user about a byte order mark, which is invisible where a name with it is not found. */
async function* checkBeginning(
  lines: AsyncGenerator<string, void, undefined>,
  onNotice: InputSources["onNotice"],
): AsyncGenerator<string, void, undefined> {
  const { value: first, done } = await lines.next();
  if (done) return;
  if (first.startsWith("\ufeff")) {
    onNotice(
      "line 1 begins with a byte order mark (U+FEFF), which is part of the line",
      String.raw`remove it with sed '1s/^\xef\xbb\xbf//'`,
    );
  } else if (/^(\udcff\udcfe|\udcfe\udcff)/.test(first)) {
    onNotice("the input is encoded as UTF-16", "convert it with iconv -f UTF-16 -t UTF-8");
  }
  yield first;
  yield* lines;
}

async function openFile(path: string): Promise<ReadableStream<Uint8Array>> {
  try {
    const file = await Deno.open(path);
    const { isDirectory } = await file.stat();
    if (!isDirectory) return file.readable;
    file.close();
    throw new Deno.errors.IsADirectory();
  } catch (cause) {
    throw new LlamaError("input", `cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}
