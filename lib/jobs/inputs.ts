/**
 * Finds input files and encodes them for the wire.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { posix } from "node:path";
import {
  blobConcurrency,
  type BlobSource,
  encodeBlobs,
  type NovelContents,
} from "../store/blob.ts";
import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError, reasonOf } from "../errors.ts";
import { linkFeature, type Sizes } from "../features.ts";
import { type File, newerRequest } from "../protocol.ts";
import { stat } from "../files/quick.ts";
import type { S3Object } from "../store/s3_files.ts";
import { isS3Url } from "../store/s3_url.ts";
import type { ObjectStore } from "../store/store.ts";
import type { Spans } from "../spans.ts";
import type { InputFile } from "./job.ts";
import { fileTurn } from "./open_files.ts";
import { placeOf } from "./paths.ts";

/** A file that exists, or an empty directory. */
interface FoundFile extends Pick<InputFile, "link" | "isDirectory"> {
  readonly remote: string;
  readonly source: BlobSource;
  readonly mode: number | undefined;
  /** If it is an object in S3: its URL, and how it was found. */
  readonly object?: S3Object & { readonly url: string };
}

/** Looks up an object in S3. */
export type FindObject = (url: string) => Promise<S3Object>;

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
  /** Called with the sizes of each stored file. */
  onStored?: ((sizes: Sizes) => void) | undefined;
}

/** The concurrency of `stat`. */
const statConcurrency = 16;

/**
 * Finds files before anything is sent, and reports all problems at once.
 *
 * @param inputs The files; directories are refused.
 * @param shared Shared files by remote path.
 * @param findObject Looks up objects.
 * @returns The files, without duplicates, with size and mode.
 * @throws {LlamaError} `input`, naming each file that cannot be sent, and why.
 */
export async function findInputs(
  inputs: readonly InputFile[],
  shared?: ReadonlyMap<string, InputFile>,
  findObject?: FindObject,
): Promise<FoundFile[]> {
  const looked = await mapConcurrently(
    byName(inputs, shared),
    statConcurrency,
    async (input) => await lookInS3(input, findObject) ?? await look(input),
  );
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

/** Returns an input that is an object in S3; undefined if it is none. */
async function lookInS3(
  { remote, source: url }: InputFile,
  findObject: FindObject | undefined,
): Promise<FoundFile | LlamaError | undefined> {
  if (typeof url !== "string" || !isS3Url(url)) return undefined;
  if (!findObject) throw new TypeError("`findObject` must be given for objects in S3");
  try {
    const object = { ...await findObject(url), url };
    return { remote, source: new Uint8Array(), mode: undefined, object };
  } catch (error) {
    // Others concern more than this object.
    if (error instanceof LlamaError && error.code === "input") return error;
    throw error;
  }
}

async function look(
  { remote, source, isDirectory: isEmptyDirectory = false, ...rest }: InputFile,
): Promise<FoundFile | LlamaError> {
  if (source instanceof Uint8Array) return { remote, source, mode: undefined };
  try {
    const { isFile, isDirectory, size, mode } = await stat(source);
    if (isDirectory && isEmptyDirectory) {
      return { ...rest, remote, source: new Uint8Array(), mode: undefined, isDirectory };
    }
    if (!isFile) return notAFile(source, isDirectory);
    return {
      ...rest,
      remote,
      source: { path: source, size, isFile },
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
  return typeof source === "string" ? placeOf(source) : source;
}

function nameOf(source: InputFile["source"]): string {
  return typeof source === "string" ? JSON.stringify(source) : "generated text";
}

/**
 * Encodes files and standard input for the wire.
 *
 * @param found The files. Where links are accepted, a link is sent instead of what was found by it.
 * @param reservedBytes The size of the rest of the message.
 * @returns The files by remote path, and the standard input.
 * @throws {LlamaError} `input` if a file cannot be read, and as `encodeBlobs`.
 */
export async function encodeInputs(
  found: readonly FoundFile[],
  stdin: BlobSource | undefined,
  reservedBytes: number,
  options: ReadInputsOptions,
): Promise<{ files: Record<string, File>; stdin: File | undefined }> {
  const entries: [string, File][] = [];
  const files = found.filter((file) => {
    const entry = entryOf(file, options.novel);
    if (entry !== undefined) entries.push(entry);
    return entry === undefined && !file.isDirectory;
  });
  const sources = files.map(({ source }) => source);
  if (stdin !== undefined) sources.push(stdin);
  using _turn = await fileTurn(options.signal, Math.min(sources.length, blobConcurrency));
  const names = files.reduce((sum, { remote }) => sum + remote.length * 3 + 24, 0) +
    (entries.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(entries)));
  const blobs = await encodeBlobs(sources, {
    ...options,
    reservedBytes: reservedBytes + names,
  });
  for (const [index, { remote, mode }] of files.entries()) {
    const blob = blobs[index] ?? {};
    entries.push([remote, mode === undefined ? blob : { ...blob, m: mode }]);
  }
  return {
    files: Object.fromEntries(entries),
    stdin: stdin === undefined ? undefined : blobs[files.length],
  };
}

/** Returns what is sent instead of a file: the link by which it was found, or an empty directory. */
function entryOf(
  { remote, link, isDirectory = false, object }: FoundFile,
  { files = [], refusal }: NovelContents = { kinds: [], refusal: newerRequest() },
): [string, File] | undefined {
  // Also to an unknown function: there is no other way, and an older one refuses it.
  if (object) return [remote, { u: object.url, t: object.etag, n: object.size, e: refusal }];
  if (!files.some(({ feature }) => feature === linkFeature)) return undefined;
  if (link !== undefined) return [link.remote, { l: link.target, e: refusal }];
  return isDirectory ? [remote, { d: true, e: refusal }] : undefined;
}

/** Returns the paths of the links among a job's files. */
export function linksOf(files: readonly Pick<InputFile, "link">[]): Set<string> {
  return new Set(files.flatMap(({ link }) => link === undefined ? [] : [link.remote]));
}

/**
 * Reports whether a job names files below a link, which then must be a directory.
 *
 * @param links The paths of the links in the job's directory.
 * @param files The files that the job sends.
 * @param outputs The files and directories that it fetches.
 */
export function passesLink(
  links: ReadonlySet<string>,
  files: readonly Pick<InputFile, "remote" | "link">[],
  outputs: readonly Pick<InputFile, "remote">[] = [],
): boolean {
  if (links.size === 0) return false;
  const paths = [...files.filter(({ link }) => link === undefined), ...outputs]
    .map(({ remote }) => posix.normalize(remote));
  return paths.some((path) => {
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      if (links.has(path.slice(0, slash))) return true;
    }
    return false;
  });
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
  if (path.startsWith("\ufeff")) return "the name begins with a byte order mark (U+FEFF)";
  if (path.endsWith("\n")) return "the name ends in a line feed";
  if (path !== path.trim()) return "the name begins or ends with a space";
  if (/[*?]/.test(path)) {
    return "llama does not expand * and ?; the shell does, unless they are quoted";
  }
  return undefined;
}

/** Returns the error for an input that is a directory, or neither a file nor a directory. */
export function notAFile(path: string, directory: boolean): LlamaError {
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
