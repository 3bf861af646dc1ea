/**
 * Hashes of a job's inputs: as they are on this machine, and as a request holds them.
 *
 * @module
 */

import { mapConcurrently } from "../async/concurrency.ts";
import { LlamaError } from "../errors.ts";
import type { ContentKind } from "../features.ts";
import { hashFile, sha256 } from "../files/hash.ts";
import { open } from "../files/quick.ts";
import { cannotSend, findInputs } from "../jobs/inputs.ts";
import type { Job } from "../jobs/job.ts";
import { fileTurn } from "../jobs/open_files.ts";
import { followsLinks, type SharedFiles } from "../jobs/shared_files.ts";
import { type Blob, permissionBits, type Request } from "../protocol.ts";
import { type BlobSource, decodeBlob } from "../store/blob.ts";
import { canonicalJson, type KeyFile, type KeyInputs } from "./key.ts";

/** The concurrency of hashing one job's files. */
const hashConcurrency = 4;

/** The SHA-256 of nothing. */
const emptyHash = sha256("");

type Found = Awaited<ReturnType<typeof findInputs>>;

/** Hashes the inputs of jobs, and shared files once. */
export class InputHashes {
  /** Of the shared files, as links or as what they lead to. */
  readonly #shared = new Map<boolean, Promise<ReadonlyMap<string, KeyFile>>>();

  /**
   * Hashes the inputs of a job, as a function that accepts links gets them.
   *
   * @param job The job.
   * @param shared The files that all jobs share.
   * @param signal Ends the work early.
   * @returns The hashes.
   * @throws {LlamaError} `input` if a file cannot be sent, as `findInputs`.
   */
  async of(
    { inputs, outputs, stdin }: Pick<Job, "inputs" | "outputs" | "stdin">,
    shared: SharedFiles | undefined,
    signal: AbortSignal | undefined,
  ): Promise<KeyInputs> {
    const found = await findInputs(inputs, shared?.inputs);
    const isFollowed = followsLinks(found, outputs, shared);
    const own = await filesOf(found, isFollowed, signal);
    let common: ReadonlyMap<string, KeyFile> = none;
    if (shared !== undefined) {
      const hashed = this.#shared.get(isFollowed) ??
        findInputs([...shared.inputs.values()]).then((found) => filesOf(found, isFollowed, signal));
      this.#shared.set(isFollowed, hashed);
      common = await hashed;
    }
    return {
      stdin: stdin === undefined ? emptyHash : await hashOf(stdin, signal),
      files: new Map([...common, ...own]),
    };
  }
}

const none: ReadonlyMap<string, KeyFile> = new Map();

async function filesOf(
  found: Found,
  isFollowed: boolean,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, KeyFile>> {
  const files = await mapConcurrently(
    found,
    hashConcurrency,
    async ({ remote, source, mode, link, isDirectory }): Promise<[string, KeyFile][]> => {
      if (!isFollowed && link !== undefined) {
        return [[link.remote, { kind: "l", value: link.target }]];
      }
      if (isDirectory) return isFollowed ? [] : [[remote, { kind: "d", value: "" }]];
      return [[remote, { kind: kindOf(mode ?? 0), value: await hashOf(source, signal) }]];
    },
    signal,
  );
  return new Map(files.flat());
}

function kindOf(mode: number): "x" | "-" {
  return (mode & 0o111) === 0 ? "-" : "x";
}

async function hashOf(source: BlobSource, signal: AbortSignal | undefined): Promise<string> {
  if (source instanceof Uint8Array) return sha256(source);
  using _turn = await fileTurn(signal);
  try {
    using file = await open(source.path);
    return (await hashFile(file, { signal })).id;
  } catch (cause) {
    signal?.throwIfAborted();
    throw cannotSend(source.path, cause);
  }
}

/**
 * Hashes the inputs in a request: the bytes that the function gets, whatever happened to the files
 * between their being hashed and being sent.
 *
 * @param request The request.
 * @param kinds The kinds of content that it may use.
 * @returns The hashes.
 */
export async function sentInputs(
  { stdin, files }: Request,
  kinds: readonly ContentKind[],
): Promise<KeyInputs> {
  const hashed = Object.entries(files).map(async ([path, file]): Promise<[string, KeyFile]> => [
    path,
    file.l !== undefined
      ? { kind: "l", value: file.l }
      : file.d
      ? { kind: "d", value: "" }
      : { kind: kindOf(permissionBits(file)), value: await blobHash(file, kinds) },
  ]);
  return {
    stdin: stdin === undefined ? emptyHash : await blobHash(stdin, kinds),
    files: new Map(await Promise.all(hashed)),
  };
}

/**
 * Returns the SHA-256 of a blob's bytes. That of an object is its id.
 *
 * @param blob The blob.
 * @param kinds The kinds of content that it may use.
 * @throws {LlamaError} `protocol` if it holds no bytes.
 */
export async function blobHash(blob: Blob, kinds: readonly ContentKind[]): Promise<string> {
  if (blob.r !== undefined) return blob.r;
  const noStore = () => {
    throw new LlamaError("protocol", "an inline blob needs no store");
  };
  return sha256(await decodeBlob(blob, noStore, { kinds }));
}

/**
 * Reports whether inputs hold links or empty directories, which a function that does not accept them
 * gets in another form.
 */
export function haveLinks({ files }: KeyInputs): boolean {
  return files.values().some(({ kind }) => kind === "l" || kind === "d");
}

/** Reports whether two jobs have the same inputs. */
export function sameInputs(one: KeyInputs, other: KeyInputs): boolean {
  const text = ({ stdin, files }: KeyInputs) =>
    canonicalJson({ stdin, files: Object.fromEntries(files) });
  return one === other || text(one) === text(other);
}
