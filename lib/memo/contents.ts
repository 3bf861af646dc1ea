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
import { type Blob, type File, permissionBits, type Request } from "../protocol.ts";
import { type BlobSource, decodeBlob } from "../store/blob.ts";
import { FoundObjects } from "../store/found_objects.ts";
import type { IdentifiedObject } from "../store/s3_files.ts";
import { guardOfObject } from "../store/s3_path.ts";
import { canonicalJson, type KeyFile, type KeyInputs } from "./key.ts";

/** The concurrency of hashing one job's files. */
const hashConcurrency = 4;

/** The SHA-256 of nothing. */
const emptyHash = sha256("");

type Found = Awaited<ReturnType<typeof findInputs>>;

/** Looks up an object in S3, and what is known of its contents. */
export type IdentifyObject = (url: string) => Promise<IdentifiedObject>;

/** Hashes the inputs of jobs, and shared files once. */
export class InputHashes {
  readonly #objects = new FoundObjects<IdentifiedObject>();
  readonly #identifyObject: IdentifyObject;
  /** Of the shared files, as links or as what they lead to. */
  readonly #shared = new Map<boolean, Promise<ReadonlyMap<string, KeyFile>>>();

  /** @param identifyObject Looks up objects; each is asked for once. */
  constructor(identifyObject: IdentifyObject) {
    this.#identifyObject = identifyObject;
  }

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
    const identify = (url: string) => this.#identify(url);
    const found = await findInputs(inputs, shared?.inputs, identify);
    const isFollowed = followsLinks(found, outputs, shared);
    const own = await this.#filesOf(found, isFollowed, signal);
    let common: ReadonlyMap<string, KeyFile> = none;
    if (shared !== undefined) {
      const hashed = this.#shared.get(isFollowed) ??
        findInputs([...shared.inputs.values()], undefined, identify)
          .then((found) => this.#filesOf(found, isFollowed, signal));
      this.#shared.set(isFollowed, hashed);
      common = await hashed;
    }
    return {
      stdin: stdin === undefined ? emptyHash : await hashOf(stdin, signal),
      files: new Map([...common, ...own]),
    };
  }

  /**
   * Hashes the inputs in a request: the bytes that the function gets, whatever happened to the files
   * between their being hashed and being sent.
   *
   * @param request The request.
   * @param kinds The kinds of content that it may use.
   * @returns The hashes.
   */
  async sent(
    { stdin, files, uploads = {} }: Request,
    kinds: readonly ContentKind[],
  ): Promise<KeyInputs> {
    const guards = new Set(Object.values(uploads).map(({ u }) => guardOfObject(u)));
    const hashed = Object.entries(files)
      .filter(([path, { d }]) => !(d && guards.has(path)))
      .map(async ([path, file]): Promise<[string, KeyFile]> => [
        path,
        file.u !== undefined
          ? await this.#sentObject(file, file.u)
          : file.l !== undefined
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

  #identify(url: string): Promise<IdentifiedObject> {
    return this.#objects.find(url, () => this.#identifyObject(url));
  }

  async #sentObject({ t: etag, n: size }: File, url: string): Promise<KeyFile> {
    const object = await this.#identify(url);
    const isSame = object.etag === etag && object.size === size;
    return isSame ? fileOf(url, object) : { kind: "o", value: "" };
  }

  async #filesOf(
    found: Found,
    isFollowed: boolean,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, KeyFile>> {
    const files = await mapConcurrently(
      found,
      hashConcurrency,
      async ({ remote, source, mode, link, isDirectory, object }): Promise<[string, KeyFile][]> => {
        if (object) return [[remote, fileOf(object.url, await this.#identify(object.url))]];
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
}

const none: ReadonlyMap<string, KeyFile> = new Map();

/** Returns an object as a part of a key. */
function fileOf(url: string, { sha256: hash, version, etag, size }: IdentifiedObject): KeyFile {
  if (hash !== undefined) return { kind: "-", value: hash };
  return { kind: "o", value: sha256(canonicalJson([url, version ?? etag, size])) };
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
