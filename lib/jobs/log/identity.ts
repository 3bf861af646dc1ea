/**
 * The identity of a job, a hash in the job log: a resumed run skips only identical jobs.
 *
 * The command alone is not enough: `{{.AsFile .Line}}` is `llama/tmp.0` in every job.
 *
 * @module
 */

import { mapConcurrently } from "../../async/concurrency.ts";
import { hashFile, sha256 } from "../../files/hash.ts";
import { Fingerprint } from "./fingerprint.ts";
import type { EncodedFiles } from "../shared_files.ts";
import { isS3Url } from "../../store/s3_url.ts";
import { cannotSend, type FindObject } from "../inputs.ts";
import type { Identity, InputFile, Job } from "../job.ts";

/** The `shared` of a run without shared files. */
export const noSharedFiles = 0;

/** The hexadecimal digits of 48 bits. */
const digits = 12;

/** The number of hexadecimal digits in an identity. */
export const identityDigits: number = 2 * digits;

/**
 * Formats an identity as {@linkcode identityDigits} lower-case hexadecimal digits.
 */
export function formatIdentity({ own, shared }: Identity): string {
  return [own, shared].map((hash) => hash.toString(16).padStart(digits, "0")).join("");
}

/** Parses an identity at a position; undefined if there is none. */
export function parseIdentity(bytes: Uint8Array, start: number): Identity | undefined {
  const own = hexadecimal(bytes, start);
  const shared = hexadecimal(bytes, start + digits);
  return Number.isNaN(own) || Number.isNaN(shared) ? undefined : { own, shared };
}

/** Parses a hash in two halves, which are small integers; NaN if it is not a hash. */
function hexadecimal(bytes: Uint8Array, start: number): number {
  const middle = start + digits / 2;
  let high = 0;
  let low = 0;
  for (let i = start; i < middle; i++) high = high << 4 | (valueOf[bytes[i] ?? 0] ?? -1);
  for (let i = middle; i < start + digits; i++) low = low << 4 | (valueOf[bytes[i] ?? 0] ?? -1);
  return high < 0 || low < 0 ? NaN : high * 2 ** 24 + low;
}

/** The values of bytes as hexadecimal digits; -1 for others. */
const valueOf = new Int8Array(256).fill(-1);
for (const [value, digit] of [..."0123456789abcdef"].entries()) {
  valueOf[digit.charCodeAt(0)] = value;
}

/**
 * Returns the hash of a job's own parts: its arguments, lines and outputs, the contents of generated
 * files, and the names of inputs. It does not cover the contents of input files: they would have to be
 * read for each skipped job, may be gone, and with `.IO` the job itself changes them.
 *
 * @param words The function and its arguments.
 * @param job Its files; undefined if a template failed.
 * @returns A 48-bit integer.
 */
export function hashJob(
  words: readonly string[],
  lines: string | readonly string[],
  job: Pick<Job, "inputs" | "outputs"> | undefined,
): number {
  const { inputs = [], outputs = [] } = job ?? {};
  const hash = new Fingerprint();
  hash.texts(words);
  hash.texts(typeof lines === "string" ? [lines] : lines);
  hash.number(inputs.length);
  for (const { remote, source } of inputs) {
    hash.text(remote);
    hash.number(typeof source === "string" ? 1 : 2);
    if (typeof source === "string") hash.text(source);
    else hash.bytes(source);
  }
  hash.number(outputs.length);
  for (const { remote, local, onlyOnSuccess = false } of outputs) {
    hash.text(remote);
    hash.text(local);
    hash.number(onlyOnSuccess ? 1 : 0);
  }
  return hash.value();
}

/**
 * Returns the hash of a command, for logs without identities.
 *
 * @param words The function and its arguments.
 * @returns A 48-bit integer.
 */
export function hashCommand(words: readonly string[]): number {
  const hash = new Fingerprint();
  hash.texts(words);
  return hash.value();
}

/**
 * Returns the hash of the shared files: their names in the job's directory, their contents, whether
 * they are executable, and the links by which they were found.
 *
 * @param files The files.
 * @param files The files.
 * @param signal Ends the work early.
 * @param encoded The files as they were sent, if they were: those in the store are not read again.
 * @param findObject Looks up objects in S3, which count by URL and ETag.
 * @returns A 48-bit integer.
 * @throws {LlamaError} `input` if one cannot be read.
 */
export async function hashSharedFiles(
  files: readonly InputFile[],
  signal?: AbortSignal,
  encoded: EncodedFiles = {},
  findObject?: FindObject,
): Promise<number> {
  if (files.length === 0) return noSharedFiles;
  const hashes = await mapConcurrently(
    files.toSorted((a, b) => a.remote < b.remote ? -1 : 1),
    filesAtOnce,
    async ({ remote, source, link, isDirectory = false }) => {
      const { r: id, m: mode = 0 } = encoded[remote] ?? {};
      return [
        remote,
        ...isDirectory
          ? ["directory"]
          : id === undefined
          ? await contentsOf(source, signal, findObject)
          : [id, isExecutable(mode)],
        ...link === undefined ? [] : [link.remote, link.target],
      ];
    },
    signal,
  );
  return parseInt(sha256(JSON.stringify(hashes)).slice(0, digits), 16);
}

const filesAtOnce = 8;

async function contentsOf(
  source: InputFile["source"],
  signal: AbortSignal | undefined,
  findObject: FindObject | undefined,
): Promise<[id: string, isExecutable: boolean]> {
  if (source instanceof Uint8Array) return [sha256(source), false];
  if (isS3Url(source) && findObject) return [`${source} ${(await findObject(source)).etag}`, false];
  try {
    using file = await Deno.open(source);
    const { mode } = await file.stat();
    const { id } = await hashFile(file, { signal });
    return [id, isExecutable(mode ?? 0)];
  } catch (cause) {
    signal?.throwIfAborted();
    throw cannotSend(source, cause);
  }
}

function isExecutable(mode: number): boolean {
  return (mode & 0o111) !== 0;
}
