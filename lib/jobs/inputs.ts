/**
 * Finds input files and encodes them for the wire.
 *
 * @module
 */

import { join, posix, resolve, sep } from "node:path";
import {
  blobConcurrency,
  type BlobSource,
  encodeBlobs,
  type NovelContents,
  sizeOf,
} from "../store/blob.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import type { File } from "../protocol.ts";
import { stat } from "../files/quick.ts";
import type { ObjectStore } from "../store/store.ts";
import { listDirectory, notUtf8 } from "../system/list.ts";
import { printableLine } from "../text/printable.ts";
import type { Spans } from "../spans.ts";
import type { InputFile } from "./job.ts";
import { fileTurn } from "./open_files.ts";

/** A file that exists. */
interface FoundFile {
  readonly remote: string;
  readonly source: BlobSource;
  readonly mode: number | undefined;
}

/** Options for {@linkcode encodeInputs}. */
export interface ReadInputsOptions {
  /** The store for big files. */
  store: ObjectStore | undefined;
  /** The maximum size of inline files. @default {1 MiB} */
  budgetBytes?: number;
  /** Kinds of content that the function accepts. @default {none} */
  novel?: NovelContents | undefined;
  /** Ends the work early. */
  signal?: AbortSignal | undefined;
  /** Receives the spans of stored files. */
  spans?: Spans | undefined;
}

/** The concurrency of `stat`. */
const statConcurrency = 16;

/**
 * Finds files before anything is sent, and reports all problems at once.
 *
 * @param inputs The files; directories are refused.
 * @param shared Shared files by remote path.
 * @returns The files, without duplicates, with size and mode.
 * @throws {LlamaError} `input`, naming each file that cannot be sent, and why.
 */
export async function findInputs(
  inputs: readonly InputFile[],
  shared?: ReadonlyMap<string, InputFile>,
): Promise<FoundFile[]> {
  const looked = await mapConcurrently(byName(inputs, shared), statConcurrency, look);
  const failures = looked.filter((each) => each instanceof LlamaError);
  const [first] = failures;
  if (first) {
    throw failures.length === 1 ? first : new LlamaError(
      "input",
      failures.map((failure) => failure.message).join("; "),
      { cause: first, hint: first.hint },
    );
  }
  return looked.flatMap((each) => each instanceof LlamaError ? [] : [each]);
}

async function look({ remote, source }: InputFile): Promise<FoundFile | LlamaError> {
  if (source instanceof Uint8Array) return { remote, source, mode: undefined };
  try {
    const { isFile, isDirectory, size, mode } = await stat(source);
    if (!isFile) return notAFile(source, isDirectory);
    return {
      remote,
      source: { path: source, size },
      mode: mode === null ? undefined : mode & 0o777,
    };
  } catch (cause) {
    return cannotSend(source, cause);
  }
}

/** Removes duplicates, since `-f` and templates may name the same file; refuses two files of one name. */
function byName(
  inputs: readonly InputFile[],
  shared?: ReadonlyMap<string, InputFile>,
): readonly InputFile[] {
  const files = new Map<string, InputFile>();
  for (const input of inputs) {
    const { remote, source } = input;
    const before = (files.get(remote) ?? shared?.get(remote) ?? input).source;
    if (before !== source && pathOf(before) !== pathOf(source)) {
      throw new LlamaError(
        "input",
        `cannot send two files as ${JSON.stringify(remote)}: ${nameOf(before)} and ${
          nameOf(source)
        }`,
        { hint: "give one of them another name in the job's directory with -f LOCAL:REMOTE" },
      );
    }
    files.set(remote, input);
  }
  return [...files.values()];
}

function pathOf(source: InputFile["source"]): string | Uint8Array {
  return typeof source === "string" ? resolve(source) : source;
}

function nameOf(source: InputFile["source"]): string {
  return typeof source === "string" ? JSON.stringify(source) : "generated text";
}

/**
 * Encodes files and standard input for the wire.
 *
 * @param reservedBytes The size of the rest of the message.
 * @returns The files by remote path, the standard input, and how many of their bytes are in the store
 * rather than in the message.
 * @throws {LlamaError} `input` if a file cannot be read, and as `encodeBlobs`.
 */
export async function encodeInputs(
  files: readonly FoundFile[],
  stdin: BlobSource | undefined,
  reservedBytes: number,
  options: ReadInputsOptions,
): Promise<{ files: Record<string, File>; stdin: File | undefined; storedBytes: number }> {
  const sources = files.map(({ source }) => source);
  if (stdin !== undefined) sources.push(stdin);
  using _turn = await fileTurn(options.signal, Math.min(sources.length, blobConcurrency));
  const names = files.reduce((sum, { remote }) => sum + remote.length * 3 + 24, 0);
  const blobs = await encodeBlobs(sources, {
    ...options,
    reservedBytes: reservedBytes + names,
  });
  const entries = files.map(({ remote, mode }, index): [string, File] => [remote, {
    ...blobs[index],
    ...(mode === undefined ? {} : { m: mode }),
  }]);
  return {
    files: Object.fromEntries(entries),
    stdin: stdin === undefined ? undefined : blobs[files.length],
    storedBytes: sources.reduce(
      (sum, source, index) => blobs[index]?.r === undefined ? sum : sum + sizeOf(source),
      0,
    ),
  };
}

/**
 * Expands the mappings of `-f`: a directory becomes all regular files below it. Links in a directory
 * are followed if they stay in it.
 *
 * @returns One entry per file, including files that do not exist.
 * @throws {LlamaError} `input`, naming the files of a directory that cannot be sent.
 */
export async function expandInputs(
  mappings: readonly { local: string; remote: string }[],
): Promise<InputFile[]> {
  const inputs = [];
  for (const { local, remote } of mappings) {
    // `findInputs` reports missing files, all at once.
    const directory = await isDirectory(local);
    // Cleaned as in templates, so that a file that both name is sent once.
    const prefix = posix.normalize(remote).replace(/\/+$/, "");
    if (!directory) {
      inputs.push({ remote: prefix, source: local });
      continue;
    }
    const top = await Deno.realPath(local);
    const unsendable: string[] = [];
    for await (const path of walk({ root: local, top, unsendable }, [top])) {
      inputs.push({
        remote: prefix === "." ? path : `${prefix}/${path}`,
        source: join(local, path),
      });
    }
    if (unsendable.length > 0) {
      throw new LlamaError("input", `cannot send ${notUtf8(unsendable)}`, {
        hint: "rename these files: names of files must be UTF-8",
      });
    }
  }
  return inputs;
}

/** A directory to walk. */
interface Walk {
  /** The directory, as given by the user. */
  readonly root: string;
  /** Its real path. */
  readonly top: string;
  /** Receives the files whose names are not UTF-8. */
  readonly unsendable: string[];
}

/** Yields the relative paths of the regular files below a directory, sorted by name. */
async function* walk(
  context: Walk,
  trail: readonly string[],
  below = "",
): AsyncGenerator<string> {
  const { root, top, unsendable } = context;
  for (const { name, shown, kind } of reading(join(root, below), listDirectory)) {
    if (name === undefined) {
      unsendable.push(`${printableLine(join(root, below))}/${shown}`);
      continue;
    }
    const path = below === "" ? name : `${below}/${name}`;
    const full = join(root, path);
    const real = kind === "link" ? await followLink(full, top) : join(trail.at(-1) ?? top, name);
    const { isFile, isDirectory } = await Deno.stat(full);
    if (isFile) yield path;
    else if (!isDirectory) throw notAFile(full, false);
    else if (trail.includes(real)) {
      throw new LlamaError(
        "input",
        `cannot send ${full}: the link points to a directory that contains it`,
        { hint: "remove the link, or send the other files one by one with -f" },
      );
    } else yield* walk(context, [...trail, real], path);
  }
}

function reading<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (cause) {
    throw cannotSend(path, cause);
  }
}

async function followLink(path: string, top: string): Promise<string> {
  let real;
  try {
    real = await Deno.realPath(path);
  } catch (cause) {
    throw new LlamaError("input", `cannot send ${path}: the link is broken`, {
      cause,
      hint: "remove the link, or create its target",
    });
  }
  if (real !== top && !real.startsWith(top + sep)) {
    throw new LlamaError("input", `cannot send ${path}: the link points outside the directory`, {
      hint: "send its target with another -f",
    });
  }
  return real;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

/**
 * Returns the error for an input that cannot be read.
 *
 * @param path The file.
 * @param cause The file system's error.
 * @returns The error, with a hint if the name looks wrong.
 */
export function cannotSend(path: string, cause: unknown): LlamaError {
  return new LlamaError("input", `cannot read ${JSON.stringify(path)}: ${reasonOf(cause)}`, {
    cause,
    hint: cause instanceof Deno.errors.NotFound ? nameHint(path) : undefined,
  });
}

/** Returns a hint about common mistakes in the name of a missing file. */
function nameHint(path: string): string | undefined {
  if (path.endsWith("\r")) return "the name ends in a carriage return, which tr -d '\\r' removes";
  if (path !== path.trim()) return "the name begins or ends with a space";
  if (/[*?]/.test(path)) {
    return "llama does not expand * and ?; the shell does, unless they are quoted";
  }
  return undefined;
}

function notAFile(path: string, directory: boolean): LlamaError {
  return new LlamaError(
    "input",
    `cannot send ${JSON.stringify(path)}: ${
      directory ? "is a directory" : "is not a regular file"
    }`,
    {
      hint: directory
        ? `send a directory with -f ${path}`
        : "write its contents to a file first, or send them with -stdin",
    },
  );
}
