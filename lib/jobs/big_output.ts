/**
 * Standard output and standard error of a command: in memory, or in a file if large.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join, resolve } from "node:path";
import { decodeBlob, decodeBlobToFile, novelKindOf } from "../store/blob.ts";
import { LlamaError } from "../errors.ts";
import { type ContentKind, ownFeatures, type Sizes } from "../features.ts";
import { fileTurn } from "./open_files.ts";
import { removeIfThere } from "../files/whole.ts";
import type { Blob } from "../protocol.ts";
import {
  makeRunDirectory,
  removeStaleDirectories,
  removeTreeSync,
} from "../files/run_directory.ts";
import type { ObjectStore } from "../store/store.ts";

/** Larger outputs are kept in a file. */
export const maxOutputInMemory = 4 * 1024 * 1024;

/** Files for large outputs, in a directory that the first one creates. Dispose of it when done. */
export class OutputFiles implements Disposable {
  readonly #parent: string;
  #directory: string | undefined;
  #count = 0;

  /** @param parent The directory's parent. */
  constructor(parent: string) {
    this.#parent = parent;
  }

  /**
   * Returns the path of a new file.
   * @throws {LlamaError} `config` if the directory cannot be created.
   */
  async newPath(): Promise<string> {
    if (this.#directory === undefined) {
      const parent = resolve(this.#parent);
      await removeStaleDirectories(parent);
      this.#directory ??= makeRunDirectory(parent);
    }
    return join(this.#directory, String(this.#count++));
  }

  /** Removes the directory with its contents. */
  [Symbol.dispose](): void {
    if (this.#directory !== undefined) removeTreeSync(this.#directory);
    this.#directory = undefined;
  }
}

/** A received output. */
export interface ReceivedOutput {
  /** Its bytes; empty if it is in a file. */
  readonly bytes: Uint8Array;
  /** The file that holds it, if it exceeds 4 MiB. */
  readonly file: string | undefined;
  /** Its size in bytes. */
  readonly size: number;
}

/** An empty output. */
export const noOutput: ReceivedOutput = { bytes: new Uint8Array(), file: undefined, size: 0 };

/**
 * Returns an output that is empty or short text, as most are, without a wait.
 *
 * @param blob The blob from the wire.
 * @returns Undefined for any other output.
 */
export function shortOutput(blob: Blob): ReceivedOutput | undefined {
  const { s: text } = blob;
  if (text === undefined) return Object.keys(blob).length === 0 ? noOutput : undefined;
  // A character has up to three bytes in UTF-8.
  if (3 * text.length > maxOutputInMemory) return undefined;
  const bytes = Buffer.from(text);
  return { bytes, file: undefined, size: bytes.length };
}

/** Options for {@linkcode receiveOutput}. */
export interface ReceiveOptions {
  /** Names the file of an output that exceeds 4 MiB. */
  readonly files: OutputFiles;
  /** Returns the store; called only if the output is an object. */
  readonly store: () => ObjectStore;
  /** The known kinds of content beyond those of December 2020. */
  readonly kinds?: readonly ContentKind[] | undefined;
  /** Ends the work early. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the sizes of an output that was read from the store. */
  readonly onStored?: ((sizes: Sizes) => void) | undefined;
}

/**
 * Receives an output, into a file if it exceeds 4 MiB.
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
    // A store that ignores `maxBytes` has returned all bytes.
    if (bytes === undefined) await decodeBlobToFile(blob, file, store, options);
    else await Deno.writeFile(file, bytes, { createNew: true });
    return { bytes: noOutput.bytes, file, size: (await Deno.stat(file)).size };
  } catch (error) {
    await removeIfThere(file);
    throw error;
  }
}

/**
 * Removes the file of an output. On failure, it is removed with its directory or by the next run.
 */
export function removeOutput(file: string): void {
  try {
    Deno.removeSync(file);
  } catch {
    // The directory may be gone already.
  }
}

/** Reads an output into memory; undefined if the store reports that it is too large. */
async function readSmall(
  blob: Blob,
  { store, ...options }: ReceiveOptions,
): Promise<Uint8Array | undefined> {
  const { raw = 0 } = novelKindOf(blob, options.kinds ?? ownFeatures.contents)?.sizes?.(blob) ?? {};
  if (raw > maxOutputInMemory) return undefined;
  try {
    return await decodeBlob(blob, store, { ...options, maxBytes: maxOutputInMemory });
  } catch (error) {
    if (error instanceof LlamaError && error.code === "too-large") return undefined;
    throw error;
  }
}

/**
 * Reads the end of a file.
 *
 * @param path The file.
 * @param bytes The maximum number of bytes.
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
