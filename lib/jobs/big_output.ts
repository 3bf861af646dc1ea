/**
 * What a command wrote to standard output or standard error: in memory, or in a file if it is much.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { decodeBlob, decodeBlobToFile } from "../store/blob.ts";
import { LlamaError } from "../errors.ts";
import type { ContentKind } from "../features.ts";
import { fileTurn } from "./open_files.ts";
import { removeIfThere } from "../files/whole.ts";
import type { Blob } from "../protocol.ts";
import {
  makeRunDirectory,
  removeStaleDirectories,
  removeTreeSync,
} from "../files/run_directory.ts";
import type { ObjectStore } from "../store/store.ts";

/** Output of more bytes than this is held in a file. */
export const maxOutputInMemory = 4 * 1024 * 1024;

/** How much of a file is read at a time, in bytes. */
const pieceBytes = 256 * 1024;

/** The files of outputs, in a directory that is made with the first one. Dispose of it when done. */
export class OutputFiles implements Disposable {
  readonly #parent: string;
  #directory: string | undefined;
  #count = 0;

  /** @param parent Where the directory is made. */
  constructor(parent: string) {
    this.#parent = parent;
  }

  /**
   * Names a new file.
   *
   * @returns Its path.
   * @throws {LlamaError} `config` if the directory cannot be made.
   */
  async newPath(): Promise<string> {
    if (this.#directory === undefined) {
      const parent = resolve(this.#parent);
      await removeStaleDirectories(parent);
      this.#directory ??= makeRunDirectory(parent);
    }
    return join(this.#directory, String(this.#count++));
  }

  /** Removes the directory, whatever is in it. */
  [Symbol.dispose](): void {
    if (this.#directory !== undefined) removeTreeSync(this.#directory);
    this.#directory = undefined;
  }
}

/** An output as it was received. */
export interface ReceivedOutput {
  /** Its bytes; none if it is in a file. */
  readonly bytes: Uint8Array;
  /** The file that holds it, if it is more than 4 MiB. */
  readonly file: string | undefined;
  /** How many bytes it has. */
  readonly size: number;
}

/** An output of no bytes. */
export const noOutput: ReceivedOutput = { bytes: new Uint8Array(), file: undefined, size: 0 };

/** Options for {@linkcode receiveOutput}. */
export interface ReceiveOptions {
  /** Makes a file for an output of more than 4 MiB. */
  readonly files: OutputFiles;
  /** Where the output's object is, if it is one; called only then. */
  readonly store: () => ObjectStore;
  /** The kinds of content that are known beyond those of December 2020. */
  readonly kinds?: readonly ContentKind[] | undefined;
  /** Ends the work early. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Receives an output.
 *
 * @param blob The output as it came over the wire.
 * @param options Where it is, and where it goes.
 * @returns The output.
 * @throws As `decodeBlob`, and what the file system throws.
 */
export async function receiveOutput(blob: Blob, options: ReceiveOptions): Promise<ReceivedOutput> {
  const { files, store, signal } = options;
  const bytes = await readSmall(blob, options);
  if (bytes !== undefined && bytes.length <= maxOutputInMemory) {
    return { bytes, file: undefined, size: bytes.length };
  }
  const file = await files.newPath();
  using _turn = await fileTurn(signal);
  try {
    // A store that knows nothing of bounds has given all of it.
    if (bytes === undefined) await decodeBlobToFile(blob, file, store, signal);
    else await Deno.writeFile(file, bytes, { createNew: true });
    return { bytes: noOutput.bytes, file, size: (await Deno.stat(file)).size };
  } catch (error) {
    await removeIfThere(file);
    throw error;
  }
}

/**
 * Removes the file of an output. Whatever keeps it goes with its directory, or the next run sees to
 * it.
 *
 * @param file The file.
 */
export function removeOutput(file: string): void {
  try {
    Deno.removeSync(file);
  } catch {
    // The directory may be gone already.
  }
}

/** Undefined if the store says that it is too much. */
async function readSmall(
  blob: Blob,
  { store, kinds, signal }: ReceiveOptions,
): Promise<Uint8Array | undefined> {
  if (blob.r === undefined) return await decodeBlob(blob, store, signal, kinds);
  try {
    return await store().get(blob.r, signal, maxOutputInMemory);
  } catch (error) {
    if (error instanceof LlamaError && error.code === "too-large") return undefined;
    throw error;
  }
}

/**
 * Reads a file piece by piece.
 *
 * @param path The file.
 * @returns Its bytes. Each piece is overwritten by the next.
 * @throws What the file system throws.
 */
export async function* piecesOfFile(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(pieceBytes);
  for (let count; (count = await file.read(buffer)) !== null;) yield buffer.subarray(0, count);
}

/**
 * Reads the end of a file.
 *
 * @param path The file.
 * @param bytes How much of it, if it has as much.
 * @returns The bytes.
 * @throws What the file system throws.
 */
export async function endOfFile(path: string, bytes: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  const end = new Uint8Array(Math.min(size, bytes));
  await file.seek(-end.length, Deno.SeekMode.End);
  for (let filled = 0; filled < end.length;) {
    const count = await file.read(end.subarray(filled));
    if (count === null) return end.subarray(0, filled);
    filled += count;
  }
  return end;
}
